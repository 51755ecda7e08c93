//! Chapter 17: what an item is made of, and which of its marks count. Those that fill the store throw out what it has.

use super::memory::{Full, all_stayed, items};
use super::process::{resident, stats};
use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};

/// Two large values fill it, which takes no time.
const SMALL: &[&str] = &["-m", "2"];

pub const OPTIONS: &[(&str, &[&str])] = &[
    ("ch17_the_dead_go_before_the_living", SMALL),
    ("ch17_who_is_only_written_is_not_spared", SMALL),
    ("ch17_a_counter_keeps_its_mark", SMALL),
    ("ch17_stats_tells_what_nobody_asked_for", SMALL),
];

/// Ten megabytes of values; with a second copy of each it would be twenty.
pub fn ch17_a_value_is_kept_once(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    exchange(&mut connection, "flush_all\r\n", b"OK\r\n")?;
    let (before, stored) = (resident(&mut connection)?, items(&mut connection)?);
    let value = "x".repeat(100_000);
    for _ in 0..100 {
        let set = format!("set {} 0 0 100000\r\n{value}\r\n", random_key());
        exchange(&mut connection, set, b"STORED\r\n")?;
    }
    all_stayed(&mut connection, stored, 100)?;
    match resident(&mut connection)?.saturating_sub(before) {
        grown if grown < 15_000_000 => Ok(()),
        grown => Err(format!("10,000,000 bytes of values take {grown}")),
    }
}

pub fn ch17_five_apples_and_one_are_six(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    for (value, reply, stands) in [
        ("5 apples", "6", "6       "),
        (" 41\r\n1", "42", "42    "),
        (
            "5x",
            "CLIENT_ERROR cannot increment or decrement non-numeric value",
            "5x",
        ),
        (
            "apples 5",
            "CLIENT_ERROR cannot increment or decrement non-numeric value",
            "apples 5",
        ),
    ] {
        let length = value.len();
        let sent = format!("set {key} 0 0 {length}\r\n{value}\r\nincr {key} 1\r\nget {key}\r\n");
        let expected =
            format!("STORED\r\n{reply}\r\nVALUE {key} 0 {length}\r\n{stands}\r\nEND\r\n");
        exchange(&mut connection, sent, expected.as_bytes())?;
    }
    Ok(())
}

pub fn ch17_the_dead_go_before_the_living(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    let dead = full.set(0)?;
    full.asks_for(&dead, 1)?;
    let living = full.set(0)?;
    full.fill()?;
    full.outlive(1)?;
    full.set(0)?;
    full.has(&living, true)
}

pub fn ch17_who_is_only_written_is_not_spared(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    let read = full.set(0)?;
    let written = full.set(0)?;
    let others = full.fill()?;
    full.set_again(&written)?;
    for key in others.iter().chain([&read]) {
        full.asks_for(key, 0)?;
    }
    full.set(0)?;
    full.has(&read, true)?;
    full.has(&written, false)
}

pub fn ch17_a_counter_keeps_its_mark(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    let number = random_key();
    let count = format!("set {number} 0 0 1\r\n1\r\ntouch {number} 0\r\nincr {number} 1\r\n");
    exchange(&mut full.connection, count, b"STORED\r\nTOUCHED\r\n2\r\n")?;
    full.fill()?;
    full.set(0)?;
    full.has(&number, true)
}

/// The first that goes has expired, and had been asked for; the second is alive, and had not.
pub fn ch17_stats_tells_what_nobody_asked_for(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    let counts = |full: &mut Full| -> Result<[u64; 4], String> {
        let stats = stats(&mut full.connection)?;
        let number = |name: &str| {
            stats
                .get(name)
                .copied()
                .ok_or(format!("no {name} in stats"))
        };
        Ok([
            number("reclaimed")?,
            number("expired_unfetched")?,
            number("evictions")?,
            number("evicted_unfetched")?,
        ])
    };
    let before = counts(&mut full)?;
    let dead = full.set(0)?;
    full.asks_for(&dead, 1)?;
    full.fill()?;
    full.outlive(1)?;
    full.set(0)?;
    full.set(0)?;
    let after = counts(&mut full)?;
    match [0, 1, 2, 3].map(|which| after[which] - before[which]) {
        [1, 0, 1, 1] => Ok(()),
        counted => Err(format!(
            "one reclaimed, one evicted and never asked for: 1, 0, 1, 1, not {counted:?}"
        )),
    }
}
