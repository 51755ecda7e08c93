//! The parser meets lines that no client would send, and must come out of them without a panic.
//!
//! Words of the protocol are put together at random, and a byte here and there is changed. `FUZZ_SECONDS` is how long,
//! 1 by default. tests/fuzz.rs does the same to a whole connection, from outside; here the parser alone is asked, some
//! hundred thousand times a second, with the few files below it that it knows.

#![allow(dead_code)] // of the files below it the parser needs little

#[path = "../src/change.rs"]
mod change;
#[path = "../src/clock.rs"]
mod clock;
#[path = "../src/command.rs"]
mod command;
#[path = "../src/item.rs"]
mod item;
#[path = "../src/memory.rs"]
mod memory;

use command::{Command, KEY_MAX, parse};
use std::env;
use std::time::{Duration, Instant};

const WORDS: &[&[u8]] = &[
    b"get",
    b"gets",
    b"gat",
    b"gats",
    b"set",
    b"add",
    b"cas",
    b"append",
    b"incr",
    b"decr",
    b"touch",
    b"delete",
    b"flush_all",
    b"verbosity",
    b"stats",
    b"version",
    b"quit",
    b"mg",
    b"ms",
    b"noreply",
    b"HTTP/1.1",
    b"key",
    b"0",
    b"1",
    b"-1",
    b"+1",
    b"2147483645",
    b"2147483648",
    b"4294967296",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999999999999999",
    b"",
    b"\t",
    b"\xff",
];

#[test]
fn no_line_makes_the_parser_panic() {
    let seconds = env::var("FUZZ_SECONDS").map_or(1, |seconds| seconds.parse().expect("seconds"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let mut lines = 0_u64;
    while Instant::now() < end {
        let words: Vec<&[u8]> = (0..random(9)).map(|_| WORDS[random(WORDS.len())]).collect();
        let mut line = words.join(&b' ');
        if !line.is_empty() && random(3) == 0 {
            let place = random(line.len());
            line[place] = random(256) as u8;
        }
        if random(50) == 0 {
            line.extend(vec![b'k'; random(600)]);
        }
        if let Ok(Command::Store(storage)) = parse(&line).command {
            assert!(storage.key.len() <= KEY_MAX && storage.bytes < 1 << 31);
        }
        lines += 1;
    }
    println!("{lines} lines");
    assert!(lines > 0);
}
