use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Connects to the server to be tested: the environment variable ADDR, or our own.
fn connect() -> TcpStream {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:9999".to_string());
    let stream = TcpStream::connect(address).expect("is the server running?");
    let patience = Some(Duration::from_secs(2));
    stream.set_read_timeout(patience).unwrap();
    stream
}

/// Sends, and insists on exactly this reply.
fn reply_is(sent: &str, expected: &str) {
    let mut stream = connect();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut got = Vec::new();
    let _ = stream.take(expected.len() as u64).read_to_end(&mut got);
    let got = String::from_utf8_lossy(&got);
    assert_eq!(got, expected, "the reply to {sent:?}");
}

#[test]
fn a_value_comes_back() {
    reply_is("set greeting 0 0 5\r\nhello\r\n", "STORED\r\n");
    reply_is("get greeting\r\n", "VALUE greeting 0 5\r\nhello\r\nEND\r\n");
}

#[test]
fn flags_come_back_as_they_were() {
    reply_is("set f 4294967295 0 1\r\nx\r\n", "STORED\r\n");
    reply_is("get f g\r\n", "VALUE f 4294967295 1\r\nx\r\nEND\r\n");
}

#[test]
fn noreply_means_no_reply() {
    let quiet = "set quiet 0 0 1 noreply\r\n1\r\nget quiet\r\n";
    reply_is(quiet, "VALUE quiet 0 1\r\n1\r\nEND\r\n");
}

#[test]
fn a_value_may_contain_the_end_of_a_line() {
    reply_is("set lines 0 0 5\r\na\r\nb\n\r\n", "STORED\r\n");
    reply_is("get lines\r\n", "VALUE lines 0 5\r\na\r\nb\n\r\nEND\r\n");
}

#[test]
fn what_is_no_command_is_an_error() {
    reply_is("shout\r\nget nothing\r\n", "ERROR\r\nEND\r\n");
}
