//! A server seen from outside: its memory, its processor time and its last words, and a client who did nothing wrong.
//!
//! `AGAINST=memcached` puts the installed memcached in the place of our server, so that every expectation about an
//! answer is checked against the original. What `-m` promises about the process is asked of ours alone: memcached
//! keeps its slab pages for ever.

use super::{Connection, PATIENCE, Server, scratch, show};
use std::fmt::Display;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

/// One mebibyte, the unit of `-m`.
pub const MIB: usize = 1024 * 1024;

/// What every connection may cost beside `-m`, in bytes.
pub const PER_CONNECTION: usize = 32 * 1024;

/// How long an innocent client may wait.
pub const SERVED_WITHIN: Duration = Duration::from_secs(1);

/// What an empty server and its allocator may keep when everybody has left, in bytes: "near where it was".
pub const NEAR: usize = 16 * MIB;

/// A server whose stderr goes to a file and whose memory is known from its start.
pub struct Watched {
    pub server: Server,
    stderr: PathBuf,
    /// Resident memory before anybody came, in bytes.
    pub before: usize,
}

/// Starts ours, or memcached where `AGAINST=memcached` says so.
pub fn watched(options: &[&str]) -> Watched {
    watched_after("", options)
}

/// The same, after `setup` has been run by the shell that becomes the server.
pub fn watched_after(setup: &str, options: &[&str]) -> Watched {
    let ours = assert_cmd::cargo::cargo_bin!("mini-memcached");
    watched_program(ours, setup, options)
}

/// The server as its users build it.
pub fn watched_release(options: &[&str]) -> Watched {
    watched_program(&release(), "", options)
}

/// Starts ours, or memcached, on a port that was free a moment ago: for a server that cannot say where it listens, or
/// whose output is the point. `setup` is run before by the shell that becomes the server; `arrange` may redirect it.
pub fn on_a_free_port(
    setup: &str,
    options: &[&str],
    arrange: impl Fn(&mut Command) -> &mut Command,
) -> Server {
    let script = format!("{setup}\nexec \"$0\" \"$@\"");
    Server::on_a_free_port(|port| {
        let mut command = Command::new("sh");
        command.args(["-c", &script]);
        if against_memcached() {
            command.args(["memcached", "-U", "0", "-u", "root"]);
        } else {
            command.arg(assert_cmd::cargo::cargo_bin!("mini-memcached"));
        }
        command.args(["-l", "127.0.0.1", "-p", port]).args(options);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        arrange(&mut command);
        command
    })
}

fn watched_program(ours: &Path, setup: &str, options: &[&str]) -> Watched {
    allow_many_files();
    let (server, stderr) = if against_memcached() {
        (Server::memcached(options), PathBuf::new())
    } else {
        let stderr = stderr_file();
        let setup = format!("{setup}\nexec 2>'{}'", stderr.display());
        let arguments = [&super::ANY_PORT, options].concat();
        (Server::program_after(&setup, ours, &arguments), stderr)
    };
    let before = resident(server.child.id());
    Watched {
        server,
        stderr,
        before,
    }
}

/// A file of its own for each server that this program starts.
fn stderr_file() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    scratch(&format!("{}-{number}", env!("CARGO_CRATE_NAME"))).join("stderr")
}

/// Whether the installed memcached stands in for ours.
pub fn against_memcached() -> bool {
    env::var("AGAINST").is_ok_and(|name| name == "memcached")
}

impl Watched {
    pub fn pid(&self) -> u32 {
        self.server.child.id()
    }

    /// The server runs, and no thread of it has panicked.
    #[track_caller]
    pub fn assert_well(&mut self) {
        let status = self.server.child.try_wait().expect("ask for the server");
        let said = fs::read_to_string(&self.stderr).unwrap_or_default();
        assert!(status.is_none(), "the server died, {status:?}: {said}");
        assert!(!said.contains("panicked"), "a thread panicked: {said}");
    }

    /// An innocent client stores and reads a value within [`SERVED_WITHIN`]. It gets a few tries: the machine may be
    /// busy, and somebody's `flush_all` may come in between.
    #[track_caller]
    pub fn assert_serves(&mut self) {
        let mut tries = Vec::new();
        for _ in 0..5 {
            let start = Instant::now();
            let mut innocent = self.server.connect();
            innocent.expect("set innocent 0 0 5\r\nhello\r\n", "STORED\r\n");
            innocent.send("get innocent\r\n");
            let reply = receive_until(&mut innocent, b"END\r\n");
            let served = reply == b"VALUE innocent 0 5\r\nhello\r\nEND\r\n";
            if served && start.elapsed() < SERVED_WITHIN {
                return self.assert_well();
            }
            tries.push((start.elapsed(), show(&reply)));
        }
        panic!("an innocent client got {tries:?}");
    }

    /// Resident memory, now and at its highest, is within `-m` and what `connections` may cost.
    #[track_caller]
    pub fn assert_bounded(&self, megabytes: usize, connections: usize) {
        let peak = peak_resident(self.pid());
        let promised = promised(megabytes, connections);
        assert!(
            against_memcached() || peak <= promised,
            "{peak} bytes resident at the peak, {promised} promised"
        );
    }

    /// Waits until the resident memory is below `limit` bytes.
    #[track_caller]
    pub fn assert_shrinks_to(&self, limit: usize) {
        let small = || against_memcached() || resident(self.pid()) <= limit;
        let now = || resident(self.pid());
        assert!(
            eventually(small),
            "{} bytes resident, {limit} expected",
            now()
        );
    }

    /// One number of `stats`, or `None` where the server has no place for another client.
    pub fn stat_or_refused(&self, name: &str) -> Option<u64> {
        let mut client = self.server.connect();
        client.stream.write_all(b"stats\r\n").ok()?;
        let word = client.receive(5);
        (word == b"STAT ").then(|| self.stat(name))
    }

    /// One number of `stats`, on a connection of its own.
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        stat(&mut self.server.connect(), name)
    }
}

/// Starts a server, misbehaves, and asks as an innocent client while the offenders are still there and after
/// they left. The server must live, no thread may have panicked, and its memory must come back to [`NEAR`]
/// where it was. What the offence returns (its connections) is dropped between the two questions.
#[track_caller]
pub fn misbehave<T>(mut watched: Watched, offence: impl FnOnce(&Watched) -> T) {
    watched.assert_serves();
    let threads_before = threads(watched.pid());
    let offenders = offence(&watched);
    watched.assert_serves();
    drop(offenders);
    watched.assert_serves();
    watched.assert_shrinks_to(watched.before + NEAR);
    let gone = || threads(watched.pid()) <= threads_before + 1;
    assert!(eventually(gone), "{} threads", threads(watched.pid()));
}

/// Connects this many clients and lets each do one thing.
pub fn clients(
    watched: &Watched,
    count: usize,
    act: impl Fn(usize, &mut Connection),
) -> Vec<Connection> {
    let connect = |number| {
        let mut client = watched.server.connect();
        act(number, &mut client);
        client
    };
    (0..count).map(connect).collect()
}

/// Waits until the server has done all that it can do without its clients: no thread of it runs.
#[track_caller]
pub fn await_asleep(watched: &Watched) {
    let rests = || comes_to_rest(watched.pid());
    assert!(eventually(rests), "the server does not come to rest");
}

/// Whether a process sleeps, and not only for a moment.
pub fn comes_to_rest(pid: u32) -> bool {
    let pause = || std::thread::sleep(Duration::from_millis(1));
    (0..10).inspect(|_| pause()).all(|_| asleep(pid))
}

/// Whether every thread of a process sleeps, or is stopped; so does one that is gone, or of which no /proc tells.
pub fn asleep(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    threads.into_iter().flatten().flatten().all(|thread| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map(|(_, rest)| &rest[..1]);
        matches!(state, Some("S" | "T") | None)
    })
}

/// Sends a signal, `STOP` for instance, to a process, or with a `-` before the number to a group of them. With the `kill` of
/// the shell: not every machine has a program of that name.
pub fn signal(process: impl Display, name: &str) {
    let script = format!("kill -s {name} -- {process}");
    let kill = Command::new("sh").args(["-c", &script]).status();
    assert!(kill.expect("run sh").success(), "no signal {name}");
}

/// Asks for `version` and gets an answer, so this connection has a place and is in step.
#[track_caller]
pub fn assert_in_step(client: &mut Connection) {
    client.send("version\r\n");
    let reply = receive_until(client, b"\r\n");
    assert!(reply.starts_with(b"VERSION "), "{}", show(&reply));
}

/// `-m` in bytes with a quarter more, and [`PER_CONNECTION`].
pub fn promised(megabytes: usize, connections: usize) -> usize {
    megabytes * MIB * 5 / 4 + connections * PER_CONNECTION
}

/// Reads numbers of the server's clock until it has gone on by so many seconds.
pub fn await_seconds(client: &mut Connection, seconds: u64) {
    let start = stat(client, "time");
    let deadline = Instant::now() + PATIENCE + Duration::from_secs(seconds);
    while stat(client, "time") < start + seconds {
        assert!(Instant::now() < deadline, "the server's clock stands");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks again and again, for [`PATIENCE`] at most.
pub fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// One number of `stats`, asked for on this connection; panics when the server does not know the name.
#[track_caller]
pub fn stat(client: &mut Connection, name: &str) -> u64 {
    client.send("stats\r\n");
    let reply = receive_until(client, b"END\r\n");
    let reply = String::from_utf8_lossy(&reply);
    let start = format!("STAT {name} ");
    let line = reply.lines().find_map(|line| line.strip_prefix(&start));
    let number = line.unwrap_or_else(|| panic!("no {name} in {reply}"));
    number.parse().expect("a number in stats")
}

/// What comes until `end` has come; panics when it does not come.
#[track_caller]
pub fn receive_until(client: &mut Connection, end: &[u8]) -> Vec<u8> {
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    while !received.ends_with(end) {
        let count = client.stream.read(&mut buffer).unwrap_or(0);
        received.extend_from_slice(&buffer[..count]);
        assert!(count > 0, "{} before {}", show(&received), show(end));
    }
    received
}

/// Resident memory of a process, in bytes.
pub fn resident(pid: u32) -> usize {
    status(pid, "VmRSS:") * 1024
}

/// The most that was ever resident, in bytes.
pub fn peak_resident(pid: u32) -> usize {
    status(pid, "VmHWM:") * 1024
}

/// How many threads a process has.
pub fn threads(pid: u32) -> usize {
    status(pid, "Threads:")
}

/// A number of /proc/PID/status; sizes are in KiB there. 0 once the process is gone, and where there is no /proc.
fn status(pid: u32, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.map_or(0, |number| number.parse().expect("a number"))
}

/// Processor time a process has used, user and system; the kernel counts hundredths of a second.
pub fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("/proc/PID/stat");
    // The name of the program, in brackets, may hold spaces; utime and stime are the 12th and 13th words after it.
    let (_, words) = stat.rsplit_once(") ").expect("a name in brackets");
    let ticks = words.split(' ').skip(11).take(2);
    let sum: u64 = ticks.map(|word| word.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(sum * 10)
}

/// Raises this program's soft limit of open files to its hard limit; what it starts inherits that.
fn allow_many_files() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let script =
            "command -v prlimit >/dev/null || exit 0; prlimit --pid $0 --nofile=$(ulimit -Hn):";
        let pid = std::process::id().to_string();
        let status = Command::new("sh").args(["-c", script, &pid]).status();
        assert!(status.expect("run sh").success(), "prlimit fails");
    });
}

/// Runs this program's tests once more against the installed memcached, without those named in `ours_alone`.
pub fn same_tests_against_memcached(ours_alone: &[&str]) {
    let program = env::current_exe().expect("this program");
    let skips = ours_alone.iter().flat_map(|name| ["--skip", name]);
    let output = Command::new(program)
        .args(skips)
        .env("AGAINST", "memcached")
        .output()
        .expect("run the tests again");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains(" 0 passed"), "nothing was run: {said}");
}

/// Our server built with optimisation, for the figures that need it; cargo builds it once into a scratch folder.
pub fn release() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release-build");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(&folder)
        .current_dir(super::project())
        .status();
    assert!(status.expect("run cargo").success(), "no release build");
    folder.join("release/mini-memcached")
}
