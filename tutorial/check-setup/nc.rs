//! `nc HOST PORT`, for a laptop on which nobody may install one: it sends what it is given, and prints what comes back.
//!
//! `cargo build --example nc` puts it into `target/debug/examples`. Like OpenBSD's it stays until the server hangs up, and
//! says nothing when nobody listens.

use std::io::{copy, stdin, stdout};
use std::net::TcpStream;
use std::process::ExitCode;
use std::{env, thread};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [host, port] = &arguments[..] else {
        eprintln!("usage: nc HOST PORT");
        return ExitCode::from(2);
    };
    match talk(&format!("{host}:{port}")) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Two directions at once, as in a conversation: a thread sends, and this one listens.
fn talk(address: &str) -> std::io::Result<u64> {
    let mut incoming = TcpStream::connect(address)?;
    let mut outgoing = incoming.try_clone()?;
    thread::spawn(move || copy(&mut stdin(), &mut outgoing));
    copy(&mut incoming, &mut stdout())
}
