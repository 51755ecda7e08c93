//! Chapter 12: replies come soon, and cost little. Nothing that is said changes, so what is judged here is who waits for
//! whom, and how much memory an answer takes.

use super::process::{listener, status};
use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, check, random_key};
use std::io::Read;
use std::time::{Duration, Instant};

/// Where two rules of TCP wait for each other, the rest of an answer comes 40 ms after its beginning.
const SOON: Duration = Duration::from_millis(30);

/// A megabyte, nearly.
const LARGE: usize = 1_000_000;

fn set(connection: &mut Connection, key: &str, length: usize) -> Verdict {
    let set = format!("set {key} 0 0 {length}\r\n{}\r\n", "x".repeat(length));
    exchange(connection, set, b"STORED\r\n")
}

/// On a busy machine the rest of an answer may come late, or both together where somebody waits: most of them count.
fn is_soon_answered(peer: &Peer, count: usize, length: usize) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    set(&mut connection, &key, length)?;
    let value = "x".repeat(length);
    let answer = format!("VALUE {key} 0 {length}\r\n{value}\r\nEND\r\n").repeat(count);
    let sent = format!("get {key}\r\n").repeat(count);
    let mut late = Vec::new();
    for _ in 0..21 {
        connection.send(&sent);
        let mut got = vec![0; answer.len()];
        let first = connection.stream.read(&mut got).unwrap_or(0);
        got.truncate(first);
        let start = Instant::now();
        got.extend(connection.receive(answer.len() - first));
        check(&sent, answer.as_bytes(), &got)?;
        late.extend(Some(start.elapsed()).filter(|gap| *gap > SOON));
    }
    match late.len() {
        ..=10 => Ok(()),
        most => Err(format!(
            "{count} times `get` of {length} bytes, in one packet: {most} times of 21 the rest of the answer came {:?} after its beginning",
            late[0]
        )),
    }
}

pub fn ch12_two_gets_in_one_packet_wait_for_nobody(peer: &Peer) -> Verdict {
    is_soon_answered(peer, 2, 5)
}

pub fn ch12_a_large_value_waits_for_nobody(peer: &Peer) -> Verdict {
    is_soon_answered(peer, 1, 9000)
}

/// In one packet with a `get`: half a command, one that is not answered, and one whose data block is still to come.
pub fn ch12_no_reply_waits_for_half_a_command(peer: &Peer) -> Verdict {
    let key = random_key();
    for (behind, rest, reply) in [
        ("ge", "t none\r\n".to_string(), "END\r\n"),
        (
            &*format!("delete {key} noreply\r\n"),
            "get none\r\n".into(),
            "END\r\n",
        ),
        (
            &*format!("set {key} 0 0 1\r\n"),
            "x\r\n".into(),
            "STORED\r\n",
        ),
    ] {
        let mut connection = client(peer)?;
        exchange(&mut connection, format!("get none\r\n{behind}"), b"END\r\n")?;
        exchange(&mut connection, rest, reply.as_bytes())?;
    }
    Ok(())
}

/// Clients ask for a large value many times, and read only the first byte of the answer.
fn grows_little(peer: &Peer, clients: usize, times: usize, most: u64) -> Verdict {
    let process = listener(&peer.address)?;
    let key = random_key();
    let mut silent: Vec<Connection> = Vec::new();
    for _ in 0..clients {
        silent.push(client(peer)?);
    }
    set(&mut silent[0], &key, LARGE)?;
    let before = status(process, "VmRSS:")? / 1000;
    let line = format!("get{}\r\n", format!(" {key}").repeat(times));
    for connection in &mut silent {
        connection.send(&line);
    }
    for connection in &mut silent {
        exchange(connection, "", b"V")?;
    }
    let after = status(process, "VmRSS:")? / 1000;
    match after.saturating_sub(before) {
        grown if grown > most => Err(format!(
            "{clients} clients named a value of a megabyte {times} times and read nothing: the server grew by {grown} megabytes"
        )),
        _ => Ok(()),
    }
}

pub fn ch12_a_short_line_does_not_fill_the_memory(peer: &Peer) -> Verdict {
    grows_little(peer, 1, 80, 40)
}

pub fn ch12_slow_readers_share_one_value(peer: &Peer) -> Verdict {
    grows_little(peer, 40, 15, 20)
}
