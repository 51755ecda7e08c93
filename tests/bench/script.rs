//! What is asked: the rows of the table, and the bytes each row sends.
//!
//! Every packet, and the one right reply to it, is written before the clock starts. A key's value never changes, so a
//! reply is checked by comparing bytes, and the load costs little more than its two system calls for each packet.

use std::io::Write;

/// One row of the table.
pub struct Work {
    /// What `--rows` calls it.
    pub id: &'static str,
    pub title: &'static str,
    pub connections: usize,
    /// Commands in a packet, which count as operations each (a `get` of many keys is one). The next packet leaves when
    /// all of them are answered.
    pub commands: usize,
    /// Every so many-th command is a `set`, the others are `get`s; 0: no `set`.
    one_set_in: usize,
    /// Keys of one `get`.
    keys: usize,
    /// Bytes of a value.
    pub bytes: usize,
}

/// The columns: id, title, connections, commands, one set in, keys, bytes.
pub const ROWS: [Work; 8] = [
    row("1", "1 connection", 1, 1, 11, 1, 100),
    row("8", "8 connections", 8, 1, 11, 1, 100),
    row("50", "50 connections", 50, 1, 11, 1, 100),
    row("400", "400 connections", 400, 1, 11, 1, 100),
    row("8x32", "8, 32 in a packet, 1:10", 8, 32, 11, 1, 100),
    row("8x32-1:1", "8, 32 in a packet, 1:1", 8, 32, 2, 1, 100),
    row("32-keys", "8, gets of 32 keys", 8, 1, 0, 32, 100),
    row("10000", "8, 10,000-byte values", 8, 1, 11, 1, 10_000),
];

const fn row(
    id: &'static str,
    title: &'static str,
    connections: usize,
    commands: usize,
    one_set_in: usize,
    keys: usize,
    bytes: usize,
) -> Work {
    Work {
        id,
        title,
        connections,
        commands,
        one_set_in,
        keys,
        bytes,
    }
}

impl Work {
    /// A point of the picture: single commands, 100-byte values, 1:10.
    pub const fn of_connections(connections: usize) -> Work {
        row("", "", connections, 1, 11, 1, 100)
    }
}

/// Bytes sent together, and the bytes that must come back.
#[derive(Default)]
pub struct Packet {
    pub request: Vec<u8>,
    pub reply: Vec<u8>,
}

impl Packet {
    fn set(&mut self, key: usize, bytes: usize) {
        write!(self.request, "set {} 0 0 {bytes}\r\n", name(key, bytes)).expect("a Vec takes it");
        self.request.extend(value(key, bytes));
        self.reply.extend(b"STORED\r\n");
    }

    fn get(&mut self, keys: impl Iterator<Item = usize>, bytes: usize) {
        self.request.extend(b"get");
        for key in keys {
            let name = name(key, bytes);
            write!(self.request, " {name}").expect("a Vec takes it");
            write!(self.reply, "VALUE {name} 0 {bytes}\r\n").expect("a Vec takes it");
            self.reply.extend(value(key, bytes));
        }
        self.request.extend(b"\r\n");
        self.reply.extend(b"END\r\n");
    }
}

/// The key's name begins with the length of its value: the floor answers by that, and sizes do not meet.
fn name(key: usize, bytes: usize) -> String {
    format!("{bytes}-key-{key:08}")
}

/// A data block that belongs to this key alone, so that a reply with another key's value is caught.
pub fn value(key: usize, bytes: usize) -> impl Iterator<Item = u8> {
    let pattern = format!("{key:08} ").into_bytes();
    pattern.into_iter().cycle().take(bytes).chain(*b"\r\n")
}

/// Different keys asked for: little enough for every server to hold them all, so that everything is a hit.
pub fn key_space(bytes: usize) -> usize {
    if bytes > 1_000 { 1_000 } else { 10_000 }
}

/// Room for nearly every key, and still within a processor's caches.
const SCRIPT_BYTES: usize = 4 << 20;

/// The packets of a row. Connections walk through them in a circle, each from a place of its own.
pub fn packets(work: &Work, keys: usize) -> Vec<Packet> {
    // The step is a prime: it scatters the keys, and visits all of them.
    let mut key = (0..).map(|n: usize| n * 7_919 % keys);
    let mut is_set = (0..).map(|n: usize| n.checked_rem(work.one_set_in) == Some(0));
    let mut packets = Vec::new();
    let mut bytes = 0;
    while bytes < SCRIPT_BYTES {
        let mut packet = Packet::default();
        for set in is_set.by_ref().take(work.commands) {
            if set {
                key.by_ref()
                    .take(1)
                    .for_each(|key| packet.set(key, work.bytes));
            } else {
                packet.get(key.by_ref().take(work.keys), work.bytes);
            }
        }
        bytes += packet.request.len() + packet.reply.len();
        packets.push(packet);
    }
    packets
}

/// The packets that store every key once.
pub fn filling(bytes: usize, keys: usize) -> Vec<Packet> {
    let mut packets = Vec::new();
    for first in (0..keys).step_by(100) {
        let mut packet = Packet::default();
        (first..keys.min(first + 100)).for_each(|key| packet.set(key, bytes));
        packets.push(packet);
    }
    packets
}
