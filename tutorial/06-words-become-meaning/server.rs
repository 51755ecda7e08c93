//! What each command does: read what it needs from the client, work on the store under the lock, write the reply.

use crate::command::{self, Command, Request, Storage};
use crate::connection::Connection;
use std::collections::HashMap;
use std::io::Result;
use std::net::TcpStream;
use std::sync::Mutex;

/// The longest data block, in bytes.
const VALUE_MAX: usize = 1024 * 1024;

/// What `get` answers, by key.
pub type Store = Mutex<HashMap<Vec<u8>, Vec<u8>>>;

/// A client, and the store it talks to.
pub struct Session<'a> {
    store: &'a Store,
    connection: Connection<'a>,
}

impl<'a> Session<'a> {
    pub fn new(stream: &'a TcpStream, store: &'a Store) -> Session<'a> {
        let connection = Connection::new(stream);
        Session { store, connection }
    }

    /// Answers one command after the other, until the client leaves.
    pub fn talk(&mut self) -> Result<()> {
        let mut line = Vec::new();
        while self.connection.read_line(&mut line)? {
            let Request { command, noreply } = command::parse(&line);
            let reply = match command {
                Ok(Command::Get(keys)) => self.get(&keys),
                Ok(Command::Store(line)) => self.store(&line)?.into(),
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
        let items = self.store.lock().unwrap();
        let found = keys.iter().filter_map(|key| items.get(*key));
        found.flatten().chain(b"END").copied().collect()
    }

    fn store(&mut self, line: &Storage) -> Result<&'static str> {
        if line.bytes > VALUE_MAX {
            self.connection.swallow(line.bytes as u64 + 2)?;
            return Ok("SERVER_ERROR object too large for cache");
        }
        let mut block = vec![0; line.bytes + 2];
        if !self.connection.read_block(&mut block)? {
            return Ok("CLIENT_ERROR bad data chunk");
        }
        let numbers = format!(" {} {}\r\n", line.flags, line.bytes);
        let item = [b"VALUE ", line.key, numbers.as_bytes(), &block].concat();
        self.store.lock().unwrap().insert(line.key.to_vec(), item);
        Ok("STORED")
    }
}
