//! Room under `-m`: what clients are still being sent counts until they have it, and a refusal costs nobody an item.
//!
//! Resident memory is read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::Connection;
use common::process::*;

const STORED: &str = "STORED\r\n";

fn set(key: &str, value: &str) -> String {
    format!("set {key} 0 0 {}\r\n{value}\r\n", value.len())
}

// ---- what clients hold counts until they let go

/// A value of which a client's and the server's buffers hold only a few.
const BIG: usize = 1_000_000;

/// Values that are held in each round.
const HELD: usize = 50;

fn set_big(client: &mut Connection, key: &str) -> Vec<u8> {
    client.send(format!("set {key} 0 0 {BIG}\r\n"));
    client.send(vec![b'x'; BIG]);
    client.send("\r\n");
    receive_until(client, b"\r\n")
}

/// Clients who ask for a value of [`BIG`] bytes, each for its own, and do not read it.
fn hold(watched: &Watched) -> Vec<Connection> {
    let mut writer = watched.server.connect();
    for number in 0..HELD {
        set_big(&mut writer, &format!("held{number}"));
    }
    let readers = clients(watched, HELD, |number, reader| {
        reader.send(format!("get held{number}\r\n").repeat(20));
    });
    await_asleep(watched);
    readers
}

/// Values leave in this way while clients are being sent them, round after round: the process stays within `-m`.
#[track_caller]
fn held_values_count_though_they(leave: impl Fn(&mut Connection)) {
    let mut watched = watched(&["-m", "64"]);
    let mut readers = Vec::new();
    for _ in 0..3 {
        readers.extend(hold(&watched));
        leave(&mut watched.server.connect());
    }
    watched.assert_bounded(64, readers.len());
    watched.assert_serves();
    drop(readers);
    watched.assert_shrinks_to(promised(64, 0));
    // Now that nobody holds anything, there is room again.
    let mut writer = watched.server.connect();
    let stored = || set_big(&mut writer, "after") == STORED.as_bytes();
    assert!(eventually(stored), "there is no room for a value any more");
    watched.assert_serves();
}

/// A command for every value that is held.
fn for_each_held(client: &mut Connection, command: impl Fn(usize) -> String) {
    for number in 0..HELD {
        client.send(command(number));
        receive_until(client, b"\r\n");
    }
}

#[test]
fn held_values_count_though_they_are_flushed() {
    held_values_count_though_they(|client| client.expect("flush_all\r\n", "OK\r\n"));
}

#[test]
fn held_values_count_though_they_are_flushed_a_second_later() {
    held_values_count_though_they(|client| {
        client.expect("flush_all 1\r\n", "OK\r\n");
        await_seconds(client, 2);
    });
}

#[test]
fn held_values_count_though_they_are_deleted() {
    held_values_count_though_they(|client| {
        for_each_held(client, |number| format!("delete held{number}\r\n"));
    });
}

#[test]
fn held_values_count_though_they_are_overwritten() {
    held_values_count_though_they(|client| {
        for_each_held(client, |number| set(&format!("held{number}"), "small"));
    });
}

#[test]
fn held_values_count_though_they_are_appended_to() {
    held_values_count_though_they(|client| {
        for_each_held(client, |number| {
            format!("append held{number} 0 0 1\r\nx\r\n")
        });
    });
}

#[test]
fn held_values_count_though_they_expire() {
    held_values_count_though_they(|client| {
        for_each_held(client, |number| format!("touch held{number} -1\r\n"));
        for_each_held(client, |number| format!("mg held{number}\r\n"));
    });
}

#[test]
fn held_values_count_though_they_are_evicted() {
    held_values_count_though_they(|client| {
        let value = "x".repeat(10_000);
        for number in 0..7000 {
            client.expect(set(&format!("small{number}"), &value), STORED);
        }
    });
}

/// However much clients hold, an eighth of the memory is left to what is stored, or nothing could be stored any more.
#[test]
fn what_clients_hold_leaves_room_for_small_items() {
    let watched = watched(&["-m", "16"]);
    let readers = hold(&watched);
    let mut client = watched.server.connect();
    client.expect("flush_all\r\n", "OK\r\n");
    let value = "x".repeat(1000);
    for number in 0..1000 {
        client.expect(set(&format!("small{number}"), &value), STORED);
    }
    let is_there = |number: &usize| {
        client.send(format!("touch small{number} 0\r\n"));
        receive_until(&mut client, b"\r\n") == b"TOUCHED\r\n"
    };
    let there = (0..1000).filter(is_there).count();
    let held = readers.len();
    assert_eq!(
        there, 1000,
        "items of 1 KB beside {held} held values of 1 MB"
    );
}

// ---- a refusal costs nobody an item

/// Whether a set, or another command with a data block, was refused; if so, nobody else may have lost an item. (A refused
/// set takes the old value of its own key with it, and so does a refused `ms` of memcached.)
#[track_caller]
fn refused_at_nobodys_cost(watched: &Watched, client: &mut Connection, line: &str) -> bool {
    let length = line.split(' ').filter_map(|word| word.parse().ok()).max();
    let before = watched.stat("curr_items");
    client.send(format!("{line}\r\n"));
    client.send(vec![b'x'; length.expect("a length")]);
    client.send("\r\n");
    let reply = receive_until(client, b"\r\n");
    let refused = reply.starts_with(b"SERVER_ERROR ");
    let own = line.starts_with("set kept") || line.starts_with("ms kept");
    let after = watched.stat("curr_items") + u64::from(own);
    assert!(
        !refused || after >= before,
        "{line}: refused, and of {before} items {after} are left"
    );
    assert_in_step(client);
    refused
}

/// A server with the least memory that may be asked for, full of small items; one of them is `kept`.
fn full_of_small_items() -> Watched {
    let watched = watched(&["-m", "2"]);
    let mut client = watched.server.connect();
    for part in 0..90 {
        let some = (0..500).map(|number| set(&format!("{part}.{number}"), "x"));
        client.expect(some.collect::<String>(), STORED.repeat(500));
    }
    client.expect(set("kept", "x"), STORED);
    assert!(watched.stat("evictions") > 0, "it is not full");
    watched
}

/// Command lines for values of this length, with every command that brings one.
fn lines(length: usize) -> Vec<String> {
    let classic = [
        "set new",
        "set kept",
        "add new",
        "replace kept",
        "append kept",
        "prepend kept",
    ];
    let mut lines: Vec<String> = classic.map(|words| format!("{words} 0 0 {length}")).into();
    lines.extend(["S", "E", "A", "P", "R"].map(|mode| format!("ms kept {length} M{mode}")));
    lines.push(format!("cas kept 0 0 {length} 1"));
    lines
}

#[test]
fn what_is_too_large_costs_nobody_an_item() {
    let watched = full_of_small_items();
    let mut client = watched.server.connect();
    for line in lines(MIB + 1).iter().chain(&lines(3 * MIB)) {
        client.expect(set("kept", "x"), STORED);
        assert!(
            refused_at_nobodys_cost(&watched, &mut client, line),
            "{line} is taken"
        );
    }
}

/// Nobody else is being received, so a server may find room for these by evicting; or it says no, and keeps what it has.
#[test]
fn a_large_value_is_stored_or_costs_nobody_an_item() {
    for line in lines(900_000).iter().step_by(3) {
        let watched = full_of_small_items();
        let mut client = watched.server.connect();
        for _ in 0..3 {
            refused_at_nobodys_cost(&watched, &mut client, line);
        }
    }
}

/// Two clients are sending large values, and there is no room for a third: that must be found out before anybody is evicted.
#[test]
fn a_value_for_which_others_leave_no_room_costs_nobody_an_item() {
    let watched = full_of_small_items();
    let others = clients(&watched, 2, |number, client| {
        client.send(format!("set other{number} 0 0 900000\r\n"));
        await_asleep(&watched);
    });
    let mut client = watched.server.connect();
    for line in lines(900_000) {
        client.expect(set("kept", "x"), STORED);
        assert!(
            refused_at_nobodys_cost(&watched, &mut client, &line),
            "{line} is taken"
        );
    }
    assert!(watched.stat("curr_items") > 0);
    drop(others);
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_finds_the_same_room() {
    same_tests_against_memcached(&[
        "memcached_finds_the_same_room",
        "what_clients_hold_leaves_room", // its pages are where the large values are
    ]);
}

/// What is announced is promised: two thirds of the memory can be on the way at once, and all of it is stored.
#[test]
fn values_on_the_way_at_once_are_all_stored() {
    const WRITERS: usize = 42;
    let watched = watched(&["-m", "64"]);
    let mut writers = clients(&watched, WRITERS, |number, writer| {
        writer.send(format!("set way{number} 0 0 {BIG}\r\n"));
    });
    let promised = || watched.stat("bytes") >= (WRITERS * BIG) as u64;
    assert!(
        against_memcached() || eventually(promised),
        "{} bytes",
        watched.stat("bytes")
    );
    for writer in &mut writers {
        writer.send(vec![b'x'; BIG]);
        writer.expect("\r\n", STORED);
    }
}
