//! A client's stream: what goes through it is counted, and a call that the system interrupts is made again.

use crate::counters::COUNT;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;

pub struct Socket<'a> {
    stream: &'a TcpStream,
}

impl<'a> Socket<'a> {
    pub fn new(stream: &'a TcpStream) -> Socket<'a> {
        Socket { stream }
    }
}

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.stream.read(buffer) {
                // A process that was stopped and goes on: nothing has happened to the client.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => {
                    COUNT.bytes_read.add(*result.as_ref().unwrap_or(&0));
                    return result;
                }
            }
        }
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = self.stream.write(bytes)?;
        COUNT.bytes_written.add(count);
        Ok(count)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
