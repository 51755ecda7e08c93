//! Chapter 11: an item's life is made longer, and all of them end at once.

use super::{client, exchange};
use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, random_key};
use std::thread;
use std::time::{Duration, Instant};

const END: &[u8] = b"END\r\n";

fn store(connection: &mut Connection, key: &str, exptime: u32) -> Verdict {
    let set = format!("set {key} 5 {exptime} 5\r\nhello\r\n");
    exchange(connection, set, b"STORED\r\n")
}

fn finds(connection: &mut Connection, key: &str) -> Verdict {
    let hit = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    exchange(connection, format!("get {key}\r\n"), hit.as_bytes())
}

fn misses(key: &str) -> impl FnOnce(&mut Connection) -> Verdict {
    move |connection| exchange(connection, format!("get {key}\r\n"), END)
}

/// Whether the item is there, without waiting for bytes that do not come.
fn is_there(connection: &mut Connection, key: &str) -> bool {
    let hit = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    connection.send(format!("get {key}\r\n"));
    let start = connection.receive(END.len());
    start != END && connection.receive(hit.len() - END.len()).len() + END.len() == hit.len()
}

/// Asks until the item is gone.
fn is_gone_soon(connection: &mut Connection, key: &str) -> Verdict {
    let there = |connection: &mut Connection| is_there(connection, key);
    while_patient(connection, there, misses(key))
}

/// Goes on as long as this is so, and then wants that.
fn while_patient(
    connection: &mut Connection,
    mut still: impl FnMut(&mut Connection) -> bool,
    then: impl FnOnce(&mut Connection) -> Verdict,
) -> Verdict {
    let deadline = Instant::now() + PATIENCE;
    while still(connection) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    then(connection)
}

/// Two items have as long to live, and one is given more. When the other has gone, it is still there.
fn outlives(peer: &Peer, prolong: &dyn Fn(&str) -> (String, String)) -> Verdict {
    let (long, short) = (random_key(), random_key());
    let mut connection = client(peer)?;
    // Long enough for a busy machine to come to the next line.
    store(&mut connection, &long, 3)?;
    store(&mut connection, &short, 3)?;
    let (sent, expected) = prolong(&long);
    exchange(&mut connection, sent, expected.as_bytes())?;
    is_gone_soon(&mut connection, &short)?;
    finds(&mut connection, &long)
}

pub fn ch11_touch_gives_a_longer_life(peer: &Peer) -> Verdict {
    outlives(peer, &|key| {
        (format!("touch {key} 100\r\n"), "TOUCHED\r\n".into())
    })?;
    let none = format!("touch {} 100\r\n", random_key());
    exchange(&mut client(peer)?, none, b"NOT_FOUND\r\n")
}

pub fn ch11_gat_gets_and_touches_in_one_step(peer: &Peer) -> Verdict {
    outlives(peer, &|key| {
        let hit = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
        (format!("gat 100 none {key}\r\n"), hit)
    })?;
    exchange(
        &mut client(peer)?,
        "gat\r\ngats 60\r\n",
        b"ERROR\r\nEND\r\n",
    )
}

pub fn ch11_flush_all_throws_out_everything(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    for flush in ["flush_all", "flush_all 0"] {
        store(&mut connection, &key, 0)?;
        exchange(&mut connection, format!("{flush}\r\n"), b"OK\r\n")?;
        misses(&key)(&mut connection)?;
    }
    store(&mut connection, &key, 0)?;
    let quiet = format!("flush_all 0 noreply\r\nget {key}\r\n");
    exchange(&mut connection, quiet, b"END\r\n")
}

/// The flush that waits is replaced at the end by one that does not.
pub fn ch11_a_flush_with_a_delay_does_not_flush_yet(peer: &Peer) -> Verdict {
    let (before, after) = (random_key(), random_key());
    let mut connection = client(peer)?;
    store(&mut connection, &before, 0)?;
    exchange(&mut connection, "flush_all 100\r\n", b"OK\r\n")?;
    let verdict = store(&mut connection, &after, 0)
        .and_then(|()| finds(&mut connection, &before))
        .and_then(|()| finds(&mut connection, &after));
    exchange(&mut connection, "flush_all\r\n", b"OK\r\n")?;
    verdict
}

/// In memcached the moment is a second long: what is stored in it goes too.
pub fn ch11_a_flush_happens_when_its_moment_comes(peer: &Peer) -> Verdict {
    let (old, new) = (random_key(), random_key());
    let mut connection = client(peer)?;
    store(&mut connection, &old, 0)?;
    exchange(&mut connection, "flush_all 1\r\n", b"OK\r\n")?;
    is_gone_soon(&mut connection, &old)?;
    store(&mut connection, &new, 0)?;
    let flushed = |connection: &mut Connection| {
        !is_there(connection, &new) && store(connection, &new, 0).is_ok()
    };
    while_patient(&mut connection, flushed, |connection| {
        finds(connection, &new)
    })
}
