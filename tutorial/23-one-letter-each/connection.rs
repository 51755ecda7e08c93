//! One client: lines and data blocks come in, replies go out. The connection knows no command and no store.

mod socket;

use crate::clock::Clock;
use crate::counters::VERBOSITY;
use crate::memory::Block;
use crate::reply::Reply;
use socket::Socket;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Result, Write, copy, sink, stderr};
use std::net::TcpStream;

/// What is read ahead, in bytes: 32 commands of a client in a hurry. The first read touches all of it.
const READ_AHEAD: usize = 4 * 1024;

/// What is gathered of replies before some of it is written, in bytes.
const REPLIES: usize = 16 * 1024;

/// The room for a line, in bytes, before it has to ask for more.
pub const LINE_ROOM: usize = 4 * 1024;

/// More than so many bytes without the end of a line, and the client is hung up on, unless they are keys.
const LINE_MAX: usize = 2048;

/// Every request of memcached's old binary protocol begins with this byte, and no line of a client does.
const BINARY: u8 = 0x80;

/// How much of a data block is asked for at once, in bytes.
const PIECE: usize = 64 * 1024;

pub struct Connection<'a> {
    reader: BufReader<Incoming<'a>>,
    /// Tells connections apart in the conversation that `-vv` shows.
    id: u64,
}

impl<'a> Connection<'a> {
    pub fn new(stream: &'a TcpStream, clock: &'a Clock, id: u64) -> Connection<'a> {
        // Otherwise the system holds a small packet back while an earlier one is under way.
        let _ = stream.set_nodelay(true);
        let replies = BufWriter::with_capacity(REPLIES, Socket::new(stream, clock));
        Connection {
            reader: BufReader::with_capacity(READ_AHEAD, Incoming { replies }),
            id,
        }
    }

    /// Reads one line without its end. `false`: the client has left, its line does not end, or it speaks another protocol.
    /// A line of keys may be as long as `lengthen` can find room for it.
    pub fn read_line(
        &mut self,
        line: &mut Block,
        mut lengthen: impl FnMut(&mut Block) -> bool,
    ) -> Result<bool> {
        line.clear(LINE_ROOM);
        if self.reader.fill_buf()?.starts_with(&[BINARY]) {
            return Ok(false);
        }
        while !line.ends_with(b"\n") {
            let too_long = line.len() > LINE_MAX && !has_many_keys(line);
            if too_long || line.room() == 0 && !lengthen(line) {
                return Ok(false);
            }
            if line.add_line(&mut self.reader)? == 0 {
                return Ok(false);
            }
        }
        line.remove_end();
        self.say('<', line);
        Ok(true)
    }

    /// Fills the room that is left in `block` with a data block and its end, and says whether the end was `\r\n`. What has
    /// not come takes no memory, however much was announced.
    pub fn read_block(&mut self, block: &mut Block) -> Result<bool> {
        while block.room() > 0 {
            self.reader.read_exact(block.add_zeros(PIECE))?;
        }
        Ok(block.ends_with(b"\r\n"))
    }

    /// Reads what nobody wants, to its last byte, without keeping it.
    pub fn swallow(&mut self, bytes: u64) -> Result<()> {
        let swallowed = copy(&mut self.reader.by_ref().take(bytes), &mut sink())?;
        if swallowed < bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    pub fn reply(&mut self, reply: &Reply) -> Result<()> {
        if reply.lines.is_empty() {
            return Ok(());
        }
        self.say('>', &reply.lines);
        self.replies().write_all(&reply.lines)?;
        self.replies().write_all(b"\r\n")?;
        match &reply.value {
            Some(item) => self.replies().write_all(item.block()),
            None => Ok(()),
        }
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

/// get, gets, gat and gats; as in memcached there may be some spaces before them.
fn has_many_keys(line: &[u8]) -> bool {
    let indent = line.iter().take_while(|&&byte| byte == b' ').count();
    let line = &line[indent..];
    indent <= 100 && (line.starts_with(b"get") || line.starts_with(b"gat"))
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
