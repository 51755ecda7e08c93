//! One client: lines and data blocks come in, replies go out.
//!
//! The connection knows no map and no command. It keeps one promise for all of them: **replies are flushed before the
//! thread blocks**. Replies are gathered in a buffer; the only place that can wait for the client is [`Incoming`]'s
//! `read`, and it flushes first. So a client that has sent one whole command and half of the next gets its first
//! answer at once, many commands in one packet are answered by one packet, and no command has to think of it.

mod socket;

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;

use crate::clock::{Clock, Moment};
use crate::stats::{Counter, Stats};
use socket::Socket;

/// What is read ahead, in bytes: 32 commands of a client in a hurry. The first read touches all of it, and an idle
/// connection keeps it.
const READ_AHEAD: usize = 4 * 1024;

/// What is gathered of replies before some of it is written, in bytes.
const REPLIES: usize = 16 * 1024;

/// More than that without the end of a line, and the client is hung up on, as by memcached...
const LINE_MAX: usize = 2048;

/// ...but the keys of a `get` or `gets` may be many. memcached has no limit here; this is room for 1,000 of the longest.
const KEYS_MAX: usize = 256 * 1024;

pub struct Connection<'a> {
    reader: BufReader<Incoming<'a>>,
    /// Tells connections apart in the conversation that `-vv` shows.
    id: u64,
    verbosity: &'a Counter,
}

impl<'a> Connection<'a> {
    pub fn new(
        stream: &'a TcpStream,
        clock: &'a Clock,
        stats: &'a Stats,
        id: u64,
    ) -> Connection<'a> {
        let incoming = Incoming {
            replies: BufWriter::with_capacity(REPLIES, Socket::new(stream, clock, stats)),
            clock,
            now: clock.now(),
        };
        Connection {
            reader: BufReader::with_capacity(READ_AHEAD, incoming),
            id,
            verbosity: &stats.verbosity,
        }
    }

    /// Reads one line, of what has come already before it waits for more, and leaves out its end, `\r\n` or `\n`.
    /// `false`: the client has left, or its line does not end.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        line.shrink_to(READ_AHEAD);
        while !line.ends_with(b"\n") {
            if line.len() > LINE_MAX && !(may_be_long(line) && line.len() < KEYS_MAX) {
                return Ok(false);
            }
            let here = self.reader.fill_buf()?.len() as u64;
            if here == 0 {
                return Ok(false);
            }
            self.reader.by_ref().take(here).read_until(b'\n', line)?;
        }
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.is_watched() {
            eprintln!("<{} {}", self.id, line.escape_ascii());
        }
        Ok(true)
    }

    /// Reads a data block and its end, and says whether that was `\r\n`.
    pub fn read_block(&mut self, block: &mut [u8]) -> io::Result<bool> {
        self.reader.read_exact(block)?;
        Ok(block.ends_with(b"\r\n"))
    }

    /// Reads what nobody wants, to its last byte, without keeping it.
    pub fn swallow(&mut self, bytes: u64) -> io::Result<()> {
        let swallowed = io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink())?;
        if swallowed < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// When the last bytes came.
    pub fn now(&self) -> Moment {
        self.reader.get_ref().now
    }

    /// Where replies are gathered.
    pub fn replies(&mut self) -> &mut impl Write {
        &mut self.reader.get_mut().replies
    }

    /// A reply of one line.
    pub fn reply(&mut self, line: &str) -> io::Result<()> {
        self.show(line.as_bytes());
        self.replies().write_all(line.as_bytes())?;
        self.replies().write_all(b"\r\n")
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.replies().flush()
    }

    /// Shows a reply on stderr when `-vv` asks for it.
    pub fn show(&self, line: &[u8]) {
        if self.is_watched() {
            eprintln!(">{} {}", self.id, line.escape_ascii());
        }
    }

    pub fn is_watched(&self) -> bool {
        self.verbosity.get() > 1
    }
}

fn may_be_long(line: &[u8]) -> bool {
    let indent = line.iter().take_while(|&&byte| byte == b' ').count();
    indent <= 100 && (line[indent..].starts_with(b"get ") || line[indent..].starts_with(b"gets "))
}

/// The reading end, which owns the replies so that it can flush them before it waits.
struct Incoming<'a> {
    replies: BufWriter<Socket<'a>>,
    clock: &'a Clock,
    now: Moment,
}

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.replies.flush()?;
        let count = self.replies.get_mut().read(buffer)?;
        self.now = self.clock.now();
        Ok(count)
    }
}
