//! Chapter 8: what a storage command does depends on what is there, and on nobody who comes in between.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};
use std::io::Write;
use std::thread;
use std::time::Duration;

/// More than a value may have, by one byte.
const TOO_LARGE: usize = 1024 * 1024 + 1;

fn storage(command: &str, key: &str, flags: u32, value: &str) -> String {
    let length = value.len();
    format!("{command} {key} {flags} 0 {length}\r\n{value}\r\n")
}

fn hit(key: &str, flags: u32, value: &str) -> String {
    let length = value.len();
    format!("VALUE {key} {flags} {length}\r\n{value}\r\nEND\r\n")
}

/// Each of these, one after the other, has this reply.
fn converse(peer: &Peer, exchanges: &[(String, String)]) -> Verdict {
    let mut connection = client(peer)?;
    let mut each = exchanges.iter();
    each.try_for_each(|(sent, reply)| exchange(&mut connection, sent, reply.as_bytes()))
}

fn stored() -> String {
    "STORED\r\n".to_string()
}

fn not_stored() -> String {
    "NOT_STORED\r\n".to_string()
}

pub fn ch08_add_stores_only_where_nothing_is(peer: &Peer) -> Verdict {
    let (key, other) = (random_key(), random_key());
    converse(
        peer,
        &[
            (storage("replace", &key, 4, "early"), not_stored()),
            (storage("add", &key, 5, "one"), stored()),
            (storage("add", &key, 6, "two"), not_stored()),
            (format!("get {key}\r\n"), hit(&key, 5, "one")),
            (storage("replace", &key, 7, "three"), stored()),
            (format!("get {key}\r\n"), hit(&key, 7, "three")),
            (format!("get {other}\r\n"), "END\r\n".to_string()),
        ],
    )
}

/// Many clients send their line, and somebody else is faster with the block: nobody is first but that one.
pub fn ch08_an_add_looks_when_its_block_is_there(peer: &Peer) -> Verdict {
    let mut slow = Vec::new();
    for _ in 0..20 {
        let (key, mut connection) = (random_key(), client(peer)?);
        let _ = connection
            .stream
            .write_all(format!("add {key} 5 0 5\r\n").as_bytes());
        slow.push((key, connection));
    }
    thread::sleep(Duration::from_millis(200));
    let mut quick = client(peer)?;
    for (key, connection) in &mut slow {
        exchange(&mut quick, storage("add", key, 5, "second"), b"STORED\r\n")?;
        exchange(connection, "first\r\n", b"NOT_STORED\r\n").map_err(|what| {
            format!("somebody else was faster with the block of an add of this key: {what}")
        })?;
    }
    Ok(())
}

pub fn ch08_append_keeps_what_is_there(peer: &Peer) -> Verdict {
    let (key, other) = (random_key(), random_key());
    converse(
        peer,
        &[
            (storage("append", &other, 5, "x"), not_stored()),
            (storage("prepend", &other, 5, "x"), not_stored()),
            (storage("set", &key, 5, "one"), stored()),
            (storage("append", &key, 6, "two"), stored()),
            (storage("prepend", &key, 7, "zero"), stored()),
            (format!("get {other} {key}\r\n"), hit(&key, 5, "zeroonetwo")),
        ],
    )
}

/// A value so large that it is copied for a while, and two clients that append to it without a pause.
pub fn ch08_no_append_is_lost(peer: &Peer) -> Verdict {
    let key = random_key();
    let base = "x".repeat(500_000);
    exchange(
        &mut client(peer)?,
        storage("set", &key, 5, &base),
        b"STORED\r\n",
    )?;
    let appends = || -> Verdict {
        let line = format!("append {key} 5 0 1 noreply\r\nx\r\n");
        let sent = line.repeat(100) + "get none\r\n";
        let mut connection = client(peer)?;
        (0..10).try_for_each(|_| exchange(&mut connection, &sent, b"END\r\n"))
    };
    thread::scope(|scope| {
        let writers = [scope.spawn(appends), scope.spawn(appends)];
        let mut writers = writers.into_iter();
        writers.try_for_each(|writer| writer.join().expect("no panic"))
    })?;
    let sent = format!("get {key}\r\n");
    let line = format!("VALUE {key} 5 502000\r\n");
    exchange(&mut client(peer)?, sent, line.as_bytes())
}

pub fn ch08_no_value_outgrows_the_limit(peer: &Peer) -> Verdict {
    let key = random_key();
    let large = "x".repeat(1_000_000);
    let more = "y".repeat(100_000);
    converse(
        peer,
        &[
            (storage("set", &key, 5, &large), stored()),
            (storage("append", &key, 5, &more), not_stored()),
            (storage("prepend", &key, 5, &more), not_stored()),
            (
                format!("get {key}\r\n"),
                format!("VALUE {key} 5 1000000\r\nxx"),
            ),
        ],
    )
}

pub fn ch08_only_a_set_throws_out(peer: &Peer) -> Verdict {
    let large = "x".repeat(TOO_LARGE);
    let refused = || "SERVER_ERROR object too large for cache\r\n".to_string();
    for command in ["add", "replace", "append", "prepend"] {
        let key = random_key();
        converse(
            peer,
            &[
                (storage("set", &key, 5, "one"), stored()),
                (storage(command, &key, 5, &large), refused()),
                (format!("get {key}\r\n"), hit(&key, 5, "one")),
            ],
        )?;
    }
    let key = random_key();
    converse(
        peer,
        &[
            (storage("set", &key, 5, "one"), stored()),
            (storage("set", &key, 5, &large), refused()),
            (format!("get {key}\r\n"), "END\r\n".to_string()),
        ],
    )
}
