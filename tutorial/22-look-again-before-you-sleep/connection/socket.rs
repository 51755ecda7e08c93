//! A client's stream: look again before you sleep.
//!
//! Threads are not slow; putting them to sleep and waking them is. Whoever finds nothing to read lets the other threads
//! run and looks again, before the thread really blocks.

use crate::clock::Clock;
use crate::counters::COUNT;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

/// How often a connection looks for something to read before it sleeps. With one connection that takes some 40
/// microseconds, about as long as to fall asleep and be woken.
const LOOKS: u32 = 64;

/// A turn of our own threads is shorter, in microseconds, with at most `FEW` of them. A longer one means that another
/// program wants the processor, and gets a whole slice of it (3 or 4 ms) each time that we yield.
const LONG_TURN: u64 = 2_500;
const FEW: u64 = 64;

/// When looking may begin again, in microseconds since the start: one moment for all, for they share the processors.
static REST_UNTIL: AtomicU64 = AtomicU64::new(0);

pub struct Socket<'a> {
    stream: &'a TcpStream,
    clock: &'a Clock,
    /// Whether reading and writing wait, as the stream was last told.
    blocking: bool,
    /// The last read got as much as it asked for, so the next one will hardly have to wait.
    more: bool,
}

impl<'a> Socket<'a> {
    pub fn new(stream: &'a TcpStream, clock: &'a Clock) -> Socket<'a> {
        Socket {
            stream,
            clock,
            blocking: true,
            more: false,
        }
    }

    fn set_blocking(&mut self, blocking: bool) -> Result<()> {
        if self.blocking != blocking {
            self.stream.set_nonblocking(!blocking)?;
            self.blocking = blocking;
        }
        Ok(())
    }

    /// Reads what comes while others run, or else asleep.
    fn look(&mut self, buffer: &mut [u8]) -> Result<usize> {
        for _ in 0..LOOKS {
            if !self.more && !self.let_others_run() {
                break;
            }
            self.more = false;
            self.set_blocking(false)?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        self.set_blocking(true)?;
        self.stream.read(buffer)
    }

    /// `false`: looking does not pay now. After a turn that was too long nobody looks for 32 times as long, so that it costs
    /// another program, and us, one part in 33.
    fn let_others_run(&self) -> bool {
        let start = self.clock.microseconds();
        if start < REST_UNTIL.load(Relaxed) {
            return false;
        }
        thread::yield_now();
        let turn = self.clock.microseconds() - start;
        if turn > LONG_TURN && COUNT.curr_connections.get() <= FEW {
            REST_UNTIL.store(start + 33 * turn, Relaxed);
        }
        true
    }
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.look(buffer) {
                // A process that was stopped and goes on: nothing has happened to the client.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => {
                    let count = *result.as_ref().unwrap_or(&0);
                    self.more = count == buffer.len();
                    COUNT.bytes_read.add(count);
                    return result;
                }
            }
        }
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && !self.blocking => {
                self.set_blocking(true)?;
                self.stream.write(bytes)?
            }
            result => result?,
        };
        COUNT.bytes_written.add(count);
        Ok(count)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
