//! What each command does: read what it needs from the client, work on the store under the lock, write the reply.

use crate::connection::Connection;
use std::collections::HashMap;
use std::io::Result;
use std::net::TcpStream;
use std::sync::Mutex;

/// The longest data block, in bytes.
const VALUE_MAX: u32 = 1024 * 1024;

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
            let words = line.split(|&byte| byte == b' ');
            let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
            let reply = match words[..] {
                [b"get", _, ..] => self.get(&words[1..]),
                [b"set", key, flags, _exptime, bytes, ..] => self.set(key, flags, bytes)?,
                [b"quit"] => break,
                _ => b"ERROR\r\n".to_vec(),
            };
            if words.last() != Some(&&b"noreply"[..]) || words[0] == b"get" {
                self.connection.reply(&reply)?;
            }
        }
        Ok(())
    }

    fn get(&self, keys: &[&[u8]]) -> Vec<u8> {
        let items = self.store.lock().unwrap();
        let found = keys.iter().filter_map(|key| items.get(*key));
        found.flatten().chain(b"END\r\n").copied().collect()
    }

    fn set(&mut self, key: &[u8], flags: &[u8], bytes: &[u8]) -> Result<Vec<u8>> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let Ok(length) = text.parse::<u32>() else {
            return Ok(b"ERROR\r\n".to_vec());
        };
        if length > VALUE_MAX {
            self.connection.swallow(length as u64 + 2)?;
            return Ok(b"SERVER_ERROR object too large for cache\r\n".to_vec());
        }
        let mut block = vec![0; length as usize + 2];
        if !self.connection.read_block(&mut block)? {
            return Ok(b"CLIENT_ERROR bad data chunk\r\n".to_vec());
        }
        let line = [b"VALUE", key, flags, bytes].join(&b' ');
        let item = [&line[..], b"\r\n", &block].concat();
        self.store.lock().unwrap().insert(key.to_vec(), item);
        Ok(b"STORED\r\n".to_vec())
    }
}
