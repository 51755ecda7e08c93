//! Chapter 10: an item goes when its exptime says so, for everybody who asks.

use super::{client, exchange};
use crate::common::Connection;
use crate::common::process::eventually;
use crate::peer::{Peer, Verdict, check, random_key};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// An item of this exptime, with the value 5.
fn set(connection: &mut Connection, key: &str, exptime: i64) -> Verdict {
    let line = format!("set {key} 0 {exptime} 1\r\n5\r\n");
    exchange(connection, line, b"STORED\r\n")
}

/// Whether the item is there now; an error if the answer is neither a hit nor a miss.
fn is_there(connection: &mut Connection, key: &str, value: &str) -> Result<bool, String> {
    let sent = format!("get {key}\r\n");
    let hit = format!("VALUE {key} 0 {}\r\n{value}\r\nEND\r\n", value.len());
    let _ = connection.stream.write_all(sent.as_bytes());
    let got = connection.receive(5);
    if got == b"END\r\n" {
        return Ok(false);
    }
    let rest = connection.receive(hit.len() - 5);
    check(sent, hit.as_bytes(), &[got, rest].concat())?;
    Ok(true)
}

fn stays(connection: &mut Connection, key: &str, value: &str) -> Verdict {
    match is_there(connection, key, value)? {
        true => Ok(()),
        false => Err(format!("{key} is gone, and should be there")),
    }
}

fn is_gone(connection: &mut Connection, key: &str, value: &str) -> Verdict {
    match is_there(connection, key, value)? {
        true => Err(format!("{key} is there, and should be gone")),
        false => Ok(()),
    }
}

/// It need not go at once, but soon.
fn goes(connection: &mut Connection, key: &str, value: &str) -> Verdict {
    eventually(|| is_there(connection, key, value) != Ok(true));
    is_gone(connection, key, value)
}

pub fn ch10_a_negative_exptime_is_gone_at_once(peer: &Peer) -> Verdict {
    let (key, mut connection) = (random_key(), client(peer)?);
    set(&mut connection, &key, 0)?;
    stays(&mut connection, &key, "5")?;
    set(&mut connection, &key, -1)?;
    is_gone(&mut connection, &key, "5")
}

pub fn ch10_a_value_lives_so_many_seconds(peer: &Peer) -> Verdict {
    let (short, long, mut connection) = (random_key(), random_key(), client(peer)?);
    set(&mut connection, &long, 600)?;
    set(&mut connection, &short, 1)?;
    goes(&mut connection, &short, "5")?;
    stays(&mut connection, &long, "5")
}

pub fn ch10_nobody_sees_what_has_expired(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    for (command, reply) in [
        ("incr K 1\r\n", "NOT_FOUND\r\n"),
        ("delete K\r\n", "NOT_FOUND\r\n"),
        ("append K 0 0 1\r\n6\r\n", "NOT_STORED\r\n"),
        ("replace K 0 0 1\r\n6\r\n", "NOT_STORED\r\n"),
        ("cas K 0 0 1 1\r\n6\r\n", "NOT_FOUND\r\n"),
        ("add K 0 0 1\r\n6\r\n", "STORED\r\n"),
    ] {
        let key = random_key();
        set(&mut connection, &key, -1)?;
        exchange(
            &mut connection,
            command.replace('K', &key),
            reply.as_bytes(),
        )?;
    }
    Ok(())
}

/// Neither by its own exptime, nor by having none.
pub fn ch10_a_change_does_not_lengthen_a_life(peer: &Peer) -> Verdict {
    let (list, count, mut connection) = (random_key(), random_key(), client(peer)?);
    for (key, change) in [
        (&list, "append K 0 600 1\r\n6\r\n"),
        (&count, "incr K 1\r\n"),
    ] {
        // On a busy machine the item may have gone before it is changed: then once more.
        let changed = |connection: &mut Connection| -> Result<bool, String> {
            set(connection, key, 2)?;
            let sent = change.replace('K', key);
            let _ = connection.stream.write_all(sent.as_bytes());
            let mut reply = Vec::new();
            while !reply.ends_with(b"\n") {
                match &connection.receive(1)[..] {
                    [] => return Err(format!("no answer to {sent:?}")),
                    byte => reply.extend_from_slice(byte),
                }
            }
            Ok(!reply.starts_with(b"NOT_"))
        };
        while !changed(&mut connection)? {}
    }
    goes(&mut connection, &list, "56")?;
    goes(&mut connection, &count, "6")
}

pub fn ch10_a_large_exptime_is_a_time_of_the_calendar(peer: &Peer) -> Verdict {
    let (key, mut connection) = (random_key(), client(peer)?);
    let today = SystemTime::now().duration_since(UNIX_EPOCH);
    let today = today.map_or(0, |since| since.as_secs() as i64);
    set(&mut connection, &key, 2_592_000)?;
    stays(&mut connection, &key, "5")?;
    set(&mut connection, &key, 2_592_001)?;
    is_gone(&mut connection, &key, "5")?;
    set(&mut connection, &key, today + 600)?;
    stays(&mut connection, &key, "5")?;
    set(&mut connection, &key, today + 2)?;
    goes(&mut connection, &key, "5")?;
    set(&mut connection, &key, today - 600)?;
    is_gone(&mut connection, &key, "5")
}
