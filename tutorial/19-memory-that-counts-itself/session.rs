//! A client and its server: line for line, what the client asks for is read, done and answered.
//!
//! Here everything meets. A command is carried out in three steps that never overlap: read what it needs from the client,
//! work on the store under the lock, write the reply.

use crate::change::Failure;
use crate::command::{self, Command, Get, Request, Storage};
use crate::connection::Connection;
use crate::counters::{COUNT, VERBOSITY};
use crate::item::Item;
use crate::server::{Server, VERSION, explain};
use crate::stats;
use std::io::{self, Write};
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
    pub fn talk(&mut self) -> io::Result<()> {
        let server = self.server;
        let mut line = Vec::new();
        while self.connection.read_line(&mut line)? {
            let Request { command, noreply } = command::parse(&line);
            let reply: String = match command {
                Ok(Command::Get(line)) => self.get(&line)?.into(),
                Ok(Command::Store(line)) => self.store(&line)?.into(),
                Ok(Command::Delete(key)) => server.delete(key).into(),
                Ok(Command::Delta(key, delta)) => server.delta(key, delta),
                Ok(Command::Touch(key, exptime)) => server.touch(key, exptime).into(),
                Ok(Command::FlushAll(delay)) => server.flush_all(delay).into(),
                Ok(Command::Verbosity(level)) => server.verbosity(level).into(),
                Ok(Command::CacheMemlimit(limit)) => server.cache_memlimit(limit).into(),
                Ok(Command::Version) => format!("VERSION {VERSION}"),
                Ok(Command::Stats(words)) => stats::answer(server, &words),
                Ok(Command::Shutdown(words)) => server.shutdown(&words).into(),
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

    /// get, gets, gat and gats. A handle is fetched under the lock, its value written outside of it.
    fn get(&mut self, line: &Get) -> io::Result<&'static str> {
        for key in &line.keys {
            if let Some(item) = self.server.get(key, line.touch) {
                self.write_value(&item, line.with_cas)?;
            }
        }
        Ok("END")
    }

    fn write_value(&mut self, item: &Item, with_cas: bool) -> io::Result<()> {
        if VERBOSITY.get() > 1 {
            let words = [b"sending key ", item.key()].concat();
            self.connection.say('>', &words);
        }
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
    fn store(&mut self, line: &Storage) -> io::Result<&'static str> {
        let item = self.receive(line)?;
        let stored = item.and_then(|item| self.server.store(item, line.mode));
        Ok(stored.map_or_else(explain, |()| "STORED"))
    }

    /// Reads a data block; the stream stays in step whether there is room for it or not.
    fn receive(&mut self, line: &Storage) -> io::Result<Result<Item, Failure>> {
        let mut draft = match self.server.draft(line) {
            Ok(draft) => draft,
            Err(failure) => {
                self.connection.swallow(line.bytes as u64 + 2)?;
                return Ok(Err(failure));
            }
        };
        match self.connection.read_block(&mut draft.block)? {
            true => Ok(Ok(draft.finish(self.server.moment(line.exptime)))),
            false => Ok(Err(Failure::BadChunk)),
        }
    }
}
