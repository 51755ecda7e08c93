//! "Check my server": what the server of a chapter must do, asked over a real connection.
//!
//! By default each chapter's own program is asked; `ADDR=localhost:11211 cargo test --test chapters ch04` asks
//! whatever listens there. Keys are random, so a store that is in use does no harm; a failure prints what was
//! sent, expected and got. What clients do to servers, on purpose or not, is the table in `chapters/abuse.rs`.

mod common;

#[path = "chapters/abuse.rs"]
mod abuse;
#[path = "chapters/checkpoints.rs"]
mod checkpoints;
#[path = "chapters/later.rs"]
mod later;
#[path = "chapters/peer.rs"]
mod peer;
#[path = "chapters/readers.rs"]
mod readers;

use abuse::Dialect;
use checkpoints::Check;
use common::{Connection, Server};
use peer::{Peer, Verdict, check, random_key};
use readers::Readers;
use std::thread::{self, ScopedJoinHandle};

/// Chapter 1 reads once, so it knows no messages: what one read brings is one.
const CH01: Dialect = Dialect {
    chapter: "01",
    request: line,
    reply: |connection, key, value| {
        let expected = [key.as_bytes(), b" ", value].concat().to_ascii_uppercase();
        check(line(key, value), &expected, &shouted(connection))
    },
    too_large: None,
    breaks: &[
        (
            "two commands in one packet",
            "one read takes both for one message",
        ),
        (
            "one byte at a time",
            "the first byte is taken for the whole message",
        ),
        (
            "a command and a half",
            "one read takes all of it for one message",
        ),
    ],
};

/// Chapter 2 says what it understood, in its own words: of a `set` and of a `get` a line names the key.
const CH02: Dialect = Dialect {
    chapter: "02",
    request: set_and_get,
    reply: |connection, key, value| {
        let mut got = Vec::new();
        let mut named = 0;
        while named < 2 {
            let line = connection.receive_line();
            got.extend_from_slice(&line);
            if line.is_empty() {
                return check(
                    set_and_get(key, value),
                    b"two lines that name the key",
                    &got,
                );
            }
            named += usize::from(String::from_utf8_lossy(&line).contains(key));
        }
        Ok(())
    },
    too_large: None,
    breaks: &[],
};

/// Chapter 4 is a memcached: what is set can be got.
const CH04: Dialect = Dialect {
    chapter: "04",
    request: set_and_get,
    reply: |connection, key, value| {
        let expected = [b"STORED\r\n".to_vec(), hit(key, value), b"END\r\n".to_vec()].concat();
        check(
            set_and_get(key, value),
            &expected,
            &connection.receive(expected.len()),
        )
    },
    too_large: Some("SERVER_ERROR object too large for cache\r\nEND\r\n"),
    breaks: &[],
};

/// All that comes, without the line end that the article's program does not send and chapter 1's does.
fn shouted(connection: &mut Connection) -> Vec<u8> {
    let mut got = connection.receive(1 << 20);
    got.pop_if(|last| *last == b'\n');
    got
}

fn line(key: &str, value: &[u8]) -> Vec<u8> {
    [key.as_bytes(), b" ", value, b"\n"].concat()
}

fn set_and_get(key: &str, value: &[u8]) -> Vec<u8> {
    [set(key, "", value), format!("get {key}\r\n").into()].concat()
}

fn set(key: &str, noreply: &str, value: &[u8]) -> Vec<u8> {
    let line = format!("set {key} 5 0 {}{noreply}\r\n", value.len());
    [line.as_bytes(), value, b"\r\n"].concat()
}

fn hit(key: &str, value: &[u8]) -> Vec<u8> {
    let line = format!("VALUE {key} 5 {}\r\n", value.len());
    [line.as_bytes(), value, b"\r\n"].concat()
}

#[track_caller]
fn passes(verdict: Verdict) {
    if let Err(what) = verdict {
        panic!("{what}");
    }
}

macro_rules! tests {
    ($($name:ident $judges:ident)*) => {$(
        #[test]
        fn $name() {
            judge(stringify!($name));
        }
    )*};
}
checkpoints::named_checks!(tests);

/// Runs a check of the chapter that its name begins with.
fn judge(name: &str) {
    let named = checkpoints::NAMED.iter().find(|(known, _)| *known == name);
    passes(match named.expect("a check of this name").1 {
        Check::Server(check) => check(&Peer::with(&name[2..4], checkpoints::options(name))),
        Check::Tests(check) => check(&Readers::of_chapter_3()),
    });
}

#[test]
fn ch01_answers_in_capitals_and_closes() {
    let peer = Peer::of("01");
    for (sent, expected) in [
        ("hello", "HELLO"),
        (" \t hello you \r\n", "HELLO YOU"),
        ("set k 0 0 1\r\n1\r\n", "SET K 0 0 1\r\n1"),
        ("\r\n", ""),
    ] {
        let mut connection = peer.connect();
        connection.send(sent);
        passes(check(sent, expected.as_bytes(), &shouted(&mut connection)));
        passes(check(
            "nothing more",
            b"",
            &connection.receive_until_closed(),
        ));
    }
}

#[test]
fn ch01_reads_at_most_1024_bytes() {
    let peer = Peer::of("01");
    let mut connection = peer.connect();
    connection.send([b'a'; 1100]);
    passes(check(
        "1100 times a",
        &[b'A'; 1024],
        &shouted(&mut connection),
    ));
}

#[test]
fn ch01_survives_what_it_claims_to_survive() {
    CH01.survives(&Peer::of("01"));
}

#[test]
fn ch02_finds_every_command() {
    CH02.survives(&Peer::of("02"));
}

/// What is sent and what must come back; A and B become random keys.
const CONVERSATION: &[(&str, &str)] = &[
    ("get A\r\n", "END\r\n"),
    ("set A 5 0 5\r\nhello\r\n", "STORED\r\n"),
    ("get A\r\n", "VALUE A 5 5\r\nhello\r\nEND\r\n"),
    ("set A 4294967295 0 2\r\n\r\n\r\n", "STORED\r\n"),
    ("get A\r\n", "VALUE A 4294967295 2\r\n\r\n\r\nEND\r\n"),
    ("set B 0 0 0\r\n\r\n", "STORED\r\n"),
    (
        "get B none A\r\n",
        "VALUE B 0 0\r\n\r\nVALUE A 4294967295 2\r\n\r\n\r\nEND\r\n",
    ),
    (
        "set A 1 0 3 noreply\r\none\r\nget A\r\n",
        "VALUE A 1 3\r\none\r\nEND\r\n",
    ),
    (
        "set A 1 0 3\r\nget\r\nset B 2 0 3\r\nset\r\nget A B\r\n",
        "STORED\r\nSTORED\r\nVALUE A 1 3\r\nget\r\nVALUE B 2 3\r\nset\r\nEND\r\n",
    ),
    ("nonsense\r\n", "ERROR\r\n"),
    (
        "nonsense A B\r\nget A\r\n",
        "ERROR\r\nVALUE A 1 3\r\nget\r\nEND\r\n",
    ),
    ("GET A\r\n", "ERROR\r\n"),
    ("\r\n", "ERROR\r\n"),
    ("get\r\n", "ERROR\r\n"),
];

fn ch04_conversation(peer: &Peer) {
    passes(holds(peer, CONVERSATION));
}

/// Holds a conversation, with keys of its own.
fn holds(peer: &Peer, conversation: &[(&str, &str)]) -> Verdict {
    let (a, b) = (random_key(), random_key());
    let named = |text: &str| -> String {
        let words = text
            .split_inclusive([' ', '\t', '\n'])
            .map(|word| match word.trim_end() {
                "A" => word.replace('A', &a),
                "B" => word.replace('B', &b),
                _ => word.to_string(),
            });
        words.collect()
    };
    let mut connection = peer.connect();
    conversation.iter().try_for_each(|(sent, expected)| {
        exchange(
            &mut connection,
            named(sent).as_bytes(),
            named(expected).as_bytes(),
        )
    })
}

fn ch04_closes_at_quit(peer: &Peer) {
    let mut connection = peer.connect();
    connection.send("nonsense\r\nquit\r\nnonsense\r\n");
    let got = connection.receive_until_closed();
    passes(check("nonsense, quit, nonsense", b"ERROR\r\n", &got));
}

/// Each writes and reads its own key, and reads what all write, while one has been served and stays.
fn ch04_serves_many_clients_at_once(peer: &Peer) {
    let (shared, value) = (random_key(), [b'v'; 5000]);
    let mut stays = peer.connect();
    stays.expect(set(&shared, "", &value), "STORED\r\n");
    let client = || {
        let (mut connection, own) = (peer.connect(), random_key());
        let values = [hit(&own, own.as_bytes()), hit(&shared, &value)].concat();
        for _ in 0..20 {
            exchange(&mut connection, &set(&shared, "", &value), b"STORED\r\n")?;
            let quiet = set(&own, " noreply", own.as_bytes());
            let get = format!("get {own} {shared}\r\n");
            let sent = [&quiet, get.as_bytes()].concat();
            exchange(&mut connection, &sent, &[&values[..], b"END\r\n"].concat())?;
        }
        Ok(())
    };
    let verdicts = thread::scope(|scope| {
        let clients: Vec<_> = (0..20).map(|_| scope.spawn(client)).collect();
        let join = |client: ScopedJoinHandle<Verdict>| client.join().expect("no panic");
        clients.into_iter().try_for_each(join)
    });
    passes(verdicts);
}

fn exchange(connection: &mut Connection, sent: &[u8], expected: &[u8]) -> Verdict {
    connection.send(sent);
    check(sent, expected, &connection.receive(expected.len()))
}

#[test]
fn ch04_holds_the_conversation() {
    ch04_conversation(&Peer::of("04"));
}

#[test]
fn ch04_hangs_up_at_quit() {
    ch04_closes_at_quit(&Peer::of("04"));
}

#[test]
fn ch04_serves_many_clients() {
    ch04_serves_many_clients_at_once(&Peer::of("04"));
}

#[test]
fn ch04_survives_everything() {
    CH04.survives(&Peer::of("04"));
}

/// The judge is judged: what chapter 4 must do, the original does.
#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_passes_what_ch04_must_pass() {
    let server = Server::memcached(&[]);
    let peer = Peer::at(server.address.to_string());
    ch04_conversation(&peer);
    ch04_closes_at_quit(&peer);
    ch04_serves_many_clients_at_once(&peer);
    CH04.survives(&peer);
}

/// The test of chapter 3, chapter 4's conversation, and three servers: the original, the article's way, and ours.
#[test]
#[ignore = "needs memcached and Python 3.10: apt-get install memcached python3"]
fn one_test_is_green_for_memcached_for_python_and_for_ours() {
    let script = common::project().join("tutorial/04-under-fifty-lines/server.py");
    let script = script.to_str().expect("a path in UTF-8");
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let python = Server::program(python, &[script, "127.0.0.1:0"]);
    let ours = Peer::own("04").own.expect("a program of ours");
    for (name, server) in [
        ("memcached", Server::memcached(&[])),
        ("Python", python),
        ("ours", ours),
    ] {
        let said = Readers::of_chapter_3().judge_at(server.address);
        let passed = said.as_ref().is_ok_and(|(passed, _)| *passed);
        assert!(passed, "{name}: {said:?}");
        ch04_conversation(&Peer::at(server.address.to_string()));
    }
}

/// A server of an earlier chapter does not pass a later one's tests.
#[test]
fn the_judge_tells_a_shouter_from_a_memcached() {
    let peer = Peer::own("01");
    assert!(CH04.innocent(&peer).is_err());
    assert!(CH02.innocent(&peer).is_err());
    assert!(CH01.innocent(&peer).is_ok());
}

trait ReceiveLine {
    fn receive_line(&mut self) -> Vec<u8>;
}

impl ReceiveLine for Connection {
    /// A line with its end, or what had come of it.
    fn receive_line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            match self.receive(1)[..] {
                [byte] => line.push(byte),
                _ => break,
            }
        }
        line
    }
}
