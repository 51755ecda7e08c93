//! Chapter 15: a client who is silent, one too many, one whose server was away; each hears something, and no place is lost.

use super::process::listener;
use super::{client, exchange};
use crate::common::process::{asleep, eventually, signal};
use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, check};
use std::io::{ErrorKind, Read};
use std::thread;
use std::time::{Duration, Instant};

/// Checks of a server that was started with options of its own.
pub const OPTIONS: &[(&str, &[&str])] = &[
    (
        "ch15_a_silent_client_is_hung_up_on",
        &["-o", "idle_timeout=1"],
    ),
    (
        "ch15_a_stopped_server_keeps_its_clients",
        &["-o", "idle_timeout=60"],
    ),
    ("ch15_a_client_too_many_is_told", &["-c", "2"]),
    (
        "ch15_a_place_is_free_again",
        &["-c", "1", "-o", "idle_timeout=1"],
    ),
];

const TOO_MANY: &[u8] = b"ERROR Too many open connections\r\n";

/// Longer than the server takes to say that a client is one too many.
const MOMENT: Duration = Duration::from_millis(100);

fn is_served(connection: &mut Connection) -> Verdict {
    exchange(connection, "get none\r\n", b"END\r\n")
}

/// A client with a place. Somebody may just be leaving, so it is asked for more than once.
fn admitted(peer: &Peer) -> Result<Connection, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut connection = client(peer)?;
        match is_served(&mut connection) {
            Ok(()) => return Ok(connection),
            Err(what) if Instant::now() > deadline => return Err(what),
            Err(_) => thread::sleep(MOMENT),
        }
    }
}

fn is_hung_up_on(mut connection: Connection) -> Verdict {
    match connection.stream.read(&mut [0]) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => Err(format!("a silent client is not hung up on: {other:?}")),
    }
}

pub fn ch15_a_silent_client_is_hung_up_on(peer: &Peer) -> Verdict {
    is_hung_up_on(admitted(peer)?)
}

pub fn ch15_a_stopped_server_keeps_its_clients(peer: &Peer) -> Verdict {
    let mut connection = admitted(peer)?;
    let pid = listener(&peer.address)? as u32;
    for _ in 0..3 {
        for name in ["STOP", "CONT"] {
            eventually(|| asleep(pid));
            signal(pid, name);
            thread::sleep(MOMENT);
        }
    }
    is_served(&mut connection).map_err(|what| format!("after it was stopped: {what}"))
}

pub fn ch15_a_client_too_many_is_told(peer: &Peer) -> Verdict {
    let _crowd = [admitted(peer)?, admitted(peer)?];
    check("", TOO_MANY, &client(peer)?.receive(TOO_MANY.len()))
}

pub fn ch15_a_place_is_free_again(peer: &Peer) -> Verdict {
    is_hung_up_on(admitted(peer)?)?;
    admitted(peer)?;
    Ok(())
}

/// A client that is told something unasked is one too many; the others ask.
pub fn ch15_everybody_hears_something(peer: &Peer) -> Verdict {
    let crowd: Result<Vec<Connection>, String> = (0..40).map(|_| client(peer)).collect();
    for connection in &mut crowd? {
        let _ = connection.stream.set_read_timeout(Some(MOMENT));
        let told = connection.stream.peek(&mut [0]).is_ok();
        let _ = connection.stream.set_read_timeout(Some(PATIENCE));
        match told {
            true => check("", TOO_MANY, &connection.receive(TOO_MANY.len()))?,
            false => is_served(connection)?,
        }
    }
    Ok(())
}
