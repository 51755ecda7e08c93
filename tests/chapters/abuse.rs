//! What clients do to servers, on purpose or not: one list for every chapter.
//!
//! After each abuse an innocent client must be served. A chapter that does not stand one yet says so, and what
//! breaks; then its own program must be seen to break.

use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, check, random_key};
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How a chapter's server is spoken to.
pub struct Dialect {
    pub chapter: &'static str,
    /// A request with this key and value.
    pub request: fn(&str, &[u8]) -> Vec<u8>,
    /// Reads the reply to that request.
    pub reply: fn(&mut Connection, &str, &[u8]) -> Verdict,
    /// The reply to a value that is too large, where the chapter promises one.
    pub too_large: Option<&'static str>,
    /// What the chapter does not stand yet, by the names below, and what breaks.
    pub breaks: &'static [(&'static str, &'static str)],
}

type Abuse = fn(&Dialect, &Peer) -> Verdict;

const ABUSES: &[(&str, Abuse)] = &[
    ("connects and leaves", connects_and_leaves),
    ("half a line", half_a_line),
    ("two commands in one packet", two_commands_in_one_packet),
    ("one byte at a time", one_byte_at_a_time),
    ("a command and a half", a_command_and_a_half),
    ("a binary value", a_binary_value),
    ("a value of 1 MiB + 1", a_value_of_1_mib_and_1),
    (
        "vanishes in the middle of a block",
        vanishes_in_the_middle_of_a_block,
    ),
    ("500 connections", five_hundred_connections),
];

/// A break that depends on how bytes fall into reads shows in one of so many attempts.
const ATTEMPTS: usize = 20;

impl Dialect {
    /// Applies the whole list.
    pub fn survives(&self, peer: &Peer) {
        for (name, _) in self.breaks {
            assert!(
                ABUSES.iter().any(|(known, _)| known == name),
                "unknown abuse {name:?}"
            );
        }
        for (name, abuse) in ABUSES {
            let chapter = self.chapter;
            match self.breaks.iter().find(|(broken, _)| broken == name) {
                None => self
                    .verdict(*abuse, peer)
                    .unwrap_or_else(|what| panic!("chapter {chapter}, {name}: {what}")),
                Some((_, why)) if peer.own.is_some() => assert!(
                    (0..ATTEMPTS).any(|_| self.verdict(*abuse, &Peer::own(chapter)).is_err()),
                    "chapter {chapter} stands {name}, though the table says: {why}"
                ),
                Some(_) => {}
            }
        }
    }

    fn verdict(&self, abuse: Abuse, peer: &Peer) -> Verdict {
        abuse(self, peer)?;
        self.innocent(peer)
            .map_err(|what| format!("afterwards nobody is served: {what}"))
    }

    /// A well-behaved client is served.
    pub fn innocent(&self, peer: &Peer) -> Verdict {
        self.ask(&mut peer.connect(), b"hello")
    }

    fn ask(&self, connection: &mut Connection, value: &[u8]) -> Verdict {
        let key = random_key();
        connection.send((self.request)(&key, value));
        (self.reply)(connection, &key, value)
    }
}

/// Sends what it can: a server may hang up in the middle of an abuse.
fn push(connection: &mut Connection, bytes: &[u8]) {
    let _ = connection.stream.write_all(bytes);
}

fn connects_and_leaves(_: &Dialect, peer: &Peer) -> Verdict {
    drop(peer.connect());
    Ok(())
}

fn half_a_line(dialect: &Dialect, peer: &Peer) -> Verdict {
    let request = (dialect.request)(&random_key(), b"hello");
    push(&mut peer.connect(), &request[..5]);
    Ok(())
}

fn two_commands_in_one_packet(dialect: &Dialect, peer: &Peer) -> Verdict {
    let keys = [random_key(), random_key()];
    let mut connection = peer.connect();
    push(
        &mut connection,
        &keys
            .each_ref()
            .map(|key| (dialect.request)(key, b"hello"))
            .concat(),
    );
    keys.iter()
        .try_for_each(|key| (dialect.reply)(&mut connection, key, b"hello"))
}

fn one_byte_at_a_time(dialect: &Dialect, peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = peer.connect();
    for byte in (dialect.request)(&key, b"hello") {
        push(&mut connection, &[byte]);
        // Not waited for: a server that puts the bytes together needs no pause, one that does not shows it sooner.
        thread::sleep(Duration::from_micros(500));
    }
    (dialect.reply)(&mut connection, &key, b"hello")
}

/// The first reply must not wait for the second command's end.
fn a_command_and_a_half(dialect: &Dialect, peer: &Peer) -> Verdict {
    let keys = [random_key(), random_key()];
    let [first, second] = keys.each_ref().map(|key| (dialect.request)(key, b"hello"));
    let (half, rest) = second.split_at(second.len() / 2);
    let mut connection = peer.connect();
    push(&mut connection, &[&first, half].concat());
    (dialect.reply)(&mut connection, &keys[0], b"hello")?;
    push(&mut connection, rest);
    (dialect.reply)(&mut connection, &keys[1], b"hello")
}

fn a_binary_value(dialect: &Dialect, peer: &Peer) -> Verdict {
    let every_byte: Vec<u8> = (0..=255).collect();
    dialect.ask(&mut peer.connect(), &every_byte)
}

fn a_value_of_1_mib_and_1(dialect: &Dialect, peer: &Peer) -> Verdict {
    let request = (dialect.request)(&random_key(), &vec![b'x'; 1024 * 1024 + 1]);
    let mut connection = peer.connect();
    push(&mut connection, &request);
    let Some(expected) = dialect.too_large else {
        return Ok(());
    };
    check(
        &request,
        expected.as_bytes(),
        &connection.receive(expected.len()),
    )?;
    dialect.ask(&mut connection, b"and in step again")
}

fn vanishes_in_the_middle_of_a_block(dialect: &Dialect, peer: &Peer) -> Verdict {
    let value = [b'x'; 1000];
    let request = (dialect.request)(&random_key(), &value);
    let middle = request
        .windows(3)
        .position(|bytes| bytes == b"xxx")
        .unwrap_or(0)
        + 500;
    push(&mut peer.connect(), &request[..middle]);
    Ok(())
}

/// All stay open, and silent but for each hundredth: where its reply has come, those before it have been accepted.
/// Whoever comes when the system's queue is full (128 may wait) is only let in a second later.
fn five_hundred_connections(dialect: &Dialect, peer: &Peer) -> Verdict {
    // Tests run at the same time, and a process may open about 1,000 files.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut connections = Vec::new();
    for _ in 0..5 {
        for _ in 0..100 {
            connections.push(peer.try_connect()?);
        }
        let last = connections.last_mut().expect("a hundred connections");
        let _ = last.stream.set_read_timeout(Some(2 * PATIENCE));
        dialect.ask(last, b"hello")?;
    }
    Ok(())
}
