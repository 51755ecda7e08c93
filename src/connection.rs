//! One client: lines and data blocks come in, replies go out.
//!
//! The connection knows no map and no command. It keeps one promise for all of them: **replies are flushed before the
//! thread blocks**. Replies are gathered in a buffer; the only place that can wait for the client is [`Incoming`]'s
//! `read`, and it flushes first. So a client that has sent one whole command and half of the next gets its first
//! answer at once, many commands in one packet are answered by one packet, and no command has to think of it.

use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::mem;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use crate::clock::{Clock, Moment};
use crate::stats::Stats;

/// What is read ahead, in bytes: 32 commands of a client in a hurry. The first read touches all of it, and an idle
/// connection keeps it.
const READ_AHEAD: usize = 4 * 1024;

/// What is gathered of replies before some of it is written, in bytes.
const REPLIES: usize = 16 * 1024;

/// More than that without the end of a line, and the client is hung up on, as by memcached...
const LINE_MAX: usize = 2048;

/// ...but the keys of a `get` or `gets` may be many. memcached has no limit here; this is room for 1,000 of the longest.
const KEYS_MAX: usize = 256 * 1024;

/// How often a connection looks for something to read before it sleeps, at most: about as long as it takes to fall
/// asleep and be woken. With one connection that is some 40 microseconds; with many, each turn is longer and pays sooner.
const LOOKS: u32 = 64;

/// Longer than a turn of a few connections, shorter than the slice of a scheduler (3 or 4 ms); in microseconds.
const TURN: u64 = 2_500;
/// So many connections are a few.
const FEW: u64 = 64;
/// After a turn that took too long, nobody looks for so many times its length: it costs one part in so many at most.
const REST: u64 = 32;

/// When looking may begin again, in microseconds since the start: one moment for all, for they share the processors.
static REST_UNTIL: AtomicU64 = AtomicU64::new(0);

pub struct Connection<'a> {
    reader: BufReader<Incoming<'a>>,
    /// Tells connections apart in the conversation that `-vv` shows.
    id: u64,
}

impl<'a> Connection<'a> {
    pub fn new(
        stream: &'a TcpStream,
        clock: &'a Clock,
        stats: &'a Stats,
        id: u64,
    ) -> Connection<'a> {
        let socket = Socket {
            stream,
            clock,
            stats,
            blocking: true,
            looks: LOOKS,
            more: false,
        };
        let incoming = Incoming {
            replies: BufWriter::with_capacity(REPLIES, socket),
            now: clock.now(),
        };
        Connection {
            reader: BufReader::with_capacity(READ_AHEAD, incoming),
            id,
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

    /// Reads a data block to its last byte, and says whether `\r\n` came behind it.
    pub fn read_block(&mut self, data: &mut [u8]) -> io::Result<bool> {
        self.reader.read_exact(data)?;
        let mut end = [0; 2];
        self.reader.read_exact(&mut end)?;
        Ok(end == *b"\r\n")
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
        self.reader
            .get_ref()
            .replies
            .get_ref()
            .stats
            .verbosity
            .get()
            > 1
    }
}

fn may_be_long(line: &[u8]) -> bool {
    let indent = line.iter().take_while(|&&byte| byte == b' ').count();
    indent <= 100 && (line[indent..].starts_with(b"get ") || line[indent..].starts_with(b"gets "))
}

/// The reading end, which owns the replies so that it can flush them before it waits.
struct Incoming<'a> {
    replies: BufWriter<Socket<'a>>,
    now: Moment,
}

impl Read for Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.replies.flush()?;
        let socket = self.replies.get_mut();
        let count = socket.read(buffer)?;
        self.now = socket.clock.now();
        Ok(count)
    }
}

/// The stream, counting what passes.
///
/// Threads are not slow; putting them to sleep and waking them is. Whoever finds nothing to read lets the other threads
/// run and looks again a few times, before the thread really blocks.
struct Socket<'a> {
    stream: &'a TcpStream,
    clock: &'a Clock,
    stats: &'a Stats,
    /// Whether reading and writing wait, as the stream was last told.
    blocking: bool,
    /// How often to look before the next sleep.
    looks: u32,
    /// The last read got as much as it asked for, so the next one will hardly have to wait.
    more: bool,
}

impl Socket<'_> {
    fn set_blocking(&mut self, blocking: bool) -> io::Result<()> {
        if self.blocking != blocking {
            self.stream.set_nonblocking(!blocking)?;
            self.blocking = blocking;
        }
        Ok(())
    }

    /// Reads what comes while others run, if anything does. Where looking did not pay, there is less of it the next time.
    fn look(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.set_blocking(false)?;
        for _ in 0..self.looks {
            if !mem::take(&mut self.more) {
                self.let_others_run();
            }
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => {
                    self.looks = LOOKS;
                    return result.map(Some);
                }
            }
        }
        self.looks = self.looks.div_ceil(2);
        Ok(None)
    }

    /// A turn of our own threads is short. When it takes long, another program wants the processor, and takes a whole
    /// slice of it each time that we yield: then it is better to sleep, for a while. (With more connections than `FEW`
    /// a turn is long anyway.)
    fn let_others_run(&self) {
        let start = self.clock.microseconds();
        thread::yield_now();
        let end = self.clock.microseconds();
        let turn = end - start;
        if turn > TURN && self.stats.curr_connections.get() <= FEW {
            REST_UNTIL.store(end + REST * turn, Relaxed);
        }
    }
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let resting = REST_UNTIL.load(Relaxed) > self.clock.microseconds();
        let seen = if resting { None } else { self.look(buffer)? };
        let count = match seen {
            Some(count) => count,
            None => {
                self.set_blocking(true)?;
                self.stream.read(buffer)?
            }
        };
        self.more = count == buffer.len();
        self.stats.bytes_read.add(count);
        Ok(count)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.set_blocking(true)?;
                self.stream.write(bytes)?
            }
            result => result?,
        };
        self.stats.bytes_written.add(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
