//! Clients that misbehave. Whatever one of them does, the server lives, the others are served, and the memory comes back.
//!
//! Every test is an offence handed to [`misbehave`], which asks as an innocent client while the offenders are still
//! connected and again when they have left. Memory, threads and processor time are read from /proc, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::random::Random;
use common::{Connection, show};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

/// The largest round value that fits an item of 1 MiB, the default of `-I`.
const BIG: usize = 1_000_000;

/// Stores a value of [`BIG`] bytes under `key`.
fn store_big(client: &mut Connection, key: &str) {
    client.send(format!("set {key} 0 0 {BIG}\r\n"));
    client.send(vec![b'x'; BIG]);
    client.expect("\r\n", "STORED\r\n");
}

/// Waits until something to read has come, and leaves it unread: closing then resets the connection.
fn await_unread(client: &Connection) {
    let count = client.stream.peek(&mut [0]).expect("a reply");
    assert_eq!(count, 1, "closed instead of a reply");
}

#[test]
fn a_thousand_connections_leave_without_a_byte() {
    misbehave(watched(&[]), |watched| {
        for _ in 0..10 {
            clients(watched, 100, |_, _| {});
            // All hundred have been accepted, or the next ones would wait a second before the system's full queue.
            assert_in_step(&mut watched.server.connect());
        }
    });
}

#[test]
fn half_a_line_and_gone() {
    misbehave(watched(&[]), |watched| {
        clients(watched, 100, |_, client| client.send("set half 0 0 1"));
        clients(watched, 100, |_, client| client.send("get innocent\r"));
    });
}

#[test]
fn a_reset_in_the_middle_of_a_reply() {
    misbehave(watched(&[]), |watched| {
        store_big(&mut watched.server.connect(), "big");
        clients(watched, 50, |_, client| {
            client.send("get big\r\n".repeat(20));
            await_unread(client);
        });
    });
}

#[test]
fn a_reset_in_the_middle_of_a_block() {
    misbehave(watched(&[]), |watched| {
        clients(watched, 50, |_, client| {
            client.send("version\r\n");
            await_unread(client);
            client.send(format!("set reset 0 0 {BIG}\r\n"));
            client.send(vec![b'x'; BIG / 2]);
        });
        watched.server.connect().expect("get reset\r\n", "END\r\n");
    });
}

#[test]
fn three_hundred_values_are_declared_and_never_sent() {
    misbehave(watched(&["-m", "64"]), |watched| {
        clients(watched, 300, |number, client| {
            client.send(format!("set declared{number} 0 0 {BIG}\r\n"));
        })
    });
}

/// Large claims first, then smaller ones into the rest: however much is promised, a small value still finds room.
#[test]
fn promises_of_every_size_leave_room_for_others() {
    misbehave(watched(&["-m", "64"]), |watched| {
        let mut claims = Vec::new();
        for bytes in [BIG, BIG / 10, 10_000, 1000, 100, 1] {
            let claim = |number| format!("set claim{bytes}.{number:02} 0 0 {bytes}\r\n");
            let before = watched.stat("bytes_read");
            claims.extend(clients(watched, 75, |number, client| {
                client.send(claim(number))
            }));
            await_read(watched, before + 75 * claim(0).len() as u64);
        }
        claims
    });
}

/// Waits until the server has read this many bytes, and what is sent in order to ask for that.
fn await_read(watched: &Watched, bytes: u64) {
    let mut asking = 0;
    let all_read = || {
        asking += "stats\r\n".len() as u64;
        watched.stat("bytes_read") >= bytes + asking
    };
    assert!(eventually(all_read), "the server does not read on");
}

/// 500 clients that have sent all of a big value but its last byte, and the server has read what they sent.
fn one_byte_short(watched: &Watched) -> Vec<Connection> {
    let before = watched.stat("bytes_read");
    let value = vec![b'x'; BIG - 1];
    let clients = clients(watched, 500, |number, client| {
        client.send(format!("set short{number} 0 0 {BIG}\r\n"));
        client.send(&value);
    });
    await_read(watched, before + (clients.len() * value.len()) as u64);
    clients
}

#[test]
fn five_hundred_values_that_lack_one_byte_stay_within_m() {
    misbehave(watched(&["-m", "64"]), |watched| {
        let clients = one_byte_short(watched);
        watched.assert_bounded(64, clients.len());
        clients
    });
}

/// The last byte comes after all: whoever found no room is told so, nobody is out of step.
#[test]
fn values_that_find_no_room_are_refused_and_the_clients_stay_in_step() {
    let mut watched = watched(&["-m", "64"]);
    let mut clients = one_byte_short(&watched);
    let mut stored = 0;
    for client in &mut clients {
        client.send("x\r\n");
        let reply = receive_until(client, b"\r\n");
        stored += usize::from(reply == b"STORED\r\n");
        let answers: [&[u8]; 3] = [
            b"STORED\r\n",
            b"SERVER_ERROR out of memory storing object\r\n",
            b"SERVER_ERROR Out of memory during read\r\n", // memcached, where the item is in pieces
        ];
        assert!(answers.contains(&&reply[..]), "{}", show(&reply));
        assert_in_step(client);
    }
    assert!(stored > 0, "-m 64 has room for some");
    assert!(stored < clients.len(), "-m 64 has no room for 500 MB");
    watched.assert_bounded(64, clients.len());
    watched.assert_serves();
}

#[test]
fn a_line_of_more_than_2048_bytes_without_an_end_is_hung_up_on() {
    misbehave(watched(&[]), |watched| {
        let mut client = watched.server.connect();
        client.send([b'a'; 2049]);
        assert_eq!(client.receive_until_closed(), b"");
    });
}

/// Megabytes of keys: a client may ask for many, but not make the server remember them all at once.
#[test]
fn gets_without_an_end_take_bounded_memory() {
    misbehave(watched(&[]), |watched| {
        clients(watched, 8, |_, client| {
            let _ = client
                .stream
                .set_write_timeout(Some(Duration::from_millis(500)));
            let _ = client.stream.write_all(b"get ");
            for _ in 0..80 {
                // The server may hang up or stop reading: either is an answer.
                if client.stream.write_all(&b"key ".repeat(50_000)).is_err() {
                    break;
                }
            }
            watched.assert_shrinks_to(watched.before + NEAR);
        })
    });
}

#[test]
fn lengths_that_are_no_lengths_are_refused_and_swallow_nothing() {
    const REFUSED: &str = "CLIENT_ERROR bad command line format\r\n";
    let lengths = [
        "-1",
        "2147483647",
        "2147483648",
        "18446744073709551615",
        "18446744073709551616",
        "abc",
        "1x",
    ];
    misbehave(watched(&[]), |watched| {
        let mut client = watched.server.connect();
        for length in lengths {
            client.expect(format!("set k 0 0 {length}\r\n"), REFUSED);
            assert_in_step(&mut client);
        }
    });
}

/// 2^32 and -2^31 become 0 in the 32 bits where memcached 1.6.18 keeps a length; ours refuses them like the others.
#[test]
fn lengths_that_memcached_cuts_to_32_bits_are_refused() {
    misbehave(watched(&[]), |watched| {
        let mut client = watched.server.connect();
        for length in ["4294967296", "-2147483648"] {
            let refused = "CLIENT_ERROR bad command line format\r\n";
            client.expect(format!("set k 0 0 {length}\r\n"), refused);
            assert_in_step(&mut client);
        }
    });
}

/// Sends a greeting of another protocol and no more; the server has to let go of the connection.
fn greet(greeting: &[u8]) {
    misbehave(watched(&[]), |watched| {
        let mut client = watched.server.connect();
        client.send(greeting);
        // It may have let go already.
        let _ = client.stream.shutdown(Shutdown::Write);
        client.receive_until_closed();
    });
}

#[test]
fn a_greeting_in_the_binary_protocol_hurts_nobody() {
    greet(b"\x80\x0b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    greet(&[b"\x80\x01\0\x03".as_slice(), &[0xff; 300]].concat());
}

#[test]
fn a_greeting_in_tls_hurts_nobody() {
    let hello = b"\x16\x03\x01\0\xc8\x01\0\0\xc4\x03\x03";
    greet(&[hello.as_slice(), &[0x55; 193]].concat());
    greet(&[hello.as_slice(), &b"\n\0\r\n".repeat(48)].concat());
}

#[test]
fn a_greeting_in_http_is_hung_up_on() {
    misbehave(watched(&[]), |watched| {
        let mut client = watched.server.connect();
        client.send("GET / HTTP/1.1\r\n");
        assert_eq!(client.receive_until_closed(), b"");
    });
}

/// A line of words of the protocol, of numbers and of noise, in any order.
fn garbage_line(random: &mut Random) -> Vec<u8> {
    let words: [&[u8]; 24] = [
        b"set",
        b"get",
        b"gets",
        b"cas",
        b"incr",
        b"append",
        b"touch",
        b"gat",
        b"mg",
        b"ms",
        b"md",
        b"ma",
        b"mn",
        b"me",
        b"noreply",
        b"-1",
        b"0",
        b"5",
        b"4294967296",
        b"innocent",
        b"\x80\xff\xfe",
        b"\0\0",
        b"\t",
        b"stats",
    ];
    let mut line = Vec::new();
    for _ in 0..random.below(8) {
        match random.below(4) {
            0 => line.extend((0..random.below(40)).map(|_| random.next() as u8)),
            _ => line.extend_from_slice(random.pick(&words)),
        }
        line.push(b' ');
    }
    line.extend_from_slice(random.pick(&[b"\r\n".as_slice(), b"\n", b"\r\r\n"]));
    line
}

#[test]
fn twelve_thousand_lines_of_garbage_hurt_nobody() {
    misbehave(watched(&[]), |watched| {
        let mut random = Random::seeded(12_000);
        for _ in 0..120 {
            let lines: Vec<u8> = (0..100).flat_map(|_| garbage_line(&mut random)).collect();
            let mut client = watched.server.connect();
            // Either side may close at any moment; a reset is as good as an answer.
            let _ = client.stream.write_all(&lines);
            let _ = client.stream.shutdown(Shutdown::Write);
            let _ = client.stream.read_to_end(&mut Vec::new());
        }
    });
}

#[test]
fn a_hundred_clients_ask_for_200_mb_and_never_read() {
    misbehave(watched(&[]), |watched| {
        store_big(&mut watched.server.connect(), "big");
        let clients = clients(watched, 100, |_, client| {
            client.send("get big\r\n".repeat(200))
        });
        clients.iter().for_each(await_unread);
        watched.assert_bounded(64, clients.len());
        clients
    });
}

/// A value that a slow client is still being sent is memory too, though its key may long be gone.
#[test]
fn values_held_by_clients_that_never_read_stay_within_m() {
    let mut watched = watched(&["-m", "64"]);
    let mut writer = watched.server.connect();
    let mut readers = Vec::new();
    for number in 0..300 {
        writer.send(format!("set held{} 0 0 {BIG}\r\n", number % 50));
        writer.send(vec![b'x'; BIG]);
        writer.send("\r\n");
        let _stored_or_refused = receive_until(&mut writer, b"\r\n");
        let get = format!("get held{}\r\n", number % 50);
        readers.extend(clients(&watched, 1, |_, client| {
            client.send(get.repeat(20))
        }));
        await_unread(&readers[number]);
    }
    watched.assert_bounded(64, readers.len());
    watched.assert_serves();
    drop(readers);
    watched.assert_serves();
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_answers_the_same() {
    same_tests_against_memcached(&[
        "memcached_answers_the_same",
        "lengths_that_memcached_cuts_to_32_bits_are_refused",
    ]);
}
