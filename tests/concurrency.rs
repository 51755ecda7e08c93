//! Many clients at once, and nothing that was acknowledged is lost.

mod common;

use common::process::{against_memcached, receive_until, same_tests_against_memcached};
use common::{Connection, Server};
use std::sync::Barrier;
use std::thread;

const CLIENTS: usize = 16;

/// Ours, or memcached where `AGAINST=memcached` says so.
fn server() -> Server {
    if against_memcached() {
        Server::memcached(&[])
    } else {
        Server::ours(&[])
    }
}

/// Lets [`CLIENTS`] clients of one server do the same at the same time; what each returns, in their order.
fn together<T: Send>(server: &Server, act: impl Fn(usize, &mut Connection) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let run = |number| {
            let (start, act) = (&start, &act);
            scope.spawn(move || {
                let mut client = server.connect();
                start.wait();
                act(number, &mut client)
            })
        };
        let threads: Vec<_> = (0..CLIENTS).map(run).collect();
        let join = |thread: thread::ScopedJoinHandle<T>| thread.join().expect("a client");
        threads.into_iter().map(join).collect()
    })
}

/// Sends one command and returns its one line of reply.
fn ask(client: &mut Connection, command: &str) -> String {
    client.send(command);
    String::from_utf8(receive_until(client, b"\r\n")).expect("a reply in ASCII")
}

#[test]
fn sixteen_clients_with_2000_incr_each_end_at_32000() {
    let server = server();
    server
        .connect()
        .expect("set n 0 0 1\r\n0\r\n", "STORED\r\n");
    together(&server, |_, client| {
        let replies = (0..2000).map(|_| ask(client, "incr n 1\r\n"));
        let numbers: Vec<u64> = replies
            .map(|reply| reply.trim_end().parse().expect("a number"))
            .collect();
        assert!(
            numbers.is_sorted_by(|one, next| one < next),
            "a number came twice"
        );
    });
    assert_eq!(ask(&mut server.connect(), "incr n 0\r\n"), "32000\r\n");
}

#[test]
fn of_sixteen_racing_adds_exactly_one_wins() {
    let server = server();
    for round in 0..100 {
        let replies = together(&server, |number, client| {
            ask(
                client,
                &format!("add race{round} 0 0 2\r\n{:02}\r\n", number),
            )
        });
        let winner = assert_one_winner(&replies, "NOT_STORED\r\n");
        assert_value(&server, &format!("race{round}"), &format!("{winner:02}"));
    }
}

#[test]
fn of_sixteen_racing_cas_exactly_one_wins() {
    let server = server();
    server
        .connect()
        .expect("set race 0 0 2\r\n--\r\n", "STORED\r\n");
    for _ in 0..100 {
        let unique = cas_unique(&server, "race");
        let replies = together(&server, |number, client| {
            ask(
                client,
                &format!("cas race 0 0 2 {unique}\r\n{number:02}\r\n"),
            )
        });
        let winner = assert_one_winner(&replies, "EXISTS\r\n");
        assert_value(&server, "race", &format!("{winner:02}"));
    }
}

/// The fifth word of `VALUE key flags bytes unique`.
fn cas_unique(server: &Server, key: &str) -> String {
    let mut client = server.connect();
    client.send(format!("gets {key}\r\n"));
    let reply = receive_until(&mut client, b"END\r\n");
    let reply = String::from_utf8(reply).expect("ASCII");
    reply
        .split_whitespace()
        .nth(4)
        .expect("a cas unique")
        .to_owned()
}

/// One reply says `STORED` and all others `lost`; who won?
#[track_caller]
fn assert_one_winner(replies: &[String], lost: &str) -> usize {
    let won = |reply: &String| reply == "STORED\r\n";
    assert_eq!(
        replies.iter().filter(|reply| won(reply)).count(),
        1,
        "{replies:?}"
    );
    let losers = replies.iter().filter(|reply| *reply == lost).count();
    assert_eq!(losers, CLIENTS - 1, "{replies:?}");
    replies.iter().position(won).expect("a winner")
}

#[track_caller]
fn assert_value(server: &Server, key: &str, value: &str) {
    let reply = format!("VALUE {key} 0 {}\r\n{value}\r\nEND\r\n", value.len());
    server.connect().expect(format!("get {key}\r\n"), reply);
}

/// Values grow and shrink under each other's eyes: every read is one client's whole value, never a mixture.
#[test]
fn a_value_is_always_one_that_somebody_wrote_whole() {
    let server = server();
    together(&server, |number, client| {
        let letter = char::from(b'a' + number as u8);
        let value = letter.to_string().repeat(1 + number * 997);
        for _ in 0..50 {
            let set = format!("set shared 0 0 {}\r\n{value}\r\n", value.len());
            assert_eq!(ask(client, &set), "STORED\r\n");
            client.send("get shared\r\n");
            let reply = receive_until(client, b"\r\nEND\r\n");
            let reply = String::from_utf8(reply).expect("letters");
            let block = reply.split("\r\n").nth(1).expect("a data block");
            let first = block.chars().next().expect("a letter");
            let length = 1 + (first as usize - 'a' as usize) * 997;
            assert_eq!(block, first.to_string().repeat(length));
        }
    });
}

#[test]
fn every_value_that_was_acknowledged_is_there_for_everybody() {
    let server = server();
    together(&server, |number, client| {
        for count in 0..200 {
            let set = format!("set own{number}.{count} 0 0 3\r\n{count:03}\r\n");
            assert_eq!(ask(client, &set), "STORED\r\n");
        }
    });
    for number in 0..CLIENTS {
        for count in 0..200 {
            assert_value(
                &server,
                &format!("own{number}.{count}"),
                &format!("{count:03}"),
            );
        }
    }
}

#[test]
fn every_append_of_sixteen_clients_arrives() {
    let server = server();
    server
        .connect()
        .expect("set log 0 0 0\r\n\r\n", "STORED\r\n");
    together(&server, |number, client| {
        let letter = char::from(b'a' + number as u8);
        for _ in 0..100 {
            assert_eq!(
                ask(client, &format!("append log 0 0 1\r\n{letter}\r\n")),
                "STORED\r\n"
            );
        }
    });
    let mut client = server.connect();
    client.send("get log\r\n");
    let reply = receive_until(&mut client, b"\r\nEND\r\n");
    let block = reply
        .split(|byte| *byte == b'\n')
        .nth(1)
        .expect("a data block");
    for letter in (b'a'..).take(CLIENTS) {
        assert_eq!(block.iter().filter(|byte| **byte == letter).count(), 100);
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_loses_nothing_either() {
    same_tests_against_memcached(&["memcached_loses_nothing_either"]);
}
