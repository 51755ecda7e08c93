//! Chapter 9: two clients change one value, and neither change is lost without a word.

use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, check, random_key};
use std::thread;

const NON_NUMERIC: &str = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";

/// Each of these, one after the other, has this reply; `K` is a random key.
fn converse(peer: &Peer, exchanges: &[(&str, &str)]) -> Verdict {
    let (key, mut connection) = (random_key(), client(peer)?);
    let mut each = exchanges.iter();
    each.try_for_each(|(sent, reply)| {
        let [sent, reply] = [sent, reply].map(|text| text.replace('K', &key));
        exchange(&mut connection, sent, reply.as_bytes())
    })
}

/// The cas unique that `gets` tells of this value.
fn unique(connection: &mut Connection, key: &str, value: &str) -> Result<u64, String> {
    let sent = format!("gets {key}\r\n");
    let start = format!("VALUE {key} 5 {} ", value.len());
    exchange(connection, &sent, start.as_bytes())?;
    let mut number = String::new();
    while let [digit @ b'0'..=b'9'] = connection.receive(1)[..] {
        number.push(digit.into());
    }
    let rest = format!("\n{value}\r\nEND\r\n");
    check(&sent, rest.as_bytes(), &connection.receive(rest.len()))?;
    let unread = |_| format!("no cas unique behind {start:?}: {number:?}");
    number.parse().map_err(unread)
}

/// Also when two clients count at the same time.
pub fn ch09_incr_counts_in_the_server(peer: &Peer) -> Verdict {
    converse(
        peer,
        &[
            ("incr K 1\r\n", "NOT_FOUND\r\n"),
            ("set K 7 0 2\r\n10\r\n", "STORED\r\n"),
            ("incr K 5\r\n", "15\r\n"),
            ("decr K 4\r\n", "11\r\n"),
            (
                "incr K one\r\n",
                "CLIENT_ERROR invalid numeric delta argument\r\n",
            ),
            ("get K\r\n", "VALUE K 7 2\r\n11\r\nEND\r\n"),
            ("set K 7 0 3\r\nten\r\n", "STORED\r\n"),
            ("incr K 1\r\n", NON_NUMERIC),
        ],
    )?;
    let key = random_key();
    let set = format!("set {key} 0 0 1\r\n0\r\n");
    exchange(&mut client(peer)?, set, b"STORED\r\n")?;
    let counts = || -> Verdict {
        let sent = format!("incr {key} 2 noreply\r\n").repeat(1000) + "get none\r\n";
        exchange(&mut client(peer)?, sent, b"END\r\n")
    };
    thread::scope(|scope| {
        let counters = [scope.spawn(counts), scope.spawn(counts)];
        let mut counters = counters.into_iter();
        counters.try_for_each(|counter| counter.join().expect("no panic"))
    })?;
    exchange(&mut client(peer)?, format!("incr {key} 0\r\n"), b"4000\r\n")
}

pub fn ch09_incr_wraps_and_decr_stops_at_0(peer: &Peer) -> Verdict {
    converse(
        peer,
        &[
            ("set K 0 0 20\r\n18446744073709551615\r\n", "STORED\r\n"),
            ("incr K 6\r\n", "5\r\n"),
            ("decr K 9\r\n", "0\r\n"),
        ],
    )
}

pub fn ch09_a_number_never_gets_shorter(peer: &Peer) -> Verdict {
    converse(
        peer,
        &[
            ("set K 7 0 3\r\n100\r\n", "STORED\r\n"),
            ("decr K 1\r\n", "99\r\n"),
            ("decr K 90\r\n", "9\r\n"),
            ("get K\r\n", "VALUE K 7 3\r\n9  \r\nEND\r\n"),
            ("incr K 1000\r\n", "1009\r\n"),
            ("get K\r\n", "VALUE K 7 4\r\n1009\r\nEND\r\n"),
        ],
    )
}

pub fn ch09_cas_stores_only_over_what_was_seen(peer: &Peer) -> Verdict {
    let (key, none) = (random_key(), random_key());
    let [mut a, mut b] = [client(peer)?, client(peer)?];
    exchange(&mut a, format!("set {key} 5 0 3\r\none\r\n"), b"STORED\r\n")?;
    let seen = unique(&mut a, &key, "one")?;
    let cas = |value: &str, seen| format!("cas {key} 5 0 {} {seen}\r\n{value}\r\n", value.len());
    exchange(&mut b, cas("two", seen), b"STORED\r\n")?;
    exchange(&mut a, cas("three", seen), b"EXISTS\r\n")?;
    let seen = unique(&mut a, &key, "two")?;
    exchange(&mut a, cas("three", seen), b"STORED\r\n")?;
    let sent = format!("cas {none} 5 0 1 {seen}\r\nx\r\n");
    exchange(&mut a, sent, b"NOT_FOUND\r\n")
}

pub fn ch09_a_cas_unique_never_comes_twice(peer: &Peer) -> Verdict {
    let (key, mut connection) = (random_key(), client(peer)?);
    let set = format!("set {key} 5 0 3\r\none\r\n");
    let mut seen = Vec::new();
    for _ in 0..3 {
        exchange(&mut connection, &set, b"STORED\r\n")?;
        seen.push(unique(&mut connection, &key, "one")?);
        exchange(&mut connection, format!("delete {key}\r\n"), b"DELETED\r\n")?;
    }
    match seen[0] < seen[1] && seen[1] < seen[2] {
        true => Ok(()),
        false => Err(format!(
            "set, gets and delete, three times, and the cas uniques are {seen:?}"
        )),
    }
}

/// Newer memcacheds do this, and 1.6.18 does not.
pub fn ch09_a_refused_cas_takes_its_block_along(peer: &Peer) -> Verdict {
    converse(
        peer,
        &[(
            "cas K 0 0 7 two\r\nversion\r\nget K\r\n",
            "CLIENT_ERROR bad command line format\r\nEND\r\n",
        )],
    )
}
