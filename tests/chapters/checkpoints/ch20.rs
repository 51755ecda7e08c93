//! Chapter 20: nothing slow under the lock, and no memory that nobody knows of.

use super::ch19::{reply, stat, store};
use super::process::resident;
use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, random_key};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// Checks of a server that was started with options of its own.
pub const OPTIONS: &[(&str, &[&str])] = &[
    ("ch20_a_slow_reader_holds_little", &["-m", "32", "-I", "8m"]),
    ("ch20_the_dead_leave_before_the_living", &["-m", "2"]),
    ("ch20_all_threads_share_one_heap", &["-m", "16"]),
    ("ch20_holes_count", &["-m", "16"]),
];

/// What a process with `-m 16` may have, in kilobytes.
const LARGEST: u64 = 24_000;

/// Sends a command for each of these numbers, and waits until all of them have been done.
fn each(connection: &mut Connection, count: usize, command: impl Fn(usize) -> String) -> Verdict {
    for start in (0..count).step_by(500) {
        let some = (start..count.min(start + 500)).map(&command);
        let _ = connection
            .stream
            .write_all(some.collect::<String>().as_bytes());
    }
    exchange(connection, "verbosity 0\r\n", b"OK\r\n")
}

fn small(key: &str) -> String {
    format!("set {key} 0 0 1 noreply\r\nx\r\n")
}

/// How long another client waited for the answer that told it that all was gone, and how long the flush took after that.
fn flushed(peer: &Peer) -> Result<[Duration; 2], String> {
    let (mut writer, mut other, own) = (client(peer)?, client(peer)?, random_key());
    each(&mut writer, 200_000, |number| {
        small(&format!("{own}.{number}"))
    })?;
    let flush = thread::spawn(move || {
        exchange(&mut writer, "flush_all\r\n", b"OK\r\n").map(|()| Instant::now())
    });
    loop {
        let begin = Instant::now();
        let _ = other
            .stream
            .write_all(format!("get {own}.7\r\n").as_bytes());
        if !reply(&mut other).starts_with(b"VALUE") {
            let answered = Instant::now();
            let end = flush.join().expect("no panic")?;
            return Ok([answered - begin, end.saturating_duration_since(answered)]);
        }
        let _value_and_end = [reply(&mut other), reply(&mut other)];
    }
}

/// In one of three tries: on a busy machine anybody may wait for anything.
pub fn ch20_nobody_waits_while_a_flush_frees(peer: &Peer) -> Verdict {
    for _ in 0..3 {
        let [waited, freed] = flushed(peer)?;
        if waited < freed {
            return Ok(());
        }
    }
    Err("a get waits until flush_all has freed everything".into())
}

/// Values that fit in no socket, four of them for one reader who does not read: there is still room for a fifth.
pub fn ch20_a_slow_reader_holds_little(peer: &Peer) -> Verdict {
    let (mut writer, mut reader) = (client(peer)?, client(peer)?);
    let keys: Vec<String> = (0..4).map(|_| random_key()).collect();
    for key in &keys {
        store(&mut writer, key, 7_000_000);
    }
    let get = format!("get {}\r\n", keys.join(" "));
    exchange(&mut reader, get, b"VALUE")?;
    exchange(&mut writer, "flush_all\r\n", b"OK\r\n")?;
    match store(&mut writer, &random_key(), 7_000_000) == b"STORED\r\n" {
        true => Ok(()),
        false => Err("one reader holds so much that nobody can store 7 megabytes".into()),
    }
}

/// More expired items than living ones, and then new ones, for which there is no room beside both.
pub fn ch20_the_dead_leave_before_the_living(peer: &Peer) -> Verdict {
    let (mut connection, own) = (client(peer)?, random_key());
    exchange(&mut connection, "flush_all\r\n", b"OK\r\n")?;
    each(&mut connection, 2500, |key| small(&format!("k{key}{own}")))?;
    each(&mut connection, 5000, |key| {
        format!("set d{key}{own} 0 1 1 noreply\r\nx\r\n")
    })?;
    await_gone(&mut connection, &format!("d4999{own}"))?;
    each(&mut connection, 7000, |key| small(&format!("n{key}{own}")))?;
    let (key, sent) = (format!("k0{own}"), format!("get k0{own}\r\n"));
    let hit = format!("VALUE {key} 0 1\r\nx\r\nEND\r\n");
    exchange(&mut connection, sent, hit.as_bytes())
}

fn await_gone(connection: &mut Connection, key: &str) -> Verdict {
    for _ in 0..100 {
        let _ = connection
            .stream
            .write_all(format!("get {key}\r\n").as_bytes());
        if reply(connection) == b"END\r\n" {
            return Ok(());
        }
        let _value_and_end = [reply(connection), reply(connection)];
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("{key} does not expire"))
}

pub fn ch20_the_same_items_weigh_the_same(peer: &Peer) -> Verdict {
    let (mut connection, own) = (client(peer)?, random_key());
    each(&mut connection, 20_000, |key| {
        small(&format!("a{key}{own}"))
    })?;
    let first = stat(peer, "bytes")?;
    for [old, new] in [["a", "b"], ["b", "a"], ["a", "b"], ["b", "a"]] {
        each(&mut connection, 20_000, |key| {
            let new = small(&format!("{new}{key}{own}"));
            format!("delete {old}{key}{own} noreply\r\n{new}")
        })?;
    }
    let last = stat(peer, "bytes")?;
    match last.abs_diff(first) < first / 200 {
        true => Ok(()),
        false => Err(format!(
            "20,000 items take {first} bytes, and {last} after they were replaced four times"
        )),
    }
}

fn is_not_large(peer: &Peer) -> Verdict {
    match resident(&mut client(peer)?)? / 1024 {
        ..LARGEST => Ok(()),
        size => Err(format!("the process has {size} kilobytes, over {LARGEST}")),
    }
}

/// Eight clients fill the server one after the other, and all of them stay.
pub fn ch20_all_threads_share_one_heap(peer: &Peer) -> Verdict {
    let mut clients = Vec::new();
    for _ in 0..8 {
        let (mut connection, own, value) = (client(peer)?, random_key(), "x".repeat(10_000));
        each(&mut connection, 800, |key| {
            format!("set {own}.{key} 0 0 10000 noreply\r\n{value}\r\n")
        })?;
        clients.push(connection);
    }
    is_not_large(peer)
}

/// Many small values, some of which are wanted, and then large ones.
pub fn ch20_holes_count(peer: &Peer) -> Verdict {
    let (mut connection, own) = (client(peer)?, random_key());
    let (small, large) = ("x".repeat(100), "x".repeat(200_000));
    each(&mut connection, 100_000, |key| {
        format!("set {own}.{key} 0 0 100 noreply\r\n{small}\r\n")
    })?;
    for key in (55_000..100_000).step_by(15) {
        let get = format!("get {own}.{key}\r\n");
        let hit = format!("VALUE {own}.{key} 0 100\r\n{small}\r\nEND\r\n");
        exchange(&mut connection, get, hit.as_bytes())?;
    }
    each(&mut connection, 200, |key| {
        format!("set {own}.large{key} 0 0 200000 noreply\r\n{large}\r\n")
    })?;
    is_not_large(peer)
}
