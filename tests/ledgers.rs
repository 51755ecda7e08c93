//! What counts against `-m` is right whatever was done before: the same items weigh the same after any number of rounds,
//! what clients are still being sent counts until they have it, and a refusal costs nobody an item.
//!
//! Resident memory is read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::Connection;
use common::process::*;

const STORED: &str = "STORED\r\n";

// ---- the same items weigh the same

/// So many that a table of a power of two is half full: what the dead leave behind in it must not count, and there is
/// room for them, so that no table has to grow.
const ITEMS: usize = 15_000;

/// Rounds after the first.
const ROUNDS: usize = 5;

/// Sends a command for each item, some hundred at a time, and expects this reply to each.
#[track_caller]
fn each(client: &mut Connection, reply: &str, command: impl Fn(usize) -> String) {
    let numbers: Vec<usize> = (0..ITEMS).collect();
    for some in numbers.chunks(500) {
        let commands: String = some.iter().map(|&number| command(number)).collect();
        client.expect(commands, reply.repeat(some.len()));
    }
}

/// Sends a command for each item and takes any reply.
fn each_somehow(client: &mut Connection, command: impl Fn(usize) -> String) {
    let numbers: Vec<usize> = (0..ITEMS).collect();
    for some in numbers.chunks(500) {
        let commands: String = some.iter().map(|&number| command(number)).collect();
        client.send(commands + "mn\r\n");
        receive_until(client, b"MN\r\n");
    }
}

fn set_each(client: &mut Connection, value: &str) {
    each(client, STORED, |number| set(&format!("k{number}"), value));
}

fn set(key: &str, value: &str) -> String {
    format!("set {key} 0 0 {}\r\n{value}\r\n", value.len())
}

/// Does the same work again and again. The items that are there after each round must weigh what they weighed after the
/// first: a hundredth more or less is nothing, but a drift adds up.
#[track_caller]
fn weigh_the_same_after_every_round(rounds: usize, work: impl Fn(&mut Connection)) {
    let mut watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    let mut round = || {
        work(&mut client);
        (watched.stat("curr_items"), watched.stat("bytes"))
    };
    let (items, bytes) = round();
    for number in 1..=rounds {
        let (items_now, bytes_now) = round();
        assert_eq!(items_now, items, "items after {number} more rounds");
        assert!(
            bytes_now.abs_diff(bytes) <= bytes / 100,
            "{items} items weigh {bytes_now} bytes after {number} more rounds, {bytes} after the first"
        );
    }
    assert_eq!(watched.stat("evictions"), 0);
    watched.assert_serves();
}

#[test]
fn items_deleted_and_set_again_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        each_somehow(client, |number| format!("delete k{number} noreply\r\n"));
        set_each(client, "x");
    });
}

/// Each is gone for a moment only, so there is never room for a clean-up.
#[test]
fn items_deleted_one_by_one_and_set_again_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        each(client, STORED, |number| {
            format!(
                "delete k{number} noreply\r\n{}",
                set(&format!("k{number}"), "x")
            )
        });
    });
}

/// Other keys each time, as many as before: what the old ones left behind must not count.
#[test]
fn items_that_replace_others_weigh_the_same() {
    let round = std::cell::Cell::new(1000);
    weigh_the_same_after_every_round(ROUNDS, |client| {
        let now = round.replace(round.get() + 1) + 1;
        each(client, STORED, |number| {
            let old = format!("delete {}.{number} noreply\r\n", now - 1);
            old + &set(&format!("{now}.{number}"), "x")
        });
    });
}

#[test]
fn items_flushed_and_set_again_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        client.expect("flush_all\r\n", "OK\r\n");
        set_each(client, "x");
    });
}

#[test]
fn items_overwritten_by_larger_and_smaller_ones_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        set_each(client, &"x".repeat(300));
        set_each(client, "");
        set_each(client, &"x".repeat(10));
    });
}

#[test]
fn items_appended_to_and_counted_and_set_again_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        set_each(client, "9");
        each_somehow(client, |number| format!("incr k{number} 1 noreply\r\n"));
        each(client, STORED, |number| {
            format!("append k{number} 0 0 2\r\n00\r\n")
        });
        each(client, STORED, |number| {
            format!("prepend k{number} 0 0 1\r\n1\r\n")
        });
        each_somehow(client, |number| format!("decr k{number} 1000 noreply\r\n"));
    });
}

#[test]
fn items_touched_and_asked_for_weigh_the_same() {
    let once = std::cell::Cell::new(true);
    weigh_the_same_after_every_round(ROUNDS, |client| {
        if once.take() {
            set_each(client, "x");
        }
        each(client, "TOUCHED\r\n", |number| {
            format!("touch k{number} 1000\r\n")
        });
        each_somehow(client, |number| {
            format!("gat 0 k{number}\r\nget k{number} no{number}\r\n")
        });
    });
}

#[test]
fn items_expired_and_set_again_weigh_the_same() {
    weigh_the_same_after_every_round(2, |client| {
        each(client, STORED, |number| {
            format!("set k{number} 0 1 3\r\nold\r\n")
        });
        await_seconds(client, 2);
        each(client, "END\r\n", |number| format!("get k{number}\r\n"));
        set_each(client, "x");
    });
}

#[test]
fn items_made_and_changed_by_meta_commands_weigh_the_same() {
    weigh_the_same_after_every_round(ROUNDS, |client| {
        each_somehow(client, |number| format!("md k{number} q\r\n"));
        each_somehow(client, |number| format!("mg k{number} N0 s\r\n"));
        each(client, "HD\r\n", |number| {
            format!("ms k{number} 3\r\nabc\r\n")
        });
        each_somehow(client, |number| format!("md k{number} I T1000\r\n"));
        each(client, "HD\r\n", |number| {
            format!("ms k{number} 1 MA\r\nd\r\n")
        });
        each_somehow(client, |number| {
            format!("md k{number} q\r\nma k{number} N0 J9\r\n")
        });
        each(client, "VA 2\r\n10\r\n", |number| {
            format!("ma k{number} v\r\n")
        });
    });
}

/// Refused, malformed and compared with something else: what was received for it is given back.
#[test]
fn sets_that_come_to_nothing_leave_nothing() {
    let once = std::cell::Cell::new(true);
    weigh_the_same_after_every_round(ROUNDS, |client| {
        if once.take() {
            set_each(client, "x");
        }
        let not_stored = "NOT_STORED\r\n";
        each(client, not_stored, |number| {
            format!("add k{number} 0 0 3\r\nabc\r\n")
        });
        each(client, not_stored, |number| {
            format!("append no{number} 0 0 3\r\nabc\r\n")
        });
        each(client, "NOT_FOUND\r\n", |number| {
            format!("cas no{number} 0 0 3 1\r\nabc\r\n")
        });
        each(client, "EXISTS\r\n", |number| {
            format!("cas k{number} 0 0 3 0\r\nabc\r\n")
        });
        each(
            client,
            "CLIENT_ERROR bad data chunk\r\nERROR\r\n",
            |number| format!("set no{number} 0 0 3\r\nabcd\r\n"),
        );
    });
}

/// Whoever announces a value and leaves gives back what was promised.
#[test]
fn values_that_were_announced_and_never_sent_leave_nothing() {
    let watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    set_each(&mut client, "x");
    let bytes = watched.stat("bytes");
    for _ in 0..ROUNDS {
        drop(clients(&watched, 50, |number, client| {
            client.send(format!("set big{number} 0 0 1000000\r\nhalf of"));
        }));
        let left = || watched.stat("bytes").abs_diff(bytes) <= bytes / 100;
        assert!(
            eventually(left),
            "{} bytes, {bytes} before",
            watched.stat("bytes")
        );
    }
    assert_eq!(watched.stat("curr_items"), ITEMS as u64);
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
    assert_eq!(set_big(&mut writer, "after"), STORED.as_bytes());
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
    for part in 0..3 {
        each(&mut client, STORED, |number| {
            set(&format!("{part}.{number}"), "x")
        });
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
fn memcached_keeps_the_same_ledgers() {
    same_tests_against_memcached(&["memcached_keeps_the_same_ledgers"]);
}
