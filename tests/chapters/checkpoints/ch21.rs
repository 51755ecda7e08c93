//! Chapter 21: lines of any length, and of any kind.

use super::process::{stat, status};
use super::{client, exchange};
use crate::common::Connection;
use crate::common::process::eventually;
use crate::peer::{Peer, Verdict, random_key};
use std::io::{ErrorKind, Read, Write};

/// What a server is started with that a check judges.
pub const OPTIONS: &[(&str, &[&str])] = &[("ch21_a_long_line_asks_for_room", &["-m", "8"])];

/// A line of so many keys of 40 bytes that are not there, and one that is.
fn many_keys(command: &str, count: usize, last: &str) -> String {
    let none = format!("{}-{:017} ", random_key(), 0);
    format!("{command} {}{last}\r\n", none.repeat(count))
}

/// Sends as much of it as the server takes, and wants the connection closed without a word.
fn is_hung_up_on(peer: &Peer, sent: &[u8], what: &str) -> Verdict {
    let mut connection = client(peer)?;
    let _ = connection.stream.write_all(sent);
    match connection.stream.read(&mut [0; 100]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(format!("{what} was answered")),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        Err(_) => Err(format!("after {what} the server still waits")),
    }
}

fn store(connection: &mut Connection, key: &str) -> Verdict {
    let set = format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(connection, set, b"STORED\r\n")
}

pub fn ch21_seven_thousand_keys_are_one_line(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    store(&mut connection, &key)?;
    let hit = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    for command in ["get", "  get", "gat 0"] {
        let line = many_keys(command, 7000, &key);
        exchange(&mut connection, line, hit.as_bytes())?;
    }
    Ok(())
}

/// Of a server with `-m 8`: a long line is counted as long as it is there, and one that wants too much is not taken.
pub fn ch21_a_long_line_asks_for_room(peer: &Peer) -> Verdict {
    let (mut long, mut watch) = (client(peer)?, client(peer)?);
    let before = stat(&mut watch, "bytes")?;
    let line = many_keys("get", 7000, "none");
    let _ = long.stream.write_all(&line.as_bytes()[..line.len() - 2]);
    let mut bytes = || stat(&mut watch, "bytes").unwrap_or(0);
    if !eventually(|| bytes() > before + line.len() as u64 / 2) {
        return Err("stats does not count a long line whose end has not come".into());
    }
    exchange(&mut long, "\r\nget none\r\n", b"END\r\nEND\r\n")?;
    if !eventually(|| bytes() < before + line.len() as u64 / 2) {
        return Err("stats still counts a long line that has been answered".into());
    }
    let longer = many_keys("get", 70_000, "none");
    is_hung_up_on(peer, longer.as_bytes(), "a line of a third of the memory")
}

/// A line of 7 MB, which is refused for its last key. What the server took at its peak, only Linux tells.
pub fn ch21_a_line_is_not_cut_before_it_is_needed(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let pid = stat(&mut connection, "pid")?;
    let before = status(pid, "VmHWM:")?;
    let line = format!("get{} {}\r\n", " k".repeat(3_500_000), "k".repeat(251));
    let bad = b"CLIENT_ERROR bad command line format\r\n";
    exchange(&mut connection, line, bad)?;
    match status(pid, "VmHWM:")?.saturating_sub(before) / 1024 {
        more if more > 40 => Err(format!(
            "a line of 7 MB, and the server has taken {more} MB more"
        )),
        _ => Ok(()),
    }
}

pub fn ch21_a_bad_line_swallows_its_block(peer: &Peer) -> Verdict {
    let (kept, key) = (random_key(), random_key());
    let mut connection = client(peer)?;
    store(&mut connection, &kept)?;
    let deleting = format!("delete {kept}");
    let cas = format!("cas {key} 0 0 {}\r\n{deleting}\r\n", deleting.len());
    let bad = b"CLIENT_ERROR bad command line format\r\n";
    exchange(&mut connection, cas, bad)?;
    let set = format!("set {key} 0 0 3 x y z\r\nabc\r\n");
    exchange(&mut connection, set, b"STORED\r\n")?;
    let hits = format!("VALUE {kept} 5 5\r\nhello\r\nVALUE {key} 0 3\r\nabc\r\nEND\r\n");
    exchange(
        &mut connection,
        format!("get {kept} {key}\r\n"),
        hits.as_bytes(),
    )
}

pub fn ch21_who_speaks_another_language_is_hung_up_on(peer: &Peer) -> Verdict {
    let key = random_key();
    let forged = format!("POST / HTTP/1.1\r\nset {key} 0 0 1\r\nx\r\n");
    is_hung_up_on(peer, forged.as_bytes(), "a request of HTTP")?;
    exchange(&mut client(peer)?, format!("get {key}\r\n"), b"END\r\n")?;
    is_hung_up_on(peer, &[0x80], "a byte of the binary protocol")
}

pub fn ch21_a_tab_may_stand_beside_a_number(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let set = format!("set {key} 1\t \t0 1\t\r\n5\r\nincr {key} \t1\r\n");
    exchange(&mut connection, set, b"STORED\r\n6\r\n")
}
