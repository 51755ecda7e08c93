//! What checks about memory share: a store that is full.

use super::process::stat;
use super::{client, exchange};
use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, random_key};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// How many items are stored. A check that measures what they take wants all of them to have stayed.
pub fn items(connection: &mut Connection) -> Result<u64, String> {
    stat(connection, "curr_items")
}

pub fn all_stayed(connection: &mut Connection, before: u64, more: u64) -> Verdict {
    match items(connection)? {
        now if now == before + more => Ok(()),
        now => Err(format!(
            "of {before} items and {more} more {now} are there: this check wants a server with more memory, `-m 64`"
        )),
    }
}

/// A store that was emptied, and has room for so many large values, as far as `-m` tells.
pub struct Full {
    pub connection: Connection,
    pub places: u64,
    taken: u64,
}

/// Of a large value, in bytes; and what it may take with all that belongs to it.
const LARGE: usize = 900_000;
const PLACE: u64 = 901_000;

impl Full {
    pub fn empty(peer: &Peer) -> Result<Full, String> {
        let mut connection = client(peer)?;
        exchange(&mut connection, "flush_all\r\n", b"OK\r\n")?;
        let places = stat(&mut connection, "limit_maxbytes")? / PLACE;
        Ok(Full {
            connection,
            places,
            taken: 0,
        })
    }

    /// Stores a large value under a new key.
    pub fn set(&mut self, exptime: u32) -> Result<String, String> {
        let key = random_key();
        self.taken += 1;
        self.store(&key, exptime)?;
        Ok(key)
    }

    pub fn set_again(&mut self, key: &str) -> Verdict {
        self.store(key, 0)
    }

    fn store(&mut self, key: &str, exptime: u32) -> Verdict {
        let line = format!("set {key} 0 {exptime} {LARGE}\r\n");
        let sent = [line.as_bytes(), &vec![b'x'; LARGE], b"\r\n"].concat();
        let _ = self.connection.stream.write_all(&sent);
        exchange(&mut self.connection, "", b"STORED\r\n")
    }

    /// Stores until there is no room for another one.
    pub fn fill(&mut self) -> Result<Vec<String>, String> {
        let free = self.places.saturating_sub(self.taken);
        (0..free).map(|_| self.set(0)).collect()
    }

    pub fn delete(&mut self, key: &str) -> Verdict {
        self.taken -= 1;
        exchange(
            &mut self.connection,
            format!("delete {key}\r\n"),
            b"DELETED\r\n",
        )
    }

    /// A hit, without its value.
    pub fn asks_for(&mut self, key: &str, exptime: u32) -> Verdict {
        let touch = format!("touch {key} {exptime}\r\n");
        exchange(&mut self.connection, touch, b"TOUCHED\r\n")
    }

    /// Whether the key is still there. To look is a hit.
    pub fn has(&mut self, key: &str, there: bool) -> Verdict {
        let reply: &[u8] = match there {
            true => b"TOUCHED\r\n",
            false => b"NOT_FOUND\r\n",
        };
        exchange(&mut self.connection, format!("touch {key} 0\r\n"), reply)
    }

    /// Waits until what was stored for so many seconds has expired: a small item, stored now for as long, is gone.
    pub fn outlive(&mut self, exptime: u32) -> Verdict {
        let key = random_key();
        let set = format!("set {key} 0 {exptime} 1\r\nx\r\n");
        exchange(&mut self.connection, set, b"STORED\r\n")?;
        let (get, deadline) = (format!("get {key}\r\n"), Instant::now() + PATIENCE);
        while Instant::now() < deadline {
            self.connection.send(&get);
            if self.connection.receive(b"END\r\n".len()) == b"END\r\n" {
                return Ok(());
            }
            let rest = format!("VALUE {key} 0 1\r\nx\r\nEND\r\n").len() - b"END\r\n".len();
            self.connection.receive(rest);
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{key} does not expire"))
    }
}
