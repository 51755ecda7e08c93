//! Chapter 16: what was counted, and what was said.

use super::process::stat;
use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, random_key};
use std::thread;

/// How much this number goes up by the work.
fn goes_up(
    connection: &mut Connection,
    name: &str,
    by: u64,
    work: impl FnOnce(&mut Connection) -> Verdict,
) -> Verdict {
    let before = stat(connection, name)?;
    work(connection)?;
    let after = stat(connection, name)?;
    match after - before == by {
        true => Ok(()),
        false => Err(format!(
            "{name} was {before} and is {after}: it should have gone up by {by}"
        )),
    }
}

pub fn ch16_hits_and_misses_can_be_seen(peer: &Peer) -> Verdict {
    let (key, none) = (random_key(), random_key());
    let mut connection = client(peer)?;
    let set = format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(&mut connection, set, b"STORED\r\n")?;
    let hit = format!("VALUE {key} 5 5\r\nhello\r\n");
    let get = format!("get {key} {none} {key}\r\n");
    let all = format!("{hit}{hit}END\r\n");
    let ask = |connection: &mut Connection| exchange(connection, &get, all.as_bytes());
    goes_up(&mut connection, "get_hits", 2, ask)?;
    goes_up(&mut connection, "get_misses", 1, ask)
}

/// Many times over: what is lost is lost by chance, when threads come between each other's steps.
pub fn ch16_eight_clients_at_once_are_all_counted(peer: &Peer) -> Verdict {
    const CLIENTS: usize = 8;
    const LINES: usize = 20;
    const KEYS: usize = 1000;
    let line = format!("get{}\r\n", format!(" {}", random_key()).repeat(KEYS));
    let ask = || {
        let mut connection = client(peer)?;
        exchange(
            &mut connection,
            line.repeat(LINES),
            &b"END\r\n".repeat(LINES),
        )
    };
    let mut connection = client(peer)?;
    for _ in 0..60 {
        let all = (CLIENTS * LINES * KEYS) as u64;
        goes_up(&mut connection, "get_misses", all, |_| {
            thread::scope(|scope| {
                let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
                let mut verdicts = clients.into_iter().map(|client| client.join());
                verdicts.try_for_each(|verdict| verdict.expect("no panic"))
            })
        })?;
    }
    Ok(())
}

pub fn ch16_stats_tells_how_full_it_is(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let store = |connection: &mut Connection| {
        let set = format!("set {} 0 0 5\r\nhello\r\n", random_key());
        exchange(connection, set, b"STORED\r\n")
    };
    let bytes = stat(&mut connection, "bytes")?;
    goes_up(&mut connection, "curr_items", 1, store)?;
    let more = stat(&mut connection, "bytes")? > bytes;
    match more && stat(&mut connection, "limit_maxbytes")? > 0 {
        true => Ok(()),
        false => Err("an item was stored, and the bytes have not become more".into()),
    }
}

pub fn ch16_what_is_not_there_is_counted_too(peer: &Peer) -> Verdict {
    let none = random_key();
    let mut connection = client(peer)?;
    for (name, command) in [
        ("delete_misses", format!("delete {none}")),
        ("incr_misses", format!("incr {none} 1")),
        ("decr_misses", format!("decr {none} 1")),
    ] {
        goes_up(&mut connection, name, 1, |connection| {
            exchange(connection, format!("{command}\r\n"), b"NOT_FOUND\r\n")
        })?;
    }
    Ok(())
}

pub fn ch16_verbosity_turns_the_conversation_on(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let bad = b"CLIENT_ERROR bad command line format\r\n";
    exchange(&mut connection, "verbosity much\r\n", bad)?;
    exchange(&mut connection, "verbosity 2\r\n", b"OK\r\n")?;
    exchange(&mut connection, "verbosity 0\r\n", b"OK\r\n")
}

/// Of a server whose stderr is a pipe that nobody reads.
pub fn ch16_a_lost_stderr_harms_no_client(peer: &Peer) -> Verdict {
    let key = random_key();
    for _ in 0..2 {
        let mut connection = client(peer)?;
        let sent = format!("set {key} 5 0 5\r\nhello\r\nget {key}\r\n");
        let hit = format!("STORED\r\nVALUE {key} 5 5\r\nhello\r\nEND\r\n");
        exchange(&mut connection, sent, hit.as_bytes())?;
    }
    Ok(())
}
