//! What the server counts, and the `stats` command that tells it under memcached's own names.
//!
//! Counters of commands are kept by the store, under its lock; counters of connections are atomics, since they change
//! where no lock is held. What memcached counts of its slabs, threads and logs has no meaning here and is left out.

use std::fmt::Display;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::change::{Delta, Outcome};
use crate::clock::unix_time;
use crate::server::Session;

/// The memcached whose protocol is spoken here; clients look at it to learn what they may ask for.
pub const VERSION: &str = "1.6.18";

/// Declares the counters of commands once, for the struct and for `stats`.
macro_rules! counts {
    ($($name:ident),* $(,)?) => {
        /// Counters of commands, since the start or the last `stats reset`.
        #[derive(Clone, Default)]
        pub struct Counts {
            $(pub $name: u64,)*
        }

        impl Counts {
            fn list(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

counts! {
    cmd_get, cmd_set, cmd_flush, cmd_touch, cmd_meta,
    get_hits, get_misses, get_expired,
    delete_misses, delete_hits,
    incr_misses, incr_hits, decr_misses, decr_hits,
    cas_misses, cas_hits, cas_badval,
    touch_hits, touch_misses,
    store_too_large, store_no_memory,
    total_items,
    evictions, evicted_unfetched, expired_unfetched, reclaimed,
}

impl Counts {
    /// A look for an item: gat and touch count apart.
    pub fn find(&mut self, touches: bool, hit: bool) {
        let (count, hits, misses) = match touches {
            true => (
                &mut self.cmd_touch,
                &mut self.touch_hits,
                &mut self.touch_misses,
            ),
            false => (&mut self.cmd_get, &mut self.get_hits, &mut self.get_misses),
        };
        *count += 1;
        *(if hit { hits } else { misses }) += 1;
    }

    pub fn delta(&mut self, delta: Delta, hit: bool) {
        *match (delta, hit) {
            (Delta::Increment(_), true) => &mut self.incr_hits,
            (Delta::Increment(_), false) => &mut self.incr_misses,
            (Delta::Decrement(_), true) => &mut self.decr_hits,
            (Delta::Decrement(_), false) => &mut self.decr_misses,
        } += 1;
    }

    pub fn cas(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Stored(_) => &mut self.cas_hits,
            Outcome::NotFound => &mut self.cas_misses,
            Outcome::Exists | Outcome::NotStored => &mut self.cas_badval,
        } += 1;
    }
}

/// A number that many threads change.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Returns what it was before.
    pub fn add(&self, amount: usize) -> u64 {
        self.0.fetch_add(amount as u64, Relaxed)
    }

    pub fn subtract_one(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

/// What is counted outside of the store.
#[derive(Default)]
pub struct Stats {
    pub curr_connections: Counter,
    pub total_connections: Counter,
    /// Turned away because of `-c`.
    pub rejected_connections: Counter,
    /// Hung up on because of `-o idle_timeout`.
    pub idle_kicks: Counter,
    pub bytes_read: Counter,
    pub bytes_written: Counter,
    /// How many times `-v` was given, or what the verbosity command said.
    pub verbosity: Counter,
}

/// Answers `stats`, but for the last line, which is returned.
pub fn answer(session: &mut Session, arguments: &[&[u8]]) -> io::Result<&'static str> {
    match arguments {
        [] => general(session)?,
        [b"settings", ..] => settings(session)?,
        [b"items", ..] => items(session)?,
        [b"slabs", ..] => stat(session, "active_slabs", 0)?,
        [b"sizes", ..] => stat(session, "sizes_status", "disabled")?,
        [b"conns", ..] | [b"detail", b"dump", ..] => {}
        [b"detail", b"on" | b"off", ..] => return Ok("OK"),
        [b"detail", ..] => return Ok("CLIENT_ERROR usage: stats detail on|off|dump"),
        [b"cachedump", ..] => return Ok("CLIENT_ERROR stats cachedump not allowed"),
        [b"reset", ..] => {
            reset(session);
            return Ok("RESET");
        }
        _ => return Ok("ERROR"),
    }
    Ok("END")
}

fn stat(session: &mut Session, name: &str, value: impl Display) -> io::Result<()> {
    write!(session.connection.replies(), "STAT {name} {value}\r\n")
}

fn general(session: &mut Session) -> io::Result<()> {
    let (stats, options) = (&session.server.stats, &session.server.options);
    stat(session, "pid", process::id())?;
    stat(session, "uptime", session.server.clock.uptime().as_secs())?;
    stat(session, "time", unix_time())?;
    stat(session, "version", VERSION)?;
    stat(session, "pointer_size", usize::BITS)?;
    stat(session, "max_connections", options.conn_limit)?;
    stat(session, "curr_connections", stats.curr_connections.get())?;
    stat(session, "total_connections", stats.total_connections.get())?;
    let rejected = stats.rejected_connections.get();
    stat(session, "rejected_connections", rejected)?;
    stat(session, "idle_kicks", stats.idle_kicks.get())?;
    stat(session, "bytes_read", stats.bytes_read.get())?;
    stat(session, "bytes_written", stats.bytes_written.get())?;
    let (counts, items, bytes) =
        session.with(|store| (store.counts.clone(), store.len(), store.bytes()));
    for (name, count) in counts.list() {
        stat(session, name, count)?;
    }
    stat(session, "limit_maxbytes", options.memory_limit)?;
    stat(session, "accepting_conns", 1)?;
    stat(session, "threads", stats.curr_connections.get())?;
    stat(session, "bytes", bytes)?;
    stat(session, "curr_items", items)
}

/// The settings that are settings here too.
fn settings(session: &mut Session) -> io::Result<()> {
    let options = &session.server.options;
    let hosts = options.listen.iter().map(|(host, _)| host.as_str());
    let hosts: Vec<&str> = hosts.collect();
    stat(session, "maxbytes", options.memory_limit)?;
    stat(session, "maxconns", options.conn_limit)?;
    stat(session, "tcpport", options.port)?;
    stat(session, "udpport", 0)?;
    stat(session, "inter", hosts.join(","))?;
    stat(session, "verbosity", session.server.stats.verbosity.get())?;
    stat(session, "evictions", "on")?;
    stat(session, "cas_enabled", "yes")?;
    stat(session, "item_size_max", options.item_size_max)?;
    stat(session, "maxconns_fast", "yes")?;
    stat(session, "flush_enabled", "yes")?;
    stat(session, "idle_timeout", options.idle_timeout)
}

/// All items are of one class here.
fn items(session: &mut Session) -> io::Result<()> {
    let (counts, items, bytes) =
        session.with(|store| (store.counts.clone(), store.len(), store.bytes()));
    if items == 0 {
        return Ok(());
    }
    stat(session, "items:1:number", items)?;
    stat(session, "items:1:mem_requested", bytes)?;
    stat(session, "items:1:evicted", counts.evictions)?;
    stat(session, "items:1:outofmemory", counts.store_no_memory)?;
    stat(session, "items:1:reclaimed", counts.reclaimed)
}

fn reset(session: &Session) {
    session.with(|store| store.counts = Counts::default());
    let stats = &session.server.stats;
    for counter in [
        &stats.total_connections,
        &stats.rejected_connections,
        &stats.bytes_read,
        &stats.bytes_written,
    ] {
        counter.set(0);
    }
}
