//! What each command does: read what it needs from the client, work on the store under the lock, write the reply.

use crate::command::{self, Command, Request, Storage};
use crate::connection::Connection;
use crate::item::Item;
use crate::store::{Cache, VALUE_MAX};
use std::io::Result;
use std::net::TcpStream;

/// The reply to `version`.
const VERSION: &str = "VERSION 0.1.0";

/// A client, and the store it talks to.
pub struct Session<'a> {
    cache: &'a Cache,
    connection: Connection<'a>,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, cache: &'a Cache) -> Session<'a> {
        let connection = Connection::new(stream);
        Session { cache, connection }
    }

    /// Answers one command after the other, until the client leaves.
    pub fn talk(&mut self) -> Result<()> {
        let mut line = Vec::new();
        while self.connection.read_line(&mut line)? {
            let Request { command, noreply } = command::parse(&line);
            let reply = match command {
                Ok(Command::Get(keys)) => self.get(&keys),
                Ok(Command::Store(line)) => self.store(&line)?.into(),
                Ok(Command::Delete(key)) => self.delete(key).into(),
                Ok(Command::Version) => VERSION.into(),
                Ok(Command::Quit) => break,
                Err(malformed) => {
                    self.connection.swallow(malformed.swallow)?;
                    malformed.reply.into()
                }
            };
            if !noreply {
                self.connection.reply(&[&reply[..], b"\r\n"].concat())?;
            }
        }
        Ok(())
    }

    fn get(&self, keys: &[&[u8]]) -> Vec<u8> {
        let mut reply = Vec::new();
        for key in keys {
            let Some(item) = self.cache.with(|store| store.fetch(key)) else {
                continue;
            };
            let numbers = format!(" {} {}", item.flags, item.data.len());
            reply.extend([b"VALUE ", *key, numbers.as_bytes(), b"\r\n"].concat());
            reply.extend([&item.data[..], b"\r\n"].concat());
        }
        reply.extend(b"END");
        reply
    }

    fn store(&mut self, line: &Storage) -> Result<&'static str> {
        if line.bytes > VALUE_MAX {
            self.connection.swallow(line.bytes as u64 + 2)?;
            self.cache.with(|store| store.delete(line.key));
            return Ok("SERVER_ERROR object too large for cache");
        }
        let mut block = vec![0; line.bytes + 2];
        if !self.connection.read_block(&mut block)? {
            return Ok("CLIENT_ERROR bad data chunk");
        }
        let item = Item::new(line.flags, &block[..line.bytes]);
        self.cache.with(|store| store.store(line.key, item));
        Ok("STORED")
    }

    fn delete(&self, key: &[u8]) -> &'static str {
        match self.cache.with(|store| store.delete(key)) {
            true => "DELETED",
            false => "NOT_FOUND",
        }
    }
}
