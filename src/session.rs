//! A client and its server: line for line, what the client asks for is read, done and answered.
//!
//! Here everything meets. A command is carried out in three steps that never overlap: read what it needs from the client,
//! work on the store under the lock, write the reply.

use crate::change::Mode;
use crate::command::{self, Command, Get, Request, Storage};
use crate::connection::Connection;
use crate::counters::COUNT;
use crate::item::Item;
use crate::server::{Server, explain};
use crate::stats;
use crate::store::VALUE_MAX;
use std::io::{Result, Write};
use std::net::TcpStream;

pub struct Session<'a> {
    server: &'a Server,
    connection: Connection<'a>,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, server: &'a Server) -> Session<'a> {
        let connection = Connection::new(stream, COUNT.total_connections.add(1));
        Session { server, connection }
    }

    /// Answers one command after the other, until the client leaves.
    pub fn talk(&mut self) -> Result<()> {
        let mut line = Vec::new();
        while self.connection.read_line(&mut line)? {
            let Request { command, noreply } = command::parse(&line);
            let reply: String = match command {
                Ok(Command::Get(line)) => self.get(&line)?.into(),
                Ok(Command::Store(line)) => self.store(&line)?.into(),
                Ok(Command::Delete(key)) => self.server.delete(key).into(),
                Ok(Command::Delta(key, delta)) => self.server.delta(key, delta),
                Ok(Command::Touch(key, exptime)) => self.server.touch(key, exptime).into(),
                Ok(Command::FlushAll(delay)) => self.server.flush_all(delay).into(),
                Ok(Command::Verbosity(level)) => self.server.verbosity(level).into(),
                Ok(Command::Version) => self.server.version(),
                Ok(Command::Stats(words)) => stats::answer(self.server, &words),
                Ok(Command::Shutdown) => self.server.shutdown().into(),
                Ok(Command::Quit) => break,
                Err(malformed) => {
                    self.connection.swallow(malformed.swallow)?;
                    malformed.reply.into()
                }
            };
            if !noreply {
                self.connection.reply(&reply)?;
            }
        }
        self.connection.replies().flush()
    }

    /// get, gets, gat and gats. The handles are fetched under the lock, the values written outside of it.
    fn get(&mut self, line: &Get) -> Result<&'static str> {
        for key in &line.keys {
            let Some(item) = self.server.get(key, line.touch) else {
                continue;
            };
            self.write_value(&item, line.with_cas)?;
        }
        Ok("END")
    }

    fn write_value(&mut self, item: &Item, with_cas: bool) -> Result<()> {
        self.connection.show(b"sending key ", item.key());
        let replies = self.connection.replies();
        replies.write_all(b"VALUE ")?;
        if !with_cas {
            return replies.write_all(item.reply());
        }
        let (line, block) = item.reply_parts();
        replies.write_all(line)?;
        write!(replies, " {}\r\n", item.cas)?;
        replies.write_all(block)
    }

    /// set, add, replace, append, prepend and cas.
    fn store(&mut self, line: &Storage) -> Result<&'static str> {
        if line.bytes > VALUE_MAX {
            self.connection.swallow(line.bytes as u64 + 2)?;
            COUNT.store_too_large.add(1);
            if matches!(line.mode, Mode::Set) {
                self.server.with(|store| store.delete(line.key));
            }
            return Ok("SERVER_ERROR object too large for cache");
        }
        let mut block = vec![0; line.bytes + 2];
        if !self.connection.read_block(&mut block)? {
            return Ok("CLIENT_ERROR bad data chunk");
        }
        let expires = self.server.moment(line.exptime);
        let item = Item::new(line.key, line.flags, expires, &block[..line.bytes]);
        Ok(match self.server.store(item, line.mode) {
            Ok(()) => "STORED",
            Err(failure) => explain(failure),
        })
    }
}
