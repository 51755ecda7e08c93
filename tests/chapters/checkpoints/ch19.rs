//! Chapter 19: whatever holds bytes counts, and who finds no room is told so before anybody loses an item.

use super::process;
use super::{client, exchange};
use crate::common::process::eventually;
use crate::common::{Connection, PATIENCE, show};
use crate::peer::{Peer, Verdict, random_key};
use std::io::Write;
use std::time::Instant;

/// A value of which two find no room in 2 megabytes, with its end.
const BIG: usize = 900_000;

/// How a server says that there is no room.
const FULL: &[u8] = b"SERVER_ERROR out of memory storing object\r\n";

/// Checks of a server that was started with options of its own.
pub const OPTIONS: &[(&str, &[&str])] = &[
    ("ch19_a_full_server_says_so", &["-m", "2"]),
    ("ch19_a_refusal_costs_nobody_an_item", &["-m", "2"]),
    (
        "ch19_what_slow_readers_hold_is_counted",
        &["-m", "32", "-I", "8m"],
    ),
    (
        "ch19_memory_that_is_not_there_is_one_clients_error",
        &["-m", "128", "-I", "64m"],
    ),
];

/// One number of `stats`.
pub(crate) fn stat(peer: &Peer, name: &str) -> Result<u64, String> {
    process::stat(&mut client(peer)?, name)
}

/// Waits until this number of `stats` is right.
pub(crate) fn await_stat(peer: &Peer, name: &str, right: impl Fn(u64) -> bool) -> Verdict {
    let now = || stat(peer, name);
    match eventually(|| now().is_ok_and(&right)) {
        true => Ok(()),
        false => Err(format!("stats says {name} {}", now()?)),
    }
}

/// The next line of a reply, with its end; what has come of it, if the rest does not.
pub(crate) fn reply(connection: &mut Connection) -> Vec<u8> {
    let (mut line, deadline) = (Vec::new(), Instant::now() + PATIENCE);
    while !line.ends_with(b"\n") && Instant::now() < deadline {
        match connection.receive(1)[..] {
            [byte] => line.push(byte),
            _ => break,
        }
    }
    line
}

/// Sends a value of zeros, and returns what the server says to it.
pub(crate) fn store(connection: &mut Connection, key: &str, length: usize) -> Vec<u8> {
    let line = format!("set {key} 0 0 {length}\r\n");
    for part in [line.as_bytes(), &vec![0; length], b"\r\n"] {
        let _ = connection.stream.write_all(part);
    }
    reply(connection)
}

/// Clients that announce a value of so many bytes each and send nothing of it, once all of them have been read.
fn announced(peer: &Peer, count: usize, length: usize) -> Result<Vec<Connection>, String> {
    let before = stat(peer, "bytes_read")?;
    let (mut clients, mut sent) = (Vec::new(), 0);
    for _ in 0..count {
        let mut connection = client(peer)?;
        let line = format!("set {} 0 0 {length} noreply\r\n", random_key());
        let _ = connection.stream.write_all(line.as_bytes());
        sent += line.len() as u64;
        clients.push(connection);
    }
    await_stat(peer, "bytes_read", |read| read >= before + sent)?;
    Ok(clients)
}

pub fn ch19_what_is_on_its_way_is_counted(peer: &Peer) -> Verdict {
    let before = stat(peer, "bytes")?;
    let announced = announced(peer, 1, BIG)?;
    let verdict = await_stat(peer, "bytes", |bytes| bytes >= before + BIG as u64);
    drop(announced);
    verdict.map_err(|what| format!("{what}, though {BIG} bytes are on their way"))
}

/// One sends a block that does not end where it should, another hangs up in the middle of hers.
pub fn ch19_what_fails_on_its_way_is_forgotten(peer: &Peer) -> Verdict {
    let before = stat(peer, "bytes")?;
    let mut bad = client(peer)?;
    let _ = bad.stream.write_all(b"set bad 0 0 900000\r\n");
    let _ = bad.stream.write_all(&[b'x'; BIG]);
    exchange(&mut bad, "xx", b"CLIENT_ERROR bad data chunk\r\n")?;
    drop(announced(peer, 1, BIG)?);
    await_stat(peer, "bytes", |bytes| bytes < before + BIG as u64 / 2)
        .map_err(|what| format!("{what}, though nothing is on its way any more"))
}

fn is_full(got: &[u8]) -> Verdict {
    match got == FULL {
        true => Ok(()),
        false => Err(format!("expected {}, got {}", show(FULL), show(got))),
    }
}

pub fn ch19_a_full_server_says_so(peer: &Peer) -> Verdict {
    let _announced = announced(peer, 2, BIG)?;
    let (mut connection, key) = (client(peer)?, random_key());
    is_full(&store(&mut connection, &key, BIG))?;
    let small = format!("set {key} 5 0 1\r\nx\r\nget {key}\r\n");
    let hit = format!("STORED\r\nVALUE {key} 5 1\r\nx\r\nEND\r\n");
    exchange(&mut connection, small, hit.as_bytes())
}

/// What was there before a large value was refused is there after it. And when many hold something small, the cache is
/// not left with one item.
pub fn ch19_a_refusal_costs_nobody_an_item(peer: &Peer) -> Verdict {
    let (mut connection, key) = (client(peer)?, random_key());
    let set = format!("set {key} 5 0 1\r\nx\r\n");
    let (get, hit) = (
        format!("get {key}\r\n"),
        format!("VALUE {key} 5 1\r\nx\r\nEND\r\n"),
    );
    exchange(&mut connection, &set, b"STORED\r\n")?;
    let large = announced(peer, 2, BIG)?;
    is_full(&store(&mut connection, &random_key(), BIG))?;
    exchange(&mut connection, &get, hit.as_bytes())?;
    drop(large);
    let _small = announced(peer, 150, 15_000)?;
    exchange(&mut connection, &set, b"STORED\r\n")?;
    let other = format!("set {} 5 0 1\r\nx\r\n", random_key());
    exchange(&mut connection, other, b"STORED\r\n")?;
    exchange(&mut connection, &get, hit.as_bytes())
}

/// Each of them asks for a value that fits in no socket and does not read it; then the value is deleted.
pub fn ch19_what_slow_readers_hold_is_counted(peer: &Peer) -> Verdict {
    let (mut writer, mut readers) = (client(peer)?, Vec::new());
    for _ in 0..12 {
        let key = random_key();
        if store(&mut writer, &key, 7_000_000) == FULL {
            return Ok(());
        }
        let mut reader = client(peer)?;
        let get = format!("get {key}\r\n");
        exchange(&mut reader, &get, b"VALUE")?;
        readers.push(reader);
        exchange(&mut writer, format!("delete {key}\r\n"), b"DELETED\r\n")?;
    }
    Err("12 values of 7 megabytes are held by readers, and there is still room".into())
}

pub fn ch19_memory_that_is_not_there_is_one_clients_error(peer: &Peer) -> Verdict {
    for length in [60_000_000, 30_000_000] {
        let got = store(&mut client(peer)?, &random_key(), length);
        if !got.ends_with(b"\n") {
            return Err(format!("a value of {length} bytes has no answer"));
        }
    }
    exchange(&mut client(peer)?, "get none\r\n", b"END\r\n")
}
