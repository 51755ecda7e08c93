//! Too many clients, and clients that do nothing: places, files, threads, memory and processor time run out for nobody else.
//!
//! All of it is read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::{Connection, PATIENCE};
use std::io::Read;
use std::time::{Duration, Instant};

#[test]
fn more_clients_than_c_are_refused_and_places_are_freed() {
    let mut watched = watched(&["-c", "64"]);
    let mut clients = Vec::new();
    let answer = loop {
        let mut client = watched.server.connect();
        // A server that refuses may close before it has read this, so the answer can be lost to a reset: send nothing.
        if clients.len() >= 64 || against_memcached() {
            let mut answer = [0; 33];
            client
                .stream
                .set_read_timeout(Some(Duration::from_millis(100)))
                .expect("a timeout");
            if client.stream.read_exact(&mut answer).is_ok() {
                break answer;
            }
            client
                .stream
                .set_read_timeout(Some(PATIENCE))
                .expect("a timeout");
        }
        assert_in_step(&mut client);
        clients.push(client);
        assert!(clients.len() <= 64, "-c 64 lets in 65");
    };
    assert_eq!(
        answer.escape_ascii().to_string(),
        r"ERROR Too many open connections\r\n"
    );
    assert!(
        against_memcached() || clients.len() == 64,
        "{} let in",
        clients.len()
    );
    assert!(stat(&mut clients[0], "rejected_connections") >= 1);
    drop(clients);
    let all_left = || {
        watched
            .stat_or_refused("curr_connections")
            .is_some_and(|count| count <= 3)
    };
    assert!(eventually(all_left), "places are not freed");
    watched.assert_serves();
}

const TOO_MANY: &str = "ERROR Too many open connections\r\n";

/// Connects a crowd in which nobody says a word, because an answer can be lost to a reset, and waits until each has been
/// let in or turned away. Then whoever was turned away has been told so, is counted, and the others are served; returns
/// those and the number of those turned away.
#[track_caller]
fn crowd_in(watched: &Watched, first: &mut Connection, count: usize) -> (Vec<Connection>, usize) {
    let crowd = clients(watched, count, |_, _| {});
    let mut decided = 0;
    let all_decided = || {
        decided = stat(first, "rejected_connections") + stat(first, "curr_connections") - 1;
        decided == count as u64
    };
    assert!(
        eventually(all_decided),
        "{decided} of {count} let in or turned away"
    );
    let rejected = stat(first, "rejected_connections") as usize;
    let heard = || crowd.iter().filter(|client| has_heard(client)).count();
    assert!(
        eventually(|| heard() == rejected),
        "{} told, {rejected} counted",
        heard()
    );
    let (told, mut let_in): (Vec<_>, Vec<_>) = crowd.into_iter().partition(has_heard);
    for mut client in told {
        let words = client.receive_until_closed();
        assert_eq!(String::from_utf8_lossy(&words), TOO_MANY);
    }
    for client in &mut let_in {
        assert_in_step(client);
    }
    (let_in, rejected)
}

/// Whether something has come for a client that has asked for nothing.
fn has_heard(client: &Connection) -> bool {
    client.stream.set_nonblocking(true).expect("nonblocking");
    let heard = matches!(client.stream.peek(&mut [0]), Ok(1));
    client.stream.set_nonblocking(false).expect("blocking");
    heard
}

/// `-c` promises more than the system has descriptors for: the client too many hears what it would hear beyond `-c`, and
/// the server does not burn its processor over it.
#[test]
fn more_clients_than_file_descriptors_neither_kill_the_server_nor_make_it_spin() {
    misbehave(watched_after("ulimit -Sn 64", &["-c", "200"]), |watched| {
        let mut first = watched.server.connect();
        assert_in_step(&mut first);
        let (let_in, rejected) = crowd_in(watched, &mut first, 150);
        let places = let_in.len();
        assert!(
            places >= 40,
            "64 descriptors are places for {places} clients"
        );
        assert!(
            rejected >= 86,
            "64 descriptors are places for {places} clients"
        );
        let used = processor_time_of_a_second(watched.pid());
        assert!(
            used < Duration::from_millis(500),
            "{used:?} of a second spent"
        );
        drop(let_in);
        await_alone(&mut first);
    });
}

/// Waits until everybody else has left.
#[track_caller]
fn await_alone(first: &mut Connection) {
    let alone = || stat(first, "curr_connections") == 1;
    assert!(eventually(alone), "places are not freed");
}

/// What a process uses of the processor while one second passes.
fn processor_time_of_a_second(pid: u32) -> Duration {
    let before = processor_time(pid);
    std::thread::sleep(Duration::from_secs(1));
    processor_time(pid) - before
}

/// Stacks of 64 MiB in an address space of 1,056 MiB: some threads fit, and when none does, half a stack is left for the rest.
#[test]
fn a_thread_that_cannot_be_spawned_costs_that_one_client() {
    let setup = "export RUST_MIN_STACK=67108864 MALLOC_ARENA_MAX=1; ulimit -v 1081344";
    misbehave(watched_after(setup, &[]), |watched| {
        let mut first = watched.server.connect();
        assert_in_step(&mut first);
        let (let_in, rejected) = crowd_in(watched, &mut first, 40);
        assert!(!let_in.is_empty(), "nobody was served");
        assert!(rejected > 0, "no thread was refused: nothing is shown");
        drop(let_in);
        await_alone(&mut first);
    });
}

#[test]
#[ignore = "builds the server in release mode: stacks of a debug build are twice as deep"]
fn a_thousand_idle_connections_cost_at_most_24_kib_each_beside_a_busy_one() {
    misbehave(watched_release(&["-c", "2048"]), |watched| {
        let before = resident(watched.pid());
        let idle = clients(watched, 1000, |_, client| assert_in_step(client));
        let each = (resident(watched.pid()) - before) / idle.len();
        assert!(each <= 24 * 1024, "{each} bytes for each idle connection");
        let mut busy = watched.server.connect();
        let start = Instant::now();
        (0..1000).for_each(|_| assert_in_step(&mut busy));
        eprintln!(
            "{each} bytes each; 1,000 commands of a busy client in {:?}",
            start.elapsed()
        );
        idle
    });
}

/// What they take of the process is theirs: taken for holes between blocks it would cost items.
#[test]
fn eight_hundred_idle_connections_cost_nobody_an_item() {
    let watched = watched(&["-m", "64"]);
    let idle = clients(&watched, 800, |_, client| assert_in_step(client));
    let mut first = watched.server.connect();
    let value = "x".repeat(10_000);
    for number in 0..6000 {
        first.expect(
            format!("set k{number} 0 0 10000\r\n{value}\r\n"),
            "STORED\r\n",
        );
    }
    let evictions = stat(&mut first, "evictions");
    assert_eq!(
        evictions,
        0,
        "60 MB of values beside {} clients",
        idle.len()
    );
}

#[test]
fn an_idle_server_uses_no_processor_time() {
    let watched = watched(&[]);
    let clients = clients(&watched, 100, |_, client| assert_in_step(client));
    let idle = || processor_time_of_a_second(watched.pid()) <= Duration::from_millis(20);
    assert!(
        eventually(idle),
        "the server is busy with {} idle clients",
        clients.len()
    );
}

#[test]
fn an_idle_timeout_closes_idle_connections_and_no_others() {
    let mut watched = watched(&["-o", "idle_timeout=2"]);
    let mut idle = watched.server.connect();
    let mut busy = watched.server.connect();
    idle.stream.set_nonblocking(true).expect("nonblocking");
    let deadline = Instant::now() + 2 * PATIENCE;
    while !matches!(idle.stream.read(&mut [0]), Ok(0)) {
        assert_in_step(&mut busy);
        assert!(Instant::now() < deadline, "an idle client is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_in_step(&mut busy);
    assert!(watched.stat("idle_kicks") >= 1);
    watched.assert_serves();
}

#[test]
fn the_idle_timeout_is_off_by_default() {
    let watched = watched(&[]);
    let mut client = watched.server.connect();
    client.send("stats settings\r\n");
    let settings = receive_until(&mut client, b"END\r\n");
    let settings = String::from_utf8_lossy(&settings);
    assert!(settings.contains("STAT idle_timeout 0\r\n"), "{settings}");
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_treats_crowds_the_same() {
    same_tests_against_memcached(&[
        "memcached_treats_crowds_the_same",
        "more_clients_than_file_descriptors", // it raises its own limit of files
        "a_thread_that_cannot_be_spawned",    // it has its threads from the start
    ]);
}
