//! Too many clients, and clients that do nothing: places, files, threads, memory and processor time run out for nobody else.
//!
//! All of it is read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::PATIENCE;
use common::process::*;
use std::io::{Read, Write};
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

/// The clients beyond the 64 files wait in the kernel's queue; meanwhile the server must not burn its processor.
#[test]
fn more_clients_than_file_descriptors_neither_kill_the_server_nor_make_it_spin() {
    misbehave(watched_after("ulimit -n 64", &[]), |watched| {
        let mut first = watched.server.connect();
        assert_in_step(&mut first);
        let crowd = clients(watched, 100, |_, client| client.send("version\r\n"));
        assert_in_step(&mut first);
        let used = processor_time_of_a_second(watched.pid());
        assert!(
            used < Duration::from_millis(500),
            "{used:?} of a second spent"
        );
        drop(crowd);
        assert_in_step(&mut first);
    });
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
        let mut crowd = clients(watched, 40, |_, client| {
            let _ = client.stream.write_all(b"version\r\n");
        });
        let answers = crowd.iter_mut().map(|client| client.receive(8));
        let count = answers.filter(|answer| answer == b"VERSION ").count();
        assert!(count > 0, "nobody was served");
        assert!(count < 40, "no thread was refused: nothing is shown");
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
