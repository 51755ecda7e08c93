//! Random conversations, held with our server and a real memcached at once and compared reply by reply.
//!
//! A small key space and a generator of its own, so that operations meet on the same items. Every operation is followed
//! by `mn`, whose `MN` tells the replies apart. Numbers that are each server's own are taken out before comparing: cas
//! uniques, and what is left of a time to live, within half a minute. A cas unique that is sent is the one that this very server gave last.
//! What our server answers otherwise on purpose is not sent: `deviates` in `random/operations.rs`.
//!
//! `SEED=42 cargo test --test random -- --ignored` repeats a run.

mod common;
#[path = "random/operations.rs"]
mod operations;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use common::{Server, show};
use operations::{KEYS, Operation, Random, classic, meta};

/// Operations that are sent before their replies are read: few enough for any socket buffer.
const BATCH: usize = 100;

/// How much of the past is shown with a difference.
const SHOWN: usize = 15;

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn a_hundred_thousand_classic_operations_are_answered_alike() {
    compare(Server::ours(&[]), 100_000, classic);
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn a_hundred_thousand_meta_and_classic_operations_are_answered_alike() {
    compare(Server::ours(&[]), 100_000, meta_or_classic);
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_comparison_is_sound_two_memcacheds_are_answered_alike() {
    compare(memcached(), 20_000, meta_or_classic);
}

/// Two of three are meta.
fn meta_or_classic(random: &mut Random) -> Operation {
    match random.below(3) {
        0 => classic(random),
        _ => meta(random),
    }
}

/// Without its background threads, whose hold on an item now and then moves the item.
fn memcached() -> Server {
    Server::memcached(&["-o", "no_lru_maintainer,no_lru_crawler"])
}

/// Asks both until they differ, and says how.
fn compare(ours: Server, count: usize, any: fn(&mut Random) -> Operation) {
    let seed = seed();
    let mut random = Random::from(seed);
    let (mut ours, mut theirs) = (Side::of(ours), Side::of(memcached()));
    let mut past: Vec<Exchange> = Vec::new();
    while past.len() < count {
        let operations: Vec<Operation> = (0..BATCH).map(|_| any(&mut random)).collect();
        let replies = ours
            .ask(&operations)
            .into_iter()
            .zip(theirs.ask(&operations));
        for (operation, ((sent, ours), (_, theirs))) in operations.into_iter().zip(replies) {
            past.push(Exchange {
                keys: operation.keys,
                sent,
                ours,
                theirs,
            });
            let last = &past[past.len() - 1];
            if comparable(&last.ours) != comparable(&last.theirs) {
                panic!("SEED={seed}, operation {}\n{}", past.len(), story(&past));
            }
        }
    }
    println!("SEED={seed}: {} operations", past.len());
}

fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    match std::env::var("SEED") {
        Ok(seed) => seed.parse().expect("SEED is a number"),
        Err(_) => now.expect("a clock after 1970").as_nanos() as u64,
    }
}

/// What was sent to ours, and what came back from both.
struct Exchange {
    keys: Vec<usize>,
    sent: Vec<u8>,
    ours: Vec<u8>,
    theirs: Vec<u8>,
}

/// The last exchanges about the keys of the very last one; those without keys concern all.
fn story(past: &[Exchange]) -> String {
    let Some(last) = past.last() else {
        return String::new();
    };
    let concerns = |exchange: &&Exchange| {
        exchange.keys.is_empty() || exchange.keys.iter().any(|key| last.keys.contains(key))
    };
    let mut shown: Vec<&Exchange> = past.iter().rev().filter(concerns).take(SHOWN).collect();
    shown.reverse();
    shown
        .into_iter()
        .map(|exchange| {
            format!(
                "     sent: {}\n     ours: {}\nmemcached: {}\n\n",
                show(&exchange.sent),
                show(&exchange.ours),
                show(&exchange.theirs)
            )
        })
        .collect()
}

/// One of the two servers, with the cas unique it gave last for every key.
struct Side {
    _server: Server,
    connection: BufReader<TcpStream>,
    cas: [u64; KEYS.len()],
}

impl Side {
    fn of(server: Server) -> Side {
        Side {
            connection: BufReader::new(server.connect().stream),
            _server: server,
            cas: [0; KEYS.len()],
        }
    }

    /// Sends the operations in one go, and returns what was sent and answered for each.
    fn ask(&mut self, operations: &[Operation]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let cas = self.cas;
        let sent: Vec<Vec<u8>> = operations
            .iter()
            .map(|operation| operation.bytes(&cas))
            .collect();
        let lines: Vec<u8> = sent
            .iter()
            .flat_map(|sent| [sent, &b"mn\r\n"[..]].concat())
            .collect();
        let _ = self.connection.get_mut().write_all(&lines);
        let ask = |(sent, operation): (Vec<u8>, &Operation)| {
            let reply = self.reply();
            if let (Some(&key), Some(cas)) = (operation.keys.first(), cas_in(&reply)) {
                self.cas[key] = cas;
            }
            (sent, reply)
        };
        sent.into_iter().zip(operations).map(ask).collect()
    }

    /// Everything up to the next `MN`, or what had come when the server fell silent.
    fn reply(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        loop {
            let start = reply.len();
            let read = self.connection.read_until(b'\n', &mut reply);
            match read {
                Ok(0) | Err(_) => return [reply, b"<silence>".to_vec()].concat(),
                Ok(_) if &reply[start..] == b"MN\r\n" => {
                    reply.truncate(start);
                    return reply;
                }
                Ok(_) => {}
            }
        }
    }
}

/// The reply without what is each server's own.
fn comparable(reply: &[u8]) -> Vec<String> {
    let reply = String::from_utf8_lossy(reply);
    reply
        .split("\r\n")
        .map(|line| without_own_numbers(line).unwrap_or_else(|| line.into()))
        .collect()
}

/// A line about an item, with its own numbers taken out; none if the line is something else.
fn without_own_numbers(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let words: Vec<String> = match words[..] {
        ["VALUE", key, flags, bytes, _] => {
            ["VALUE", key, flags, bytes, "CAS"].map(String::from).into()
        }
        ["HD" | "VA" | "EN" | "NS" | "EX" | "NF", ..] => {
            words.iter().map(|word| common_word(word)).collect()
        }
        _ => return None,
    };
    Some(words.join(" "))
}

fn common_word(word: &str) -> String {
    let number = word.get(1..).and_then(|digits| digits.parse::<u64>().ok());
    match (word.chars().next(), number) {
        (Some('c'), Some(1..)) => "cCAS".into(),
        (Some('l'), Some(_)) => "lSECONDS".into(),
        (Some('t'), Some(left)) => format!("t{} minutes", (left + 30) / 60),
        _ => word.into(),
    }
}

/// The cas unique that a reply about one item tells.
fn cas_in(reply: &[u8]) -> Option<u64> {
    let reply = String::from_utf8_lossy(reply);
    let words: Vec<&str> = reply.lines().next()?.split(' ').collect();
    match words[..] {
        ["VALUE", _, _, _, cas] => cas.parse().ok(),
        ["HD" | "VA", ..] => words
            .iter()
            .find_map(|word| word.strip_prefix('c')?.parse().ok()),
        _ => None,
    }
}
