//! What `stats` says of the memory is right whatever was done before: the same items weigh the same after any number of
//! rounds. A ledger that drifts costs a full server one item after the other.
#![cfg(target_os = "linux")]

mod common;

use common::Connection;
use common::process::*;

const STORED: &str = "STORED\r\n";

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
        client.send(commands + "verbosity 0\r\n");
        receive_until(client, b"OK\r\n");
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

/// So many that a table of a power of two is five sixths full: there some keys leave a trace when they go.
const CLOSE: usize = 24_000;

/// What a table keeps of keys that have left must not make it grow.
#[test]
fn items_weigh_the_same_under_other_keys() {
    let watched = watched(&["-m", "64"]);
    let mut client = watched.server.connect();
    let mut rename = |old: &str, new: &str| {
        for first in (0..CLOSE).step_by(500) {
            let one = |number| {
                format!("delete {old}{number} noreply\r\n") + &set(&format!("{new}{number}"), "x")
            };
            let some: String = (first..first + 500).map(one).collect();
            client.expect(some, STORED.repeat(500));
        }
        watched.stat("bytes")
    };
    let bytes = rename("b", "a");
    for _ in 0..ROUNDS {
        rename("a", "b");
        let bytes_now = rename("b", "a");
        assert!(
            bytes_now.abs_diff(bytes) <= bytes / 100,
            "{CLOSE} items weigh {bytes_now} bytes, {bytes} at first"
        );
    }
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

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_keeps_the_same_ledgers() {
    same_tests_against_memcached(&["memcached_keeps_the_same_ledgers"]);
}
