//! The floor: a server that finds the lines and stores nothing. What it costs is what the sockets cost.
//!
//! It knows one key of each size, and the load asks it for no other, so its canned replies stand the same check as
//! real ones. It too looks again before it sleeps, like the server it is the floor of.

use crate::script::value;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The argument that makes this program the floor.
pub const ARGUMENT: &str = "--floor";

/// As often as the server does, at most: see src/connection/socket.rs.
const LOOKS: u32 = 64;

pub fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::Builder::new().spawn(move || answer(stream))?;
    }
    Ok(())
}

fn answer(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut reader = BufReader::with_capacity(16 * 1024, Looking(&stream));
    let (mut line, mut item, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        if reader.buffer().is_empty() {
            send(&stream, &replies)?;
            replies.clear();
        }
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match line.strip_prefix(b"get ") {
            Some(keys) => {
                if item.is_empty() {
                    item = canned(keys);
                }
                let count = keys.iter().filter(|byte| **byte == b' ').count() + 1;
                (0..count).for_each(|_| replies.extend_from_slice(&item));
                replies.extend_from_slice(b"END\r\n");
            }
            None if line.starts_with(b"set ") => {}
            None => replies.extend_from_slice(b"STORED\r\n"),
        }
    }
}

/// Waits for a client that does not read.
fn send(mut stream: &TcpStream, mut replies: &[u8]) -> io::Result<()> {
    while !replies.is_empty() {
        match stream.write(replies) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            sent => replies = &replies[sent?..],
        }
    }
    Ok(())
}

/// A stream that does not block, but for the sleep after many looks.
struct Looking<'a>(&'a TcpStream);

impl Read for Looking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..LOOKS {
            thread::yield_now();
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        self.0.set_nonblocking(false)?;
        let count = self.0.read(buffer)?;
        self.0.set_nonblocking(true)?;
        Ok(count)
    }
}

/// Key 0 of the size that the key's name begins with.
fn canned(keys: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(keys);
    let key = text.split_ascii_whitespace().next().unwrap_or_default();
    let bytes = key.split('-').next().and_then(|size| size.parse().ok());
    let bytes = bytes.unwrap_or(100);
    let head = format!("VALUE {key} 0 {bytes}\r\n").into_bytes();
    head.into_iter().chain(value(0, bytes)).collect()
}
