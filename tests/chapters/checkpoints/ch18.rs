//! Chapter 18: items in slots. What is thrown out, and what an item takes; those that fill the store throw out what it has.

use super::memory::{Full, all_stayed, items};
use super::process::{resident, stats};
use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, check, random_key};
use std::io::Write;

/// Two large values fill it, which takes no time.
const SMALL: &[&str] = &["-m", "2"];

pub const OPTIONS: &[(&str, &[&str])] = &[
    ("ch18_the_oldest_goes_wherever_it_stands", SMALL),
    ("ch18_the_hand_goes_on_when_its_item_leaves", SMALL),
];

/// Just more than the map of the items has room for before it grows.
const ITEMS: u64 = 60_000;

/// Some commands that are not answered, and one that is: when that is, all are done.
fn quietly(connection: &mut Connection, commands: impl Iterator<Item = String>) -> Verdict {
    let commands: String = commands.collect();
    let _ = connection.stream.write_all(commands.as_bytes());
    let get = format!("get {}\r\n", random_key());
    exchange(connection, get, b"END\r\n")
}

/// What an item with a key of 26 bytes and a value of 100 takes of the memory, and what it takes by `stats`.
fn cost(peer: &Peer) -> Result<[u64; 2], String> {
    let mut connection = client(peer)?;
    let value = "x".repeat(100);
    let bytes = |connection: &mut Connection| {
        let bytes = stats(connection)?.get("bytes").copied();
        bytes.ok_or("`stats` tells no bytes".to_string())
    };
    let (start, counted) = (resident(&mut connection)?, bytes(&mut connection)?);
    let (run, stored) = (random_key(), items(&mut connection)?);
    let set = |number| format!("set {run}{number:05} 0 0 100 noreply\r\n{value}\r\n");
    quietly(&mut connection, (0..ITEMS).map(set))?;
    all_stayed(&mut connection, stored, ITEMS)?;
    let grown = resident(&mut connection)?.saturating_sub(start);
    let counted = bytes(&mut connection)?.saturating_sub(counted);
    Ok([grown / ITEMS, counted / ITEMS])
}

pub fn ch18_a_row_takes_less_than_a_tree(peer: &Peer) -> Verdict {
    match cost(peer)? {
        [grown, _] if grown < 370 => Ok(()),
        [grown, _] => Err(format!("an item takes {grown} bytes, not less than 370")),
    }
}

/// The same key again and again: each time it has a new place.
pub fn ch18_who_is_gone_takes_no_memory(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let (key, rounds) = (random_key(), 200_000);
    let round = || format!("set {key} 0 0 1 noreply\r\nx\r\ndelete {key} noreply\r\n");
    quietly(&mut connection, (0..100).map(|_| round()))?;
    let start = resident(&mut connection)?;
    for _ in 0..rounds / 1000 {
        quietly(&mut connection, (0..1000).map(|_| round()))?;
    }
    match resident(&mut connection)?.saturating_sub(start) {
        grown if grown < 10 * rounds => Ok(()),
        grown => Err(format!(
            "{rounds} items came and went, and the process grew by {grown} bytes"
        )),
    }
}

pub fn ch18_nobody_gets_what_is_somebody_elses(peer: &Peer) -> Verdict {
    let (anna, ben) = (random_key(), random_key());
    let sent = format!(
        "set {anna} 0 0 4\r\ncart\r\ndelete {anna}\r\nset {ben} 0 0 6\r\nsecret\r\nget {anna}\r\n"
    );
    let expected = b"STORED\r\nDELETED\r\nSTORED\r\nEND\r\n";
    exchange(&mut client(peer)?, sent, expected)
}

/// A newcomer takes the place of one that was deleted, and is not taken for as old as that one.
pub fn ch18_the_oldest_goes_wherever_it_stands(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    let deleted = full.set(0)?;
    let oldest = full.set(0)?;
    full.fill()?;
    full.delete(&deleted)?;
    let newcomer = full.set(0)?;
    full.set(0)?;
    full.has(&oldest, false)?;
    full.has(&newcomer, true)
}

pub fn ch18_the_hand_goes_on_when_its_item_leaves(peer: &Peer) -> Verdict {
    let mut full = Full::empty(peer)?;
    full.set(0)?;
    let second = full.set(0)?;
    full.fill()?;
    let newcomer = full.set(0)?;
    full.set(0)?;
    full.has(&second, false)?;
    full.has(&newcomer, true)
}

pub fn ch18_an_item_weighs_what_it_takes(peer: &Peer) -> Verdict {
    let [grown, counted] = cost(peer)?;
    let right = grown < 290 && grown.abs_diff(counted) < 40;
    match right {
        true => Ok(()),
        false => {
            let what = format!("an item takes {grown} bytes, stats says {counted}");
            check(
                "60,000 items",
                b"less than 290, and about the same",
                what.as_bytes(),
            )
        }
    }
}
