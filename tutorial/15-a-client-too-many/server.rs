//! What each command does: read what it needs from the client, work on the store under the lock, write the reply.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Clock, Moment, NEVER};
use crate::command::{self, Command, Get, Request, Storage};
use crate::connection::Connection;
use crate::item::Item;
use crate::options::Options;
use crate::store::{Cache, Store};
use std::io::{Result, Write};
use std::net::TcpStream;

/// The reply to `version`.
const VERSION: &str = "VERSION 0.1.0";

/// What all connections share.
pub struct Server {
    pub cache: Cache,
    pub clock: Clock,
    pub options: Options,
    /// How many clients there can be at a time.
    pub places: usize,
}

/// A client, and the server it talks to.
pub struct Session<'a> {
    server: &'a Server,
    connection: Connection<'a>,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, server: &'a Server) -> Session<'a> {
        let connection = Connection::new(stream);
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
                Ok(Command::Delete(key)) => self.delete(key).into(),
                Ok(Command::Delta(key, delta)) => self.delta(key, delta),
                Ok(Command::Touch(key, exptime)) => self.touch(key, exptime).into(),
                Ok(Command::FlushAll(delay)) => self.flush_all(delay).into(),
                Ok(Command::Version) => VERSION.into(),
                Ok(Command::Quit) => break,
                Err(malformed) => {
                    self.connection.swallow(malformed.swallow)?;
                    malformed.reply.into()
                }
            };
            if !noreply {
                write!(self.connection.replies(), "{reply}\r\n")?;
            }
        }
        self.connection.replies().flush()
    }

    fn with<Answer>(&self, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        self.server.cache.with(self.server.clock.now(), work)
    }

    /// The moment that an exptime means.
    fn moment(&self, exptime: i32) -> Moment {
        let clock = &self.server.clock;
        clock.moment(exptime, clock.now())
    }

    /// get, gets, gat and gats. The handles are fetched under the lock, the values written outside of it.
    fn get(&mut self, line: &Get) -> Result<&'static str> {
        let expires = line.touch.map(|exptime| self.moment(exptime));
        for key in &line.keys {
            let Some(item) = self.with(|store| store.fetch(key, expires)) else {
                continue;
            };
            let replies = self.connection.replies();
            replies.write_all(b"VALUE ")?;
            replies.write_all(key)?;
            write!(replies, " {} {}", item.flags, item.data.len())?;
            if line.with_cas {
                write!(replies, " {}", item.cas)?;
            }
            replies.write_all(b"\r\n")?;
            replies.write_all(&item.data)?;
            replies.write_all(b"\r\n")?;
        }
        Ok("END")
    }

    /// set, add, replace, append, prepend and cas.
    fn store(&mut self, line: &Storage) -> Result<&'static str> {
        if Item::size(line.key, line.bytes) > self.server.options.limits.item_size {
            self.connection.swallow(line.bytes as u64 + 2)?;
            if matches!(line.mode, Mode::Set) {
                self.with(|store| store.delete(line.key));
            }
            return Ok("SERVER_ERROR object too large for cache");
        }
        let mut block = vec![0; line.bytes + 2];
        if !self.connection.read_block(&mut block)? {
            return Ok("CLIENT_ERROR bad data chunk");
        }
        let item = Item::new(line.flags, self.moment(line.exptime), &block[..line.bytes]);
        let outcome = self.with(|store| store.store(line.key, item, line.mode));
        Ok(outcome.map_or_else(explain, |()| "STORED"))
    }

    fn delete(&self, key: &[u8]) -> &'static str {
        match self.with(|store| store.delete(key)) {
            true => "DELETED",
            false => "NOT_FOUND",
        }
    }

    /// incr and decr.
    fn delta(&self, key: &[u8], delta: Delta) -> String {
        match self.with(|store| store.delta(key, delta)) {
            Ok(number) => number.to_string(),
            Err(failure) => explain(failure).to_string(),
        }
    }

    fn touch(&self, key: &[u8], exptime: i32) -> &'static str {
        let expires = self.moment(exptime);
        match self.with(|store| store.fetch(key, Some(expires))) {
            Some(_) => "TOUCHED",
            None => "NOT_FOUND",
        }
    }

    fn flush_all(&self, delay: i32) -> &'static str {
        let at = if delay > 0 { self.moment(delay) } else { NEVER };
        self.with(|store| store.flush_all(at));
        "OK"
    }
}

fn explain(failure: Failure) -> &'static str {
    match failure {
        Failure::NotStored => "NOT_STORED",
        Failure::Exists => "EXISTS",
        Failure::NotFound => "NOT_FOUND",
        Failure::NonNumeric => "CLIENT_ERROR cannot increment or decrement non-numeric value",
    }
}
