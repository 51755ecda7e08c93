//! A storage line may be wrong in many ways. As long as its length can be read, the data block that follows is swallowed:
//! a block that is taken for a command is somebody's data carried out by the server.
//!
//! memcached 1.6.18 reads such a block as a command; 1.6.45 can be asked, where `AGAINST=memcached` finds it in the `PATH`.
#![cfg(target_os = "linux")]

mod common;

use common::process::{Watched, receive_until, watched};
use common::{Connection, show};

/// A data block that would do harm as a command.
const HARMFUL: &str = "flush_all";

/// What such a line is answered with, by one release of memcached or another. Newer ones ignore words that are too many,
/// and carry out the rest.
const ANSWERS: [&str; 7] = [
    r"ERROR\r\n",
    r"CLIENT_ERROR bad command line format\r\n",
    r"SERVER_ERROR object too large for cache\r\n",
    r"STORED\r\n",
    r"NOT_STORED\r\n",
    r"NOT_FOUND\r\n",
    r"EXISTS\r\n",
];

/// Words behind the name of the command and the key, `N` for the length of the block.
const TOO_MANY: [&str; 5] = [
    "0 0 N x y",
    "0 0 N x y z",
    "0 0 N 1 2 3 4 5 6 7 8 9",
    "x 0 N 1 2 3",
    "0 x N 1 2 3",
];

const TOO_FEW_FOR_CAS: [&str; 3] = ["0 0 N", "0 0 N ", "x x N"];

/// Lines of every storage command with its own fault.
fn lines(length: usize) -> Vec<String> {
    let classic = ["set", "add", "replace", "append", "prepend"];
    let mut lines = Vec::new();
    for words in TOO_MANY {
        lines.extend(classic.map(|name| format!("{name} k {words}")));
        lines.push(format!("cas k {words} 1"));
    }
    lines.extend(TOO_FEW_FOR_CAS.map(|words| format!("cas k {words}")));
    lines.push(format!("set {} 0 0 N x y z", "k".repeat(251)));
    lines
        .iter()
        .map(|line| line.replace('N', &length.to_string()))
        .collect()
}

/// A server with one item that is to stay, whatever is sent.
fn with_an_item() -> (Watched, Connection) {
    let watched = watched(&[]);
    let mut client = watched.server.connect();
    client.expect("set stays 0 0 1\r\nx\r\n", "STORED\r\n");
    (watched, client)
}

/// The item is there, and the answer to the question for it is the next thing to come.
#[track_caller]
fn assert_in_step(client: &mut Connection, line: &str) {
    client.send("get stays\r\n");
    let expected = b"VALUE stays 0 1\r\nx\r\nEND\r\n";
    let got = client.receive(expected.len());
    assert!(
        got == expected,
        "after {}: {}",
        show(line.as_bytes()),
        show(&got)
    );
}

/// Sends a line and its block, and expects one answer.
#[track_caller]
fn expect_one_answer(client: &mut Connection, line: &str, block: &[u8]) {
    client.send(format!("{line}\r\n"));
    client.send(block);
    client.send("\r\n");
    let answer = receive_until(client, b"\r\n");
    let answer = show(&answer);
    assert!(ANSWERS.contains(&answer.as_str()), "{line}: {answer}");
    assert_in_step(client, line);
}

#[test]
fn a_line_of_too_many_or_too_few_words_swallows_its_block() {
    let (_server, mut client) = with_an_item();
    for line in lines(HARMFUL.len()) {
        expect_one_answer(&mut client, &line, HARMFUL.as_bytes());
    }
}

/// However long it is; what is too large to be stored is swallowed like the rest.
#[test]
fn it_swallows_a_long_block_too() {
    let (_server, mut client) = with_an_item();
    for length in [100_000, 3_000_000] {
        for line in lines(length).iter().step_by(6) {
            expect_one_answer(&mut client, line, &b"\r\n".repeat(length / 2));
        }
    }
}

/// Without a word that is a length there is nothing to swallow by: what follows is the next command.
#[test]
fn a_line_without_a_length_swallows_nothing() {
    let (_server, mut client) = with_an_item();
    for line in [
        "set k 0 0",
        "set k 0 0 x",
        "set k 0 0 x y z 1",
        "cas k 0 0 -1",
        "cas k 0 0",
        "add k",
    ] {
        client.send(format!("{line}\r\n"));
        let answer = receive_until(&mut client, b"\r\n");
        let answer = show(&answer);
        assert!(ANSWERS[..2].contains(&answer.as_str()), "{line}: {answer}");
        assert_in_step(&mut client, line);
    }
}
