//! What checks about memory share: a store that is full, and what a server on this machine holds.

use super::{client, exchange};
use crate::common::{Connection, PATIENCE};
use crate::peer::{Peer, Verdict, random_key};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// What `stats` tells in whole numbers, by name.
pub fn stats(connection: &mut Connection) -> Result<HashMap<String, u64>, String> {
    let _ = connection.stream.write_all(b"stats\r\n");
    let mut got = Vec::new();
    while !got.ends_with(b"END\r\n") {
        match connection.receive(1) {
            byte if byte.is_empty() => return Err("`stats` is not answered to its END".into()),
            byte => got.extend(byte),
        }
    }
    let text = String::from_utf8_lossy(&got);
    let number = |line: &str| {
        let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
        Some((name.to_string(), value.parse().ok()?))
    };
    Ok(text.lines().filter_map(number).collect())
}

/// The resident memory of the server, which must run on this machine, in bytes.
pub fn resident(connection: &mut Connection) -> Result<u64, String> {
    let stats = stats(connection)?;
    let pid = stats.get("pid").ok_or("`stats` tells no pid")?.to_string();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let asked = || {
        let ps = Command::new("ps").args(["-o", "rss=", "-p", &pid]).output();
        ps.map_or(String::new(), |ps| {
            String::from_utf8_lossy(&ps.stdout).into_owned()
        })
    };
    let size = size.map_or_else(asked, str::to_string);
    let kilobytes = size.split_whitespace().next();
    let kilobytes = kilobytes.and_then(|word| word.parse::<u64>().ok());
    let here = kilobytes.ok_or(format!("process {pid} is not on this machine"))?;
    Ok(here * 1024)
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
        let limit = stats(&mut connection)?.get("limit_maxbytes").copied();
        Ok(Full {
            connection,
            places: limit.ok_or("`stats` tells no limit_maxbytes")? / PLACE,
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
