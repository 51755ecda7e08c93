//! What time it is for a command: the time at which it is carried out, however long the client let the server wait
//! before it, and no call that a signal interrupts ends anything early.
//!
//! States of threads are read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::{Connection, show};

/// A value of which the buffers between a server and a client who does not read hold only a few.
const BIG: usize = 1_000_000;

/// How often it is asked for, to make the server wait: memcached carries out 20 commands before it writes their replies.
const OFTEN: usize = 30;

/// How long the server has to wait, in seconds of its own clock.
const WAIT: u64 = 3;

fn store_big(client: &mut Connection) {
    client.send(format!("set big 0 0 {BIG}\r\n"));
    client.send(vec![b'x'; BIG]);
    client.expect("\r\n", "STORED\r\n");
}

/// Reads the replies to [`OFTEN`] `get big`.
fn read_big(client: &mut Connection) {
    let reply = format!("VALUE big 0 {BIG}\r\n{}\r\nEND\r\n", "x".repeat(BIG));
    for _ in 0..OFTEN {
        let got = client.receive(reply.len());
        assert!(got == reply.as_bytes(), "{}", show(&got));
    }
}

/// Sends commands behind many large `get`s, in one go, and reads nothing for [`WAIT`] seconds: so they are carried out
/// that much later than they were read. Then the replies to the commands must be these. Returns the server's time after
/// the wait, before any of the commands.
#[track_caller]
fn expect_later(watched: &Watched, commands: &str, replies: &str) -> u64 {
    let mut client = watched.server.connect();
    store_big(&mut client);
    client.send("get big\r\n".repeat(OFTEN) + commands);
    await_asleep(watched);
    await_seconds(&mut watched.server.connect(), WAIT);
    let time = watched.stat("time");
    read_big(&mut client);
    let got = client.receive(replies.len());
    assert!(got == replies.as_bytes(), "{}", show(&got));
    time
}

/// What is left to live of a key, in seconds.
#[track_caller]
fn left_to_live(client: &mut Connection, key: &str) -> u64 {
    client.send(format!("mg {key} t\r\n"));
    let reply = receive_until(client, b"\r\n");
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let number = reply
        .strip_prefix("HD t")
        .and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{key}: {reply}"))
}

/// Every command that gives an item a time to live.
#[test]
fn a_time_to_live_begins_when_its_command_is_carried_out() {
    let watched = watched(&[]);
    let mut client = watched.server.connect();
    client.expect(
        "set touched 0 0 1\r\nx\r\nset gat 0 0 1\r\nx\r\n",
        "STORED\r\nSTORED\r\n",
    );
    client.expect(
        "set mg 0 0 1\r\nx\r\nset ma 0 0 1\r\n1\r\n",
        "STORED\r\nSTORED\r\n",
    );
    let earliest = expect_later(
        &watched,
        "set set 0 100 1\r\nx\r\nadd add 0 100 1\r\nx\r\nms ms 1 T100\r\nx\r\nms replaced 1\r\nx\r\n\
         replace replaced 0 100 1\r\nx\r\ntouch touched 100\r\ngat 100 gat\r\nmg mg T100\r\nmg made N100\r\n\
         ma ma T100\r\nma counted N100\r\nms stale 1\r\nx\r\nmd stale I T100\r\n",
        "STORED\r\nSTORED\r\nHD\r\nHD\r\nSTORED\r\nTOUCHED\r\nVALUE gat 0 1\r\nx\r\nEND\r\nHD\r\nHD W\r\nHD\r\nHD\r\nHD\r\nHD\r\n",
    );
    let keys = "set add ms replaced touched gat mg made ma counted";
    for key in keys.split(' ') {
        let ends = left_to_live(&mut client, key) + stat(&mut client, "time");
        assert!(
            ends + 1 >= earliest + 100,
            "{key} ends {} s early",
            earliest + 100 - ends
        );
    }
}

/// Every command that looks for an item, after its time to live has passed.
#[test]
fn an_item_that_expires_while_the_server_waits_is_gone() {
    let watched = watched(&[]);
    let mut client = watched.server.connect();
    client.expect("set short 0 2 1\r\n1\r\n", "STORED\r\n");
    expect_later(
        &watched,
        "get short\r\ngets short\r\ngat 0 short\r\ntouch short 0\r\nincr short 1\r\nappend short 0 0 1\r\nx\r\n\
         replace short 0 0 1\r\nx\r\ncas short 0 0 1 1\r\nx\r\nmg short\r\nma short\r\nmd short\r\n\
         ms short 1 MR\r\nx\r\ndelete short\r\nadd short 0 0 1\r\nx\r\n",
        "END\r\nEND\r\nEND\r\nNOT_FOUND\r\nNOT_FOUND\r\nNOT_STORED\r\nNOT_STORED\r\nNOT_FOUND\r\nEN\r\nNF\r\nNF\r\n\
         NS\r\nNOT_FOUND\r\nSTORED\r\n",
    );
}

/// Stops the server as a debugger or a virtual machine does, and lets it go on: blocking calls are interrupted by that.
fn interrupt(watched: &Watched) {
    await_asleep(watched);
    signal(watched.pid(), "STOP");
    await_asleep(watched);
    signal(watched.pid(), "CONT");
}

/// Waiting for a command, in the middle of a line, of a data block, and of a reply.
#[test]
fn an_interrupted_call_goes_on() {
    for options in [&[][..], &["-o", "idle_timeout=60"]] {
        let mut watched = watched(options);
        let mut slow = watched.server.connect();
        store_big(&mut slow);
        slow.send("get big\r\n".repeat(OFTEN));
        let mut idle = clients(&watched, 8, |_, client| assert_in_step(client));
        let mut line = watched.server.connect();
        line.send("vers");
        let mut block = watched.server.connect();
        block.send("set block 0 0 10\r\nhalf ");
        for _ in 0..3 {
            interrupt(&watched);
        }
        watched.assert_serves();
        for client in &mut idle {
            assert_in_step(client);
        }
        line.send("ion\r\n");
        assert!(receive_until(&mut line, b"\r\n").starts_with(b"VERSION "));
        block.expect("done.\r\n", "STORED\r\n");
        read_big(&mut slow);
        assert_in_step(&mut slow);
        assert!(options.is_empty() || watched.stat("idle_kicks") == 0);
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_tells_the_same_time() {
    same_tests_against_memcached(&["memcached_tells_the_same_time"]);
}
