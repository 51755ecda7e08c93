//! What the classic commands do: the room between the connection, the commands and the store.
//!
//! A command is carried out in three steps that never overlap: read what it needs from the client, work on the store
//! under the lock, write the reply. A value that was found is a handle, so its bytes are written outside of the lock.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::change::{Change, Delta, DeltaFailure, Outcome};
use crate::clock::{Clock, Moment, NEVER};
use crate::command::{self, Command, Get, Request, Storage, Words, split};
use crate::connection::Connection;
use crate::item::Item;
use crate::meta;
use crate::options::Options;
use crate::stats::{self, Stats};
use crate::store::{Cache, Refusal, Store};

/// What incr, decr and ma say of a data block that is no number.
pub const NON_NUMERIC: &str = "CLIENT_ERROR cannot increment or decrement non-numeric value";

/// So many keys of one `get` are looked up before the lock is let go and their values are written.
const KEYS_AT_ONCE: usize = 64;

/// Values of one `get` that are held before they are written: a slow client shall not hold much, in bytes.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// What all connections share.
pub struct Server {
    pub cache: Cache,
    pub clock: Clock,
    pub stats: Stats,
    pub options: Options,
}

/// A client, and the server it talks to.
pub struct Session<'a> {
    pub server: &'a Server,
    pub connection: Connection<'a>,
}

impl Session<'_> {
    /// Answers one command after the other, until the client leaves.
    pub fn talk(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        let mut hits = Vec::new();
        while self.connection.read_line(&mut line)? {
            let Request { command, noreply } = command::parse(&line);
            let reply = match command {
                Ok(Command::Get(line)) => self.get(line, &mut hits)?,
                Ok(Command::Store(line)) => self.store(&line)?.into(),
                Ok(Command::Meta(name, rest)) => {
                    meta::answer(self, name, Words::of(rest).as_slice())?;
                    continue;
                }
                Ok(Command::Delete(key)) => self.delete(key).into(),
                Ok(Command::Delta(key, delta)) => self.delta(key, delta),
                Ok(Command::Touch(key, exptime)) => self.touch(key, exptime).into(),
                Ok(Command::FlushAll(delay)) => self.flush_all(delay).into(),
                Ok(Command::Verbosity(level)) => self.verbosity(level).into(),
                Ok(Command::Version) => format!("VERSION {}", stats::VERSION).into(),
                Ok(Command::Stats(rest)) => stats::answer(self, Words::of(rest).as_slice())?.into(),
                Ok(Command::Quit) => break,
                Err(malformed) => {
                    self.connection.swallow(malformed.swallow)?;
                    malformed.reply.into()
                }
            };
            if !noreply {
                self.reply(&reply)?;
            }
        }
        self.connection.flush()
    }

    /// Works on the store, under its lock.
    pub fn with<Answer>(&self, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        self.server.cache.with(self.connection.now(), work)
    }

    /// The moment that an exptime of this command means.
    pub fn moment(&self, exptime: i32) -> Moment {
        self.server.clock.moment(exptime, self.connection.now())
    }

    pub fn reply(&mut self, line: &str) -> io::Result<()> {
        self.connection.reply(line)
    }

    /// get, gets, gat and gats. The values found are handles: fetched under the lock, written outside of it.
    fn get(&mut self, line: Get, hits: &mut Vec<Item>) -> io::Result<Cow<'static, str>> {
        let expires = line.touch.map(|exptime| self.moment(exptime));
        let mut keys = split(line.keys).peekable();
        while keys.peek().is_some() {
            self.with(|store| {
                let mut bytes = 0;
                for key in keys.by_ref().take(KEYS_AT_ONCE) {
                    if let Some(item) = store.fetch(key, expires) {
                        bytes += item.data().len();
                        hits.push(item);
                    }
                    if bytes > BYTES_AT_ONCE {
                        break;
                    }
                }
            });
            for item in hits.drain(..) {
                self.write_value(&item, line.with_cas)?;
            }
        }
        Ok("END".into())
    }

    fn write_value(&mut self, item: &Item, with_cas: bool) -> io::Result<()> {
        if self.connection.is_watched() {
            self.connection
                .show(&[b"sending key ", item.key()].concat());
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
        let mut item = match self.receive(line.key, line.flags, line.bytes, &line.change)? {
            Ok(item) => item,
            Err(failure) => return Ok(failure),
        };
        item.expires = self.moment(line.exptime);
        Ok(match self.with(|store| store.store(item, &line.change)) {
            Outcome::Stored(_) => "STORED",
            Outcome::NotStored => "NOT_STORED",
            Outcome::Exists => "EXISTS",
            Outcome::NotFound => "NOT_FOUND",
        })
    }

    /// Reads a data block into a new item, or says which error line answers it; the stream stays in step either way.
    /// Nothing is allocated on the client's word alone: the store has to agree to the length first.
    pub fn receive(
        &mut self,
        key: &[u8],
        flags: u32,
        bytes: usize,
        change: &Change,
    ) -> io::Result<Result<Item, &'static str>> {
        if let Err(refusal) = self.with(|store| store.reserve(key, bytes, change)) {
            self.connection.swallow(bytes as u64 + 2)?;
            return Ok(Err(match refusal {
                Refusal::TooLarge => "SERVER_ERROR object too large for cache",
                Refusal::OutOfMemory => "SERVER_ERROR out of memory storing object",
            }));
        }
        let mut item = Item::new(key, flags, bytes);
        let complete = self.connection.read_block(item.block_mut());
        if !matches!(complete, Ok(true)) {
            self.with(|store| store.release(key, bytes));
        }
        Ok(match complete? {
            true => Ok(item),
            false => Err("CLIENT_ERROR bad data chunk"),
        })
    }

    fn delete(&self, key: &[u8]) -> &'static str {
        match self.with(|store| store.delete(key)) {
            true => "DELETED",
            false => "NOT_FOUND",
        }
    }

    /// incr and decr.
    fn delta(&self, key: &[u8], delta: Delta) -> Cow<'static, str> {
        match self.with(|store| store.delta(key, delta, None)) {
            Ok(number) => number.to_string().into(),
            Err(DeltaFailure::NotFound) => "NOT_FOUND".into(),
            Err(DeltaFailure::Exists) => "EXISTS".into(),
            Err(DeltaFailure::NonNumeric) => NON_NUMERIC.into(),
        }
    }

    fn touch(&self, key: &[u8], exptime: i32) -> &'static str {
        let expires = Some(self.moment(exptime));
        match self.with(|store| store.fetch(key, expires)) {
            Some(_) => "TOUCHED",
            None => "NOT_FOUND",
        }
    }

    fn flush_all(&self, delay: i32) -> &'static str {
        let at = if delay > 0 { self.moment(delay) } else { NEVER };
        self.with(|store| store.flush_all(at));
        "OK"
    }

    fn verbosity(&self, level: u32) -> &'static str {
        self.server.stats.verbosity.set(level.into());
        "OK"
    }
}
