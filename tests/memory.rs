//! What `-m` promises: the process stays near it whatever is stored, a full server evicts and goes on, and
//! what it keeps is worth keeping. Sizes are read from /proc, so this is Linux.
//!
//! The figures do not depend on optimisation, except the pause, which builds the release binary for itself.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::random::Random;
use common::{Connection, Server};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const STORED: &[u8] = b"STORED\r\n";

/// Commands sent before their replies are read: enough to be quick, too few to fill the socket's buffers.
const BATCH: usize = 500;

/// Sends these `set` commands in batches; every one of them must be `STORED`.
#[track_caller]
fn store_all(client: &mut Connection, commands: impl Iterator<Item = Vec<u8>>) {
    let mut commands = commands.peekable();
    while commands.peek().is_some() {
        let batch: Vec<_> = commands.by_ref().take(BATCH).collect();
        client.expect(batch.concat(), STORED.repeat(batch.len()));
    }
}

fn set(key: &str, exptime: u32, length: usize) -> Vec<u8> {
    let mut command = format!("set {key} 0 {exptime} {length}\r\n").into_bytes();
    command.resize(command.len() + length, b'x');
    command.extend_from_slice(b"\r\n");
    command
}

#[test]
fn a_full_server_evicts_and_every_set_succeeds() {
    let mut watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    let written = 3000;
    for number in 0..written {
        client.expect(set(&format!("full{number}"), 0, 50_000), STORED);
    }
    let items = watched.stat("curr_items");
    assert!(items > 500, "64 MiB hold {items} values of 50,000 bytes");
    assert_eq!(watched.stat("evictions"), written - items);
    assert_eq!(watched.stat("evicted_unfetched"), written - items);
    assert_eq!(watched.stat("total_items"), written);
    assert_eq!(watched.stat("limit_maxbytes"), 64 * MIB as u64);
    assert!(watched.stat("bytes") <= 64 * MIB as u64);
    watched.assert_bounded(64, 3);
    watched.assert_serves();
}

const NO_ROOM: &str = "SERVER_ERROR out of memory storing object\r\n";

/// Stores values of 8,192 bytes until one is refused, and says how many were taken.
#[track_caller]
fn store_until_refused(client: &mut Connection) -> usize {
    for number in 0..10_000 {
        client.send(set(&format!("full{number}"), 0, 8192));
        let reply = receive_until(client, b"\r\n");
        if reply != STORED {
            assert_eq!(String::from_utf8_lossy(&reply), NO_ROOM);
            return number;
        }
    }
    panic!("80 MB in a server of 8")
}

/// `-M`: whoever would rather have an error than lose an item gets it, and nothing is lost.
#[test]
fn a_full_server_without_evictions_refuses() {
    for option in ["-M", "--disable-evictions"] {
        let mut watched = watched(&["-m", "8", option]);
        let mut client = watched.server.connect();
        client.expect("set number 0 0 1\r\n5\r\n", STORED);
        let stored = store_until_refused(&mut client);
        assert!(stored > 500, "8 MiB hold {stored} values of 8,192 bytes");
        client.expect("incr number 1\r\n", "6\r\n");
        for command in ["set", "add"] {
            client.send(format!("{command} new 0 0 8192\r\n"));
            client.send([b'x'; 8192]);
            client.expect("\r\n", NO_ROOM);
        }
        for command in ["replace", "append", "prepend"] {
            client.send(format!("{command} full1 0 0 8192\r\n"));
            client.send([b'x'; 8192]);
            client.expect("\r\n", NO_ROOM);
        }
        client.send("ms new 8192\r\n");
        client.send([b'x'; 8192]);
        client.expect("\r\n", NO_ROOM);
        assert_eq!(watched.stat("store_no_memory"), 7);
        assert_eq!(watched.stat("evictions"), 0);
        for number in 0..stored {
            let key = format!("full{number}");
            let value = format!("VALUE {key} 0 8192\r\n{}\r\nEND\r\n", "x".repeat(8192));
            client.expect(format!("get {key}\r\n"), value);
        }
        // What a client gives back can be had again; a refused set has lost its own old value.
        client.expect("delete full0\r\n", "DELETED\r\n");
        client.expect(set("new", 0, 8192), STORED);
        client.expect(set("full2", 0, 8192), NO_ROOM);
        client.expect("get full2\r\n", "END\r\n");
        watched.assert_serves();
    }
}

/// `-M` does not keep what has expired.
#[test]
fn a_full_server_without_evictions_has_room_for_what_has_expired() {
    let watched = watched(&["-m", "8", "-M"]);
    let mut client = watched.server.connect();
    store_until_refused(&mut client);
    for number in 0..500 {
        client.expect(format!("touch full{number} 1\r\n"), "TOUCHED\r\n");
    }
    await_seconds(&mut client, 2);
    for number in 0..500 {
        client.expect(format!("get full{number}\r\n"), "END\r\n");
    }
    for number in 0..400 {
        client.expect(set(&format!("new{number}"), 0, 8192), STORED);
    }
    assert_eq!(watched.stat("evictions"), 0);
}

/// How many values of 50,000 bytes are left after `count` were stored.
fn values_kept(watched: &Watched, client: &mut Connection, count: usize) -> u64 {
    for number in 0..count {
        client.expect(set(&format!("limit{number}"), 0, 50_000), STORED);
    }
    watched.stat("curr_items")
}

#[test]
fn a_limit_that_grows_makes_room() {
    let mut watched = watched(&["-m", "16"]);
    let mut client = watched.server.connect();
    let before = values_kept(&watched, &mut client, 1000);
    client.expect("cache_memlimit 64\r\n", "OK\r\n");
    let more = values_kept(&watched, &mut client, 3000);
    assert!(more > before * 3, "{before} values in 16 MiB, {more} in 64");
    assert!(more < before * 5, "{before} values in 16 MiB, {more} in 64");
    watched.assert_bounded(64, 2);
    watched.assert_serves();
}

/// At the next set at the latest. (memcached goes on with the memory that it has got, and gives it back in its own time.)
#[test]
fn a_limit_that_shrinks_takes_room() {
    let mut watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    let before = values_kept(&watched, &mut client, 1500);
    client.expect("cache_memlimit 16\r\n", "OK\r\n");
    let less = values_kept(&watched, &mut client, 1);
    assert!(less < before / 3, "{before} values in 64 MiB, {less} in 16");
    assert!(less > before / 5, "{before} values in 64 MiB, {less} in 16");
    assert!(watched.stat("bytes") <= 16 * MIB as u64);
    watched.assert_shrinks_to(watched.before + 16 * MIB + NEAR / 2);
    watched.assert_serves();
}

#[test]
fn what_can_never_fit_is_refused_and_costs_nothing_else() {
    let mut watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    client.expect(set("other", 0, 10), STORED);
    client.expect(set("huge", 0, 10), STORED);
    let refused = "SERVER_ERROR object too large for cache\r\n";
    client.expect(set("huge", 0, MIB + 1), refused);
    client.expect("get huge\r\n", "END\r\n");
    client.expect(set("huge", 0, 200 * MIB), refused);
    client.expect("get other\r\n", "VALUE other 0 10\r\nxxxxxxxxxx\r\nEND\r\n");
    assert_eq!(watched.stat("evictions"), 0);
    watched.assert_bounded(64, 2);
    watched.assert_serves();
}

#[test]
fn expired_items_leave_without_being_asked_for() {
    const EXPIRING: u64 = 10_000;
    let watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    store_all(
        &mut client,
        (0..EXPIRING).map(|number| set(&format!("old{number}"), 1, 100)),
    );
    assert!(watched.stat("curr_items") > 0);
    let mut written = 0;
    let deadline = Instant::now() + Duration::from_secs(20);
    while watched.stat("curr_items") > written + EXPIRING / 10 {
        assert!(
            Instant::now() < deadline,
            "{} items, {written} written since",
            watched.stat("curr_items")
        );
        store_all(
            &mut client,
            (0..100).map(|number| set(&format!("new{}", written + number), 0, 100)),
        );
        written += 100;
        thread::sleep(Duration::from_millis(20));
    }
}

/// A length from 10 bytes to 200 KB, every magnitude as likely as the next.
fn mixed_length(random: &mut Random) -> usize {
    (10.0 * 20_000_f64.powf(random.fraction())) as usize
}

/// One client's churn: overwrites and deletes of 20,000 keys, values of mixed sizes.
fn churn(client: &mut Connection, seed: u64, operations: usize) {
    let mut random = Random::seeded(seed);
    for _ in 0..operations {
        let key = format!("churn{}", random.below(20_000));
        if random.below(10) == 0 {
            client.send(format!("delete {key}\r\n"));
            receive_until(client, b"\r\n");
        } else {
            client.expect(set(&key, 0, mixed_length(&mut random)), STORED);
        }
    }
}

/// Six clients in threads, each with its own seed.
fn six_clients_churn(watched: &Watched, operations: usize) {
    thread::scope(|scope| {
        for seed in 1..=6 {
            scope.spawn(move || churn(&mut watched.server.connect(), seed, operations));
        }
    });
}

#[test]
fn a_short_churn_of_mixed_sizes_stays_near_m() {
    let mut watched = watched(&["-m", "64"]);
    six_clients_churn(&watched, 1000);
    assert!(watched.stat("evictions") > 0);
    watched.assert_bounded(64, 6);
    watched.assert_serves();
}

#[test]
#[ignore = "heavy: about a gigabyte of values goes through a debug build"]
fn a_churn_of_mixed_sizes_stays_near_m() {
    let mut watched = watched(&["-m", "64"]);
    six_clients_churn(&watched, 8000);
    assert!(watched.stat("evictions") > 0);
    watched.assert_bounded(64, 6);
    watched.assert_serves();
}

/// Memory given back by small values must serve large ones, and the other way round.
#[test]
#[ignore = "heavy: about a gigabyte of values goes through a debug build"]
fn phases_of_small_and_large_values_stay_near_m() {
    let mut watched = watched(&["-m", "64"]);
    for (phase, length, count) in [
        (1, 30, 600_000),
        (2, 200_000, 2000),
        (3, 30, 600_000),
        (4, 3000, 60_000),
    ] {
        thread::scope(|scope| {
            for part in 0..4 {
                let mut client = watched.server.connect();
                scope.spawn(move || {
                    let key = |number| format!("phase{phase}.{part}.{number}");
                    // A few at a time, so that neither side waits for the other to read.
                    for number in 0..count / 4 / 10 {
                        let commands = (0..10).map(|more| set(&key(number * 10 + more), 0, length));
                        store_all(&mut client, commands);
                    }
                });
            }
        });
        eprintln!(
            "phase {phase}: {} KiB resident",
            resident(watched.pid()) / 1024
        );
    }
    watched.assert_bounded(64, 4);
    watched.assert_serves();
}

#[test]
#[ignore = "heavy: stores 500,000 items"]
fn half_a_million_items_cost_at_most_256_bytes_each() {
    const ITEMS: usize = 500_000;
    let watched = watched(&["-m", "1024"]);
    let mut client = watched.server.connect();
    let before = resident(watched.pid());
    store_all(
        &mut client,
        (0..ITEMS).map(|number| set(&format!("item:{number:021}"), 0, 100)),
    );
    assert_eq!(watched.stat("curr_items"), ITEMS as u64);
    let each = (resident(watched.pid()) - before) as f64 / ITEMS as f64;
    eprintln!("{each:.1} bytes for a key of 26 bytes and a value of 100");
    assert!(each <= 256.0, "{each:.1} bytes an item");
}

/// While two clients store three million small items, a third asks again and again: its longest wait.
fn longest_pause(server: &Server) -> Duration {
    let loading = AtomicBool::new(true);
    thread::scope(|scope| {
        let prober = scope.spawn(|| {
            let mut client = server.connect();
            let mut longest = Duration::ZERO;
            while loading.load(Ordering::Relaxed) {
                let start = Instant::now();
                client.expect(
                    "set probe 0 0 2\r\nhi\r\nget probe\r\n",
                    "STORED\r\nVALUE probe 0 2\r\nhi\r\nEND\r\n",
                );
                longest = longest.max(start.elapsed());
            }
            longest
        });
        let load = |half: usize| {
            let mut client = server.connect();
            store_all(
                &mut client,
                (0..1_500_000).map(|number| set(&format!("{half}.{number}"), 0, 8)),
            );
        };
        let other = scope.spawn(move || load(1));
        load(2);
        other.join().expect("the other half");
        loading.store(false, Ordering::Relaxed);
        prober.join().expect("the longest pause")
    })
}

/// Prints, and promises nothing about time: the machine may be busy.
#[test]
#[ignore = "needs memcached: apt-get install memcached; stores 3,000,000 items in a release build"]
fn the_longest_pause_while_three_million_items_go_in() {
    let options = ["-m", "1024"];
    let ours = if against_memcached() {
        Server::memcached(&options)
    } else {
        Server::program(release(), &[&common::ANY_PORT[..], &options].concat())
    };
    let theirs = Server::memcached(&options);
    for (name, server) in [("ours", ours), ("memcached", theirs)] {
        let start = Instant::now();
        let pause = longest_pause(&server);
        eprintln!(
            "{name}: longest pause {pause:?}, all in after {:?}",
            start.elapsed()
        );
        assert_eq!(stat(&mut server.connect(), "curr_items"), 3_000_001);
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_counts_the_same() {
    same_tests_against_memcached(&[
        "memcached_counts_the_same",
        "a_limit_that_shrinks", // memcached shrinks later, and not below what is stored
    ]);
}
