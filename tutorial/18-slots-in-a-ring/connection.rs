//! One client: lines and data blocks come in, replies go out. The connection knows no command and no store.

mod socket;

use crate::counters::VERBOSITY;
use socket::Socket;
use std::io::{BufRead, BufReader, BufWriter, Read, Result, Write, copy, sink, stderr};
use std::net::TcpStream;

/// More than so many bytes without the end of a line, and the client is hung up on.
const LINE_MAX: usize = 2048;

/// But the keys of a `get` may be many.
const KEYS_MAX: usize = 256 * 1024;

pub struct Connection<'a> {
    reader: BufReader<Incoming<'a>>,
    /// Tells connections apart in the conversation that `-vv` shows.
    id: u64,
}

impl<'a> Connection<'a> {
    pub fn new(stream: &'a TcpStream, id: u64) -> Connection<'a> {
        // Otherwise the system holds a small packet back while an earlier one is under way.
        let _ = stream.set_nodelay(true);
        let replies = BufWriter::new(Socket::new(stream));
        Connection {
            reader: BufReader::new(Incoming { replies }),
            id,
        }
    }

    /// Reads one line without its end. `false`: the client has left, or its line does not end.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        while !line.ends_with(b"\n") {
            let many_keys = line.starts_with(b"get") && line.len() < KEYS_MAX;
            if line.len() > LINE_MAX && !many_keys {
                return Ok(false);
            }
            let here = self.reader.fill_buf()?.len() as u64;
            if here == 0 {
                return Ok(false);
            }
            self.reader.by_ref().take(here).read_until(b'\n', line)?;
        }
        line.pop();
        line.pop_if(|last| *last == b'\r');
        self.say('<', line);
        Ok(true)
    }

    /// Reads a data block and its end, and says whether that was `\r\n`.
    pub fn read_block(&mut self, block: &mut [u8]) -> Result<bool> {
        self.reader.read_exact(block)?;
        Ok(block.ends_with(b"\r\n"))
    }

    /// Reads what nobody wants, without keeping it.
    pub fn swallow(&mut self, bytes: u64) -> Result<()> {
        copy(&mut self.reader.by_ref().take(bytes), &mut sink())?;
        Ok(())
    }

    pub fn reply(&mut self, reply: &str) -> Result<()> {
        self.say('>', reply.as_bytes());
        self.replies().write_all(reply.as_bytes())?;
        self.replies().write_all(b"\r\n")
    }

    /// Shows a line on stderr when `-vv` asks for it. One that cannot be written is lost, and nobody suffers.
    pub fn say(&self, direction: char, line: &[u8]) {
        if VERBOSITY.get() > 1 {
            let line = line.escape_ascii();
            let _ = writeln!(stderr(), "{direction}{} {line}", self.id);
        }
    }

    /// Where replies are gathered.
    pub fn replies(&mut self) -> &mut impl Write {
        &mut self.reader.get_mut().replies
    }
}

/// The reading end owns the replies, so that it can flush them before it waits.
struct Incoming<'a> {
    replies: BufWriter<Socket<'a>>,
}

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.replies.flush()?;
        self.replies.get_mut().read(buffer)
    }
}
