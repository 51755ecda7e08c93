//! Chapter 7: a store of its own.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};
use std::io::Write;

/// Meets the mistake that the chapter makes on purpose; the program at its end has none, and answers.
fn meet_the_mistake(peer: &Peer) -> Verdict {
    let mut unlucky = client(peer)?;
    let _ = unlucky.stream.write_all(b"get oops\r\nquit\r\n");
    unlucky.receive(1 << 20);
    Ok(())
}

fn set(key: &str) -> String {
    format!("set {key} 5 0 5\r\nhello\r\n")
}

fn hit(key: &str) -> String {
    format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n")
}

pub fn ch07_a_panic_costs_one_client(peer: &Peer) -> Verdict {
    meet_the_mistake(peer)?;
    let key = random_key();
    let mut connection = client(peer)?;
    exchange(&mut connection, set(&key), b"STORED\r\n")?;
    let get = format!("get {key}\r\n");
    exchange(&mut connection, get, hit(&key).as_bytes())
}

pub fn ch07_what_is_deleted_is_gone(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    exchange(&mut connection, set(&key), b"STORED\r\n")?;
    let delete = format!("delete {key}\r\n");
    exchange(&mut connection, &delete, b"DELETED\r\n")?;
    exchange(&mut connection, format!("get {key}\r\n"), b"END\r\n")?;
    exchange(&mut connection, &delete, b"NOT_FOUND\r\n")?;
    exchange(&mut connection, "version\r\n", b"VERSION ")
}

/// The first of these deletes whatever somebody else may have stored there.
pub fn ch07_a_key_may_be_called_noreply(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let named = "delete noreply noreply\r\ndelete noreply\r\n";
    exchange(&mut connection, named, b"NOT_FOUND\r\n")?;
    let old = format!("delete {key} noreply\r\ndelete {key} 0\r\n");
    exchange(&mut connection, old, b"NOT_FOUND\r\n")?;
    let usage = b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
    exchange(&mut connection, format!("delete {key} 5\r\n"), usage)
}

pub fn ch07_no_command_forgets_the_poison(peer: &Peer) -> Verdict {
    meet_the_mistake(peer)?;
    let key = random_key();
    let mut connection = client(peer)?;
    exchange(&mut connection, set(&key), b"STORED\r\n")?;
    let delete = format!("delete {key}\r\n");
    exchange(&mut connection, &delete, b"DELETED\r\n")?;
    exchange(&mut connection, &delete, b"NOT_FOUND\r\n")
}

pub fn ch07_a_refused_value_leaves_no_stale_one(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    exchange(&mut connection, set(&key), b"STORED\r\n")?;
    let large = "x".repeat(1024 * 1024 + 1);
    let large = format!("set {key} 5 0 {} noreply\r\n{large}\r\n", large.len());
    let sent = format!("{large}get {key}\r\n");
    exchange(&mut connection, sent, b"END\r\n")
}
