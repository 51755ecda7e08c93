//! A server from which the system withholds something: a stderr and a stdout that take words, and memory.
//!
//! Places for clients, descriptors and threads, which run out as well, are in crowds.rs. Memory is limited by the shell's
//! `ulimit`, so this is Linux.
#![cfg(target_os = "linux")]

mod common;

use common::process::*;
use common::{Connection, Server};
use std::fs::OpenOptions;
use std::io;
use std::process::{Command, Output, Stdio};

// ---- words that nobody takes

/// Every write to this fails: a full disk.
fn full_disk() -> Stdio {
    let disk = OpenOptions::new().write(true).open("/dev/full");
    disk.expect("/dev/full").into()
}

/// So does every write to this: a pipe whose reader has gone.
fn unread_pipe() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

const NOWHERE: [fn() -> Stdio; 2] = [full_disk, unread_pipe];

/// Everything that `-vv` has words for, and what it may have words for.
fn converse(client: &mut Connection) {
    client.expect("set k 0 0 1\r\nx\r\n", "STORED\r\n");
    client.expect("get k none\r\n", "VALUE k 0 1\r\nx\r\nEND\r\n");
    client.expect("nonsense\r\n", "ERROR\r\n");
    client.expect(
        "set k 0 0 1\r\nxx\r\n",
        "CLIENT_ERROR bad data chunk\r\nERROR\r\n",
    );
    client.expect("mg k v\r\n", "VA 1\r\nx\r\n");
    client.expect("delete k noreply\r\nmn\r\n", "MN\r\n");
    assert_in_step(client);
}

#[test]
fn whoever_makes_a_server_verbose_whose_stderr_is_lost_is_served_on() {
    for nowhere in NOWHERE {
        let server = on_a_free_port("", &[], |command| command.stderr(nowhere()));
        let (mut first, mut second) = (server.connect(), server.connect());
        converse(&mut second);
        for verbosity in [1, 2, 3] {
            first.expect(format!("verbosity {verbosity}\r\n"), "OK\r\n");
            converse(&mut first);
            converse(&mut second);
            converse(&mut server.connect());
        }
    }
}

#[test]
fn a_verbose_server_whose_stderr_is_lost_serves() {
    for nowhere in NOWHERE {
        let options = ["-vv", "-c", "32"];
        let server = on_a_free_port("", &options, |command| command.stderr(nowhere()));
        let mut client = server.connect();
        converse(&mut client);
        let crowd: Vec<Connection> = (0..60).map(|_| server.connect()).collect();
        converse(&mut client);
        drop(crowd);
        server.connect().send("half a li");
        server.connect().send("set half 0 0 10\r\nhal");
        let mut leaving = server.connect();
        leaving.send("quit\r\n");
        leaving.receive_until_closed();
        converse(&mut client);
    }
}

#[test]
fn a_server_whose_stdout_is_lost_serves() {
    for nowhere in NOWHERE {
        for options in [&[][..], &["-v"], &["-l", "127.0.0.2"]] {
            let server = on_a_free_port("", options, |command| command.stdout(nowhere()));
            converse(&mut server.connect());
        }
    }
}

/// Runs the program to its end.
fn run(arguments: &str, arrange: impl Fn(&mut Command) -> &mut Command) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mini-memcached"));
    command.args(arguments.split(' '));
    let output = arrange(&mut command).output().expect("run the program");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments}: {said}");
    output
}

/// What it says before it ends may be lost; its exit code says as much.
#[test]
fn an_exit_code_does_not_depend_on_who_listens() {
    let taken = Server::ours(&[]);
    let in_use = format!("-p {}", taken.address.port());
    for arguments in ["--nonsense", "-p x", "-m 1", &in_use] {
        let code = run(arguments, |command| command).status.code();
        for nowhere in NOWHERE {
            let lost = run(arguments, |command| command.stderr(nowhere()));
            assert_eq!(lost.status.code(), code, "{arguments}");
        }
    }
    for arguments in ["--help", "--version"] {
        for nowhere in NOWHERE {
            run(arguments, |command| command.stdout(nowhere()));
        }
    }
}

// ---- memory that the system does not have

/// The process may have 200 MiB, in KiB as `ulimit` wants it, and has been told that it may have 1 GiB.
const LITTLE_MEMORY: &str = "ulimit -v 204800";

const BIG: usize = 1_000_000;

const OUT_OF_MEMORY: &[u8] = b"SERVER_ERROR out of memory storing object\r\n";

/// Starts a server that is going to find no memory, before it finds that it may not have more.
fn with_little_memory() -> Server {
    on_a_free_port(LITTLE_MEMORY, &["-m", "1024"], |command| command)
}

/// Sends a command with a data block of so many bytes, and returns the reply.
fn send_block(client: &mut Connection, line: &str, length: usize) -> Vec<u8> {
    client.send(format!("{line}\r\n"));
    client.send(vec![b'x'; length]);
    client.send("\r\n");
    receive_until(client, b"\r\n")
}

/// Stores values of [`BIG`] bytes until one is refused, and says how many went in.
#[track_caller]
fn store_until_refused(client: &mut Connection) -> usize {
    for number in 0..1000 {
        let reply = send_block(client, &format!("set big{number} 0 0 {BIG}"), BIG);
        if reply != b"STORED\r\n" {
            assert_eq!(
                reply.escape_ascii().to_string(),
                OUT_OF_MEMORY.escape_ascii().to_string()
            );
            return number;
        }
    }
    panic!("a thousand values of 1 MB in 200 MiB")
}

/// A data block that cannot be had is its own client's error and nobody else's. (memcached makes do with the memory that
/// it has got by then, and evicts.)
#[test]
fn a_value_for_which_the_system_has_no_memory_is_refused() {
    let server = with_little_memory();
    let (mut client, mut other) = (server.connect(), server.connect());
    converse(&mut other);
    let stored = store_until_refused(&mut client);
    assert!(stored > 100, "only {stored} values of 1 MB in 200 MiB");
    for _ in 0..10 {
        assert_eq!(
            send_block(&mut client, &format!("set more 0 0 {BIG}"), BIG),
            OUT_OF_MEMORY
        );
        assert_in_step(&mut client);
        converse(&mut other);
    }
    for line in ["add more 0 0", "ms more", "replace big0 0 0"] {
        let reply = send_block(&mut client, &format!("{line} {BIG}"), BIG);
        assert_eq!(reply, OUT_OF_MEMORY, "{line}");
        assert_in_step(&mut client);
    }
    assert_eq!(stat(&mut other, "evictions"), 0);
    let big = format!("VALUE big1 0 {BIG}\r\n{}\r\nEND\r\n", "x".repeat(BIG));
    client.expect("get big1\r\n", big);
    converse(&mut other);
}

/// What is appended may find room, while the sum of both does not: then the old value stays.
#[test]
fn a_sum_for_which_the_system_has_no_memory_is_refused() {
    let server = with_little_memory();
    let (mut client, mut other) = (server.connect(), server.connect());
    let stored = store_until_refused(&mut client);
    let (mut appended, mut refused) = (0, 0);
    for number in 0..stored {
        let reply = send_block(
            &mut client,
            &format!("append big{number} 0 0 40000"),
            40_000,
        );
        let taken = reply == b"STORED\r\n";
        appended += usize::from(taken);
        refused += usize::from(!taken);
        let length = BIG + if taken { 40_000 } else { 0 };
        client.expect(format!("mg big{number} s\r\n"), format!("HD s{length}\r\n"));
    }
    converse(&mut other);
    assert!(refused > appended, "{appended} appended to, {refused} not");
}

/// What is given back can be had again.
#[test]
fn where_the_system_had_no_memory_there_is_some_after_a_delete_and_after_a_flush() {
    let server = with_little_memory();
    let mut client = server.connect();
    let stored = store_until_refused(&mut client);
    for number in 0..20 {
        client.expect(format!("delete big{number}\r\n"), "DELETED\r\n");
    }
    for number in 0..15 {
        let line = format!("set more{number} 0 0 {BIG}");
        assert_eq!(send_block(&mut client, &line, BIG), b"STORED\r\n", "{line}");
    }
    client.expect("flush_all\r\n", "OK\r\n");
    let again = store_until_refused(&mut client);
    assert!(again + 20 > stored, "{again} values fit, {stored} before");
    client.expect("flush_all\r\n", "OK\r\n");
    converse(&mut client);
    converse(&mut server.connect());
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_starves_the_same() {
    same_tests_against_memcached(&[
        "memcached_starves_the_same",
        "a_verbose_server", // a lost pipe ends memcached while it starts
        "an_exit_code_does_not_depend", // it asks for our own options and codes
        "the_system",       // memcached evicts where the system has no memory for it
    ]);
}
