//! A client and its server: line for line, what the client asks for is read, done and answered.
//!
//! Here everything meets. A command is carried out in three steps that never overlap: read what it needs from the client,
//! work on the store under the lock, write the reply.

use crate::change::Failure;
use crate::command::{self, Command, Get, Request, Storage};
use crate::connection::{Connection, LINE_ROOM};
use crate::counters::{COUNT, VERBOSITY};
use crate::item::Item;
use crate::memory::Block;
use crate::meta;
use crate::server::{Server, VERSION, explain};
use crate::stats;
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::net::TcpStream;

pub struct Session<'a> {
    server: &'a Server,
    connection: Connection<'a>,
    /// Room for the handles that a get holds at a time.
    hits: Vec<Item>,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, server: &'a Server) -> Session<'a> {
        let connection = Connection::new(stream, &server.clock, COUNT.total_connections.add(1));
        Session {
            server,
            connection,
            hits: Vec::new(),
        }
    }

    /// Answers one command after the other, until the client leaves.
    pub fn talk(&mut self) -> io::Result<()> {
        let server = self.server;
        let mut line = Block::with_room(LINE_ROOM, 0).ok_or(ErrorKind::OutOfMemory)?;
        let lengthen = |line: &mut Block| server.with(|store| store.lengthen(line));
        while self.connection.read_line(&mut line, lengthen)? {
            let Request { command, noreply } = command::parse(&line);
            let reply = match command {
                Ok(Command::Get(line)) => self.get(&line)?.into(),
                Ok(Command::Store(line)) => self.store(&line)?.into(),
                Ok(Command::Delete(key)) => server.delete(key).into(),
                Ok(Command::Delta(key, delta)) => server.delta(key, delta),
                Ok(Command::Touch(key, exptime)) => server.touch(key, exptime).into(),
                Ok(Command::FlushAll(delay)) => server.flush_all(delay).into(),
                Ok(Command::Verbosity(level)) => server.verbosity(level).into(),
                Ok(Command::CacheMemlimit(limit)) => server.cache_memlimit(limit).into(),
                Ok(Command::Version) => format!("VERSION {VERSION}").into(),
                Ok(Command::Stats(words)) => stats::answer(server, &words).into(),
                Ok(Command::Shutdown(words)) => server.shutdown(&words).into(),
                Ok(Command::Meta(name, words)) => meta::answer(server, name, &words),
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

    /// get, gets, gat and gats. Some handles at a time are fetched under the lock, and their values written outside of it.
    fn get(&mut self, line: &Get) -> io::Result<&'static str> {
        let mut keys = line.keys().peekable();
        let mut hits = mem::take(&mut self.hits);
        while keys.peek().is_some() {
            self.server.get(&mut keys, line.touch, &mut hits);
            for item in hits.drain(..) {
                self.write_value(&item, line.with_cas)?;
            }
        }
        self.hits = hits;
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
