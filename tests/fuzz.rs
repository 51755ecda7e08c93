//! Fuzz of a whole connection: conversations from a seed, mutated, cut and mixed with garbage, thrown at one server.
//!
//! No coverage guides it and no crate is needed: a xorshift picks. Whatever is thrown, the server lives, an innocent client
//! is served, no thread panics and the memory stays bounded. `FUZZ_SECONDS` is its length, 3 by default; `FUZZ_SEED`
//! repeats a run, whose seed is printed when it fails. A run of ten minutes:
//! `FUZZ_SECONDS=600 cargo test --test fuzz -- --nocapture`.

mod common;

use common::process::*;
use common::random::Random;
use std::env;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant, SystemTime};

/// What a client may say; the mutations start from these.
const COMMANDS: &[&[u8]] = &[
    b"set k 1 0 5\r\nhello\r\n",
    b"set k 0 -1 0 noreply\r\n\r\n",
    b"set big 0 0 70000\r\n",
    b"add k 4294967295 100 2\r\n42\r\n",
    b"replace n 0 2592001 1\r\n7\r\n",
    b"append k 0 0 3\r\nabc\r\n",
    b"prepend k 0 0 3\r\nabc\r\n",
    b"cas k 0 0 1 18446744073709551615\r\nx\r\n",
    b"get k\r\n",
    b"gets k n k big absent\r\n",
    b"gat 0 k n\r\n",
    b"gats -1 k\r\n",
    b"touch k 1\r\n",
    b"incr n 18446744073709551615\r\n",
    b"decr n 1\r\n",
    b"delete k\r\n",
    b"delete k noreply\r\n",
    b"flush_all\r\n",
    b"flush_all noreply\r\n",
    b"stats\r\n",
    b"stats settings\r\n",
    b"stats items\r\n",
    b"stats reset\r\n",
    b"verbosity 1\r\n",
    b"version\r\n",
    b"mg k s v t f c k O123 q\r\n",
    b"mg a2V5 b v E5 N30 R30 T60 h l\r\n",
    b"ms k 5 T0 F1 I c\r\nhello\r\n",
    b"ms k S5 MA\r\nhello\r\n",
    b"ms k 2 q b C1\r\nhi\r\n",
    b"md k q I T30 x\r\n",
    b"ma n N0 J13 D18446744073709551615 MD v t\r\n",
    b"me k\r\n",
    b"mn\r\n",
    b"GET / HTTP/1.1\r\n",
    b"\x80\x01\x00\x03\x08\x00\x00\x00\x00\x00\x00\x10",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"quit\r\n",
];

/// Words and bytes at which parsers stumble.
const STUMBLING_BLOCKS: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\t",
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\r\n",
    b"\xff\xfe",
    b"\xc3",
    b"-",
    b"+1",
    b"-0",
    b"00",
    b"1e9",
    b"2147483647",
    b"2147483648",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615",
    b"18446744073709551616",
    b"340282366920938463463374607431768211456",
    b"-9223372036854775808",
    b"noreply",
    b"get ",
    b"=",
];

/// One change to a conversation, at a random place.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(bytes.len() + 1);
    let length = random.below(1 + (bytes.len() - place).min(16));
    let insert: Vec<u8> = match random.below(8) {
        0 | 1 => random.pick(STUMBLING_BLOCKS).to_vec(),
        2 => (0..random.below(20)).map(|_| random.next() as u8).collect(),
        3 => random.pick(COMMANDS).to_vec(),
        4 => vec![random.pick(&[b"a".as_slice(), b" ", b"9"])[0]; random.below(5000)],
        5 => bytes[place..place + length].repeat(random.below(4)),
        _ => Vec::new(), // only cuts something out
    };
    bytes.splice(place..place + length, insert);
}

/// A few commands, most of them whole, some not.
fn conversation(random: &mut Random) -> Vec<u8> {
    let count = 1 + random.below(12);
    let mut bytes: Vec<u8> = (0..count)
        .flat_map(|_| random.pick(COMMANDS))
        .copied()
        .collect();
    for _ in 0..random.below(6) {
        mutate(&mut bytes, random);
    }
    bytes
}

/// Sends it in pieces of random sizes and leaves in a random way. The server may hang up at any moment.
fn throw(watched: &Watched, bytes: &[u8], random: &mut Random) {
    let mut stream = TcpStream::connect(watched.server.address).expect("connect");
    let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(1)));
    let _ = stream.set_nodelay(true);
    let mut rest = bytes;
    while !rest.is_empty() {
        let size = 1 + random.below(rest.len().min(300));
        if stream.write_all(&rest[..size]).is_err() {
            return;
        }
        rest = &rest[size..];
    }
    match random.below(4) {
        0 => {} // leaves at once, whatever has not been read resets the connection
        1 => drop(stream.read(&mut [0; 100])),
        _ => {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    let value = env::var(variable).ok();
    value.map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn a_fuzzed_server_serves_the_innocent_and_never_panics() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = number("FUZZ_SEED", now.expect("a date after 1970").as_secs());
    let end = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 3));
    let mut random = Random::seeded(seed);
    let mut watched = watched(&["-m", "64"]);
    let (mut thrown, mut recent) = (0, Vec::new());
    while Instant::now() < end {
        let bytes = conversation(&mut random);
        throw(&watched, &bytes, &mut random);
        recent.push(bytes);
        thrown += 1;
        if thrown % 50 == 0 {
            judge(&mut watched, seed, &recent);
            recent.clear();
        }
    }
    eprintln!(
        "{thrown} conversations from seed {seed}, peak {} KiB",
        peak_resident(watched.pid()) / 1024
    );
    assert!(thrown >= 50, "only {thrown} conversations");
}

/// Fails with the seed and the last conversations when the server is not well.
fn judge(watched: &mut Watched, seed: u64, recent: &[Vec<u8>]) {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        watched.assert_serves();
        watched.assert_bounded(64, 64);
    }));
    if let Err(failure) = verdict {
        eprintln!("FUZZ_SEED={seed}; one of these did it:");
        for bytes in recent {
            eprintln!("{}", bytes.escape_ascii());
        }
        resume_unwind(failure);
    }
}
