//! Chapter 6: words become meaning.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};

const BAD_FORMAT: &[u8] = b"CLIENT_ERROR bad command line format\r\n";

/// Only the first reply is looked at: what becomes of the block behind the line, another check asks.
pub fn ch06_a_number_is_a_number(peer: &Peer) -> Verdict {
    let key = random_key();
    let set = format!("set {key} 007 0 05\r\nhello\r\n");
    exchange(&mut client(peer)?, set, b"STORED\r\n")?;
    for numbers in ["many 0", "-1 0", "0 x"] {
        let line = format!("set {key} {numbers} 1\r\nx\r\n");
        exchange(&mut client(peer)?, line, BAD_FORMAT)?;
    }
    let kept = format!("VALUE {key} 7 5\r\nhello\r\nEND\r\n");
    let get = format!("get {key}\r\n");
    exchange(&mut client(peer)?, get, kept.as_bytes())
}

pub fn ch06_a_refused_set_swallows_its_block(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let value = format!("set {key} 0 0 6\r\nhacked");
    let set = format!("set {key} many 0 {}\r\n{value}\r\n", value.len());
    exchange(&mut connection, set, BAD_FORMAT)?;
    exchange(&mut connection, format!("get {key}\r\n"), b"END\r\n")
}

pub fn ch06_a_length_is_a_length(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    for length in ["x", "-1", "2147483646", "4000000000"] {
        let set = format!("set {key} 0 0 {length}\r\n");
        exchange(&mut connection, set, BAD_FORMAT)?;
    }
    exchange(&mut connection, format!("get {key}\r\n"), b"END\r\n")
}

pub fn ch06_a_key_has_at_most_250_bytes(peer: &Peer) -> Verdict {
    let mut key = random_key();
    key += &"k".repeat(250 - key.len());
    let mut connection = client(peer)?;
    let set = |key: &str| format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(&mut connection, set(&key), b"STORED\r\n")?;
    exchange(&mut connection, set(&(key.clone() + "k")), BAD_FORMAT)?;
    let kept = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    exchange(&mut connection, format!("get {key}\r\n"), kept.as_bytes())
}

pub fn ch06_a_get_may_be_refused(peer: &Peer) -> Verdict {
    let (key, long) = (random_key(), "k".repeat(251));
    let mut connection = client(peer)?;
    let get = format!("get {key} {long}\r\n");
    exchange(&mut connection, get, BAD_FORMAT)?;
    exchange(&mut connection, format!("get {key}\r\n"), b"END\r\n")
}

pub fn ch06_only_the_understood_may_be_silent(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    for line in ["nonsense noreply", "set noreply", "set k 0 0 5 noreply x"] {
        exchange(&mut connection, format!("{line}\r\n"), b"ERROR\r\n")?;
    }
    let silent = format!("set {key} 0 0 x noreply\r\nget {key}\r\n");
    exchange(&mut connection, silent, b"END\r\n")
}
