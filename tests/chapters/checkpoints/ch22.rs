//! Chapter 22: look again before you sleep. What is looked at here is what Linux tells about a process, so the server that
//! is judged must run on the same machine.

use super::process::stat;
use super::{client, exchange, set};
use crate::peer::{Peer, Verdict, random_key};
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How long something is looked for that may be there at any moment; on a busy machine the moments are rare.
const LONG_ENOUGH: Duration = Duration::from_secs(20);

/// A reply that did not have to wait for somebody's slice of the processor takes less.
const ALONE: Duration = Duration::from_micros(700);

/// Whether one of the server's streams comes back from `read` though there is nothing: O_NONBLOCK is 4000 in octal.
fn looks(process: u64) -> bool {
    let folder = format!("/proc/{process}/fdinfo");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
        flags.unwrap_or(0) & 0o4000 != 0
    })
}

pub fn ch22_a_client_in_a_hurry_finds_the_server_awake(peer: &Peer) -> Verdict {
    let mut hurried = client(peer)?;
    let process = stat(&mut hurried, "pid")?;
    let done = AtomicBool::new(false);
    let end = Instant::now() + LONG_ENOUGH;
    thread::scope(|scope| {
        let hurry = scope.spawn(|| -> Verdict {
            while !done.load(Relaxed) {
                exchange(&mut hurried, "get nothing\r\n", b"END\r\n")?;
            }
            Ok(())
        });
        let seen = || std::iter::repeat_with(|| looks(process));
        let found = seen()
            .take_while(|_| Instant::now() < end)
            .any(|looks| looks);
        done.store(true, Relaxed);
        hurry.join().expect("no panic")?;
        match found {
            true => Ok(()),
            false => {
                Err("while a client asks again and again, the server sleeps in every `read`".into())
            }
        }
    })
}

/// One that has been in a hurry, so that the server does not sleep when it asks for more than any system takes for a client
/// that does not read. Ten of them, since it may have slept all the same.
pub fn ch22_a_slow_reader_gets_all_of_it(peer: &Peer) -> Verdict {
    let (key, value, times) = (random_key(), "x".repeat(900_000), 30);
    exchange(&mut client(peer)?, set(&key, &value), b"STORED\r\n")?;
    let one = format!("VALUE {key} 5 900000\r\n{value}\r\nEND\r\n").len();
    let sent = format!("get {key}\r\n").repeat(times) + "quit\r\n";
    for _ in 0..10 {
        let mut slow = client(peer)?;
        for _ in 0..50 {
            exchange(&mut slow, "get nothing\r\n", b"END\r\n")?;
        }
        let _ = slow.stream.write_all(sent.as_bytes());
        thread::sleep(Duration::from_millis(100)); // it is slow
        let mut got = Vec::new();
        let _ = slow.stream.read_to_end(&mut got);
        if got.len() != times * one {
            let all = times * one;
            return Err(format!("of {all} bytes a slow reader got {}", got.len()));
        }
    }
    Ok(())
}

/// A program that never sleeps, on the first processor, until this is dropped.
struct Neighbour(Child);

impl Neighbour {
    fn start() -> Result<Neighbour, String> {
        let mut shell = Command::new("taskset");
        shell.args(["-c", "0", "sh", "-c", "while :; do :; done"]);
        let child = shell.spawn();
        child
            .map(Neighbour)
            .map_err(|error| format!("no taskset (util-linux): {error}"))
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn ch22_a_busy_neighbour_is_noticed(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let process = stat(&mut connection, "pid")?;
    let _neighbour = Neighbour::start()?;
    let mut beside = Command::new("taskset");
    beside.args(["-a", "-c", "-p", "0", &process.to_string()]);
    let moved = beside.stdout(Stdio::null()).status();
    if !moved.is_ok_and(|status| status.success()) {
        return Err(format!(
            "the server's process {process} is not on this machine"
        ));
    }
    let end = Instant::now() + LONG_ENOUGH;
    let mut fastest = LONG_ENOUGH;
    while fastest > ALONE && Instant::now() < end {
        let start = Instant::now();
        for _ in 0..50 {
            exchange(&mut connection, "get nothing\r\n", b"END\r\n")?;
        }
        fastest = fastest.min(start.elapsed() / 50);
    }
    match fastest <= ALONE {
        true => Ok(()),
        false => Err(format!("beside a busy neighbour a reply takes {fastest:?}")),
    }
}
