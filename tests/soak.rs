//! Soak: hostile and ordinary clients at once, for as long as `SOAK_SECONDS` says (30 by default).
//!
//! The ordinary ones own their keys, so they know what every read must return: the value written last, or a miss when it
//! was evicted. Prints the operations done, the largest resident memory and the slowest ordinary reply. Ten minutes:
//! `SOAK_SECONDS=600 cargo test --test soak -- --ignored --nocapture`.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::random::Random;
use common::{Connection, show};
use std::env;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const ORDINARY: usize = 4;
const HOSTILE: usize = 3;

/// Keys of one ordinary client; with four clients and values up to 100 KB they do not all fit.
const KEYS: usize = 3000;

/// The most connections one hostile client holds at a time.
const HELD: usize = 50;

/// A value that tells whose it is: its key, its version, and filling up to `length`.
fn value(key: &str, version: u32, length: usize) -> Vec<u8> {
    let mut value = format!("{key}/{version}/").into_bytes();
    value.resize(value.len().max(length), b'.');
    value
}

/// An ordinary client and what it knows of its keys: version and length of the value written last.
struct Ordinary {
    name: usize,
    client: Connection,
    random: Random,
    written: Vec<Option<(u32, usize)>>,
    operations: u64,
    slowest: Duration,
}

impl Ordinary {
    fn new(name: usize, address: SocketAddr) -> Ordinary {
        Ordinary {
            name,
            client: Connection::to(address),
            random: Random::seeded(name as u64 + 1),
            written: vec![None; KEYS],
            operations: 0,
            slowest: Duration::ZERO,
        }
    }

    fn run(mut self, end: Instant) -> Ordinary {
        while Instant::now() < end {
            let number = self.random.below(KEYS);
            let key = format!("soak{}.{number}", self.name);
            let start = Instant::now();
            match self.random.below(10) {
                0 => self.delete(&key, number),
                1..4 => self.set(&key, number),
                _ => self.get(&key, number),
            }
            self.slowest = self.slowest.max(start.elapsed());
            self.operations += 1;
        }
        self
    }

    /// Under pressure a value may find no room; then the old one is gone too.
    fn set(&mut self, key: &str, number: usize) {
        let version = self.written[number].map_or(0, |(version, _)| version) + 1;
        let length = (20.0 * 5000_f64.powf(self.random.fraction())) as usize;
        let value = value(key, version, length);
        self.client
            .send(format!("set {key} 0 0 {}\r\n", value.len()));
        self.client.send([&value, b"\r\n".as_slice()].concat());
        let reply = receive_until(&mut self.client, b"\r\n");
        assert!(
            reply == b"STORED\r\n" || reply.starts_with(b"SERVER_ERROR out of memory"),
            "{}",
            show(&reply)
        );
        self.written[number] = (reply == b"STORED\r\n").then_some((version, length));
    }

    fn delete(&mut self, key: &str, number: usize) {
        self.client.send(format!("delete {key}\r\n"));
        let reply = receive_until(&mut self.client, b"\r\n");
        let expected: &[&[u8]] = &[b"DELETED\r\n", b"NOT_FOUND\r\n"];
        assert!(expected.contains(&&reply[..]), "{}", show(&reply));
        self.written[number] = None;
    }

    fn get(&mut self, key: &str, number: usize) {
        self.client.send(format!("get {key}\r\n"));
        let reply = receive_until(&mut self.client, b"END\r\n");
        if reply == b"END\r\n" {
            return; // never written, deleted, or evicted
        }
        let (version, length) = self.written[number].expect("a value that was never acknowledged");
        let value = value(key, version, length);
        let header = format!("VALUE {key} 0 {}\r\n", value.len());
        let expected = [header.as_bytes(), &value, b"\r\nEND\r\n"].concat();
        assert!(
            reply == expected,
            "got {}, written {}",
            show(&reply),
            show(&expected)
        );
    }
}

/// One offence; what is returned stays open for a while. No answer is expected, and hanging up is fine.
fn offend(address: SocketAddr, random: &mut Random) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let bytes = match random.below(9) {
        0 => Vec::new(),
        1 => b"get soak0.1".to_vec(),
        2 => b"set never.sent 0 0 1000000\r\n".to_vec(),
        3 => [b"set short 0 0 500000\r\n".as_slice(), &vec![b'x'; 499_999]].concat(),
        4 => vec![b'a'; 5000],
        5 => b"get soak0.1 soak0.2 soak0.3 soak0.4 soak0.5\r\n".repeat(500),
        6 => b"get "
            .iter()
            .chain(&b"key ".repeat(50_000))
            .copied()
            .collect(),
        7 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        // No letters, so that no garbage can happen to be a `flush_all`.
        _ => (0..2000).map(|_| random.next() as u8 | 0x80).collect(),
    };
    let _ = stream.write_all(&bytes);
    if random.below(4) == 0 {
        let _ = stream.read(&mut [0; 1000]);
    }
    (random.below(2) == 0).then_some(stream)
}

fn hostile(address: SocketAddr, seed: u64, end: Instant) -> u64 {
    let mut random = Random::seeded(seed);
    let (mut held, mut offences) = (Vec::new(), 0);
    while Instant::now() < end {
        held.extend(offend(address, &mut random));
        offences += 1;
        if held.len() >= HELD {
            held.drain(..HELD / 2);
        }
    }
    offences
}

fn soak(watched: &mut Watched, length: Duration) {
    let address = watched.server.address;
    let end = Instant::now() + length;
    let (ordinary, offences) = thread::scope(|scope| {
        let ordinary =
            (0..ORDINARY).map(|name| scope.spawn(move || Ordinary::new(name, address).run(end)));
        let ordinary: Vec<_> = ordinary.collect();
        let hostile =
            (0..HOSTILE).map(|name| scope.spawn(move || hostile(address, 100 + name as u64, end)));
        let hostile: Vec<_> = hostile.collect();
        let ordinary = ordinary
            .into_iter()
            .map(|thread| thread.join().expect("an ordinary client"));
        let ordinary: Vec<_> = ordinary.collect();
        let offences: u64 = hostile
            .into_iter()
            .map(|thread| thread.join().expect("a hostile client"))
            .sum();
        (ordinary, offences)
    });
    let operations: u64 = ordinary.iter().map(|client| client.operations).sum();
    let slowest = ordinary.iter().map(|client| client.slowest).max();
    let peak = peak_resident(watched.pid()) / 1024;
    println!("{operations} operations and {offences} offences in {length:?}");
    println!("largest resident memory {peak} KiB, slowest ordinary reply {slowest:?}");
    assert!(operations > 0 && offences > 0);
    watched.assert_serves();
    watched.assert_bounded(64, ORDINARY + HOSTILE * HELD);
}

#[test]
#[ignore = "long: SOAK_SECONDS, 30 by default"]
fn ordinary_clients_among_hostile_ones_read_what_they_wrote() {
    let seconds =
        env::var("SOAK_SECONDS").map_or(30, |value| value.parse().expect("a number of seconds"));
    soak(&mut watched(&["-m", "64"]), Duration::from_secs(seconds));
}

/// The same for two seconds, so that it cannot rot.
#[test]
fn two_seconds_of_the_soak() {
    soak(&mut watched(&["-m", "64"]), Duration::from_secs(2));
}
