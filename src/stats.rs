//! What the server counts, and the `stats` command that tells it under memcached's own names.
//!
//! Counters of commands are kept by the store, under its lock; counters of connections are atomics, since they change
//! where no lock is held. What memcached counts of its slabs, threads and logs has no meaning here and is left out.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::change::{Delta, Outcome};
use crate::clock::unix_time;
use crate::connection::Connection;
use crate::server::Server;

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
pub fn answer(
    server: &Server,
    connection: &mut Connection,
    arguments: &[&[u8]],
) -> io::Result<Cow<'static, str>> {
    match arguments {
        [] => general(server, connection)?,
        [b"settings", ..] => settings(server, connection)?,
        [b"items", ..] => items(server, connection)?,
        [b"slabs", ..] => stat(connection, "active_slabs", 0)?,
        [b"sizes", ..] => stat(connection, "sizes_status", "disabled")?,
        [b"conns", ..] | [b"detail", b"dump", ..] => {}
        [b"detail", b"on" | b"off", ..] => return Ok("OK".into()),
        [b"detail", ..] => return Ok("CLIENT_ERROR usage: stats detail on|off|dump".into()),
        [b"cachedump", ..] => return Ok("CLIENT_ERROR stats cachedump not allowed".into()),
        [b"reset", ..] => {
            reset(server, connection);
            return Ok("RESET".into());
        }
        _ => return Ok("ERROR".into()),
    }
    Ok("END".into())
}

fn stat(connection: &mut Connection, name: &str, value: impl Display) -> io::Result<()> {
    write!(connection.replies(), "STAT {name} {value}\r\n")
}

fn general(server: &Server, connection: &mut Connection) -> io::Result<()> {
    let stats = &server.stats;
    stat(connection, "pid", process::id())?;
    stat(connection, "uptime", server.clock.uptime().as_secs())?;
    stat(connection, "time", unix_time())?;
    stat(connection, "version", VERSION)?;
    stat(connection, "pointer_size", usize::BITS)?;
    stat(connection, "max_connections", server.options.conn_limit)?;
    stat(connection, "curr_connections", stats.curr_connections.get())?;
    stat(
        connection,
        "total_connections",
        stats.total_connections.get(),
    )?;
    stat(
        connection,
        "rejected_connections",
        stats.rejected_connections.get(),
    )?;
    stat(connection, "idle_kicks", stats.idle_kicks.get())?;
    stat(connection, "bytes_read", stats.bytes_read.get())?;
    stat(connection, "bytes_written", stats.bytes_written.get())?;
    let (counts, items, bytes) = server.cache.with(connection.now(), |store| {
        (store.counts.clone(), store.len(), store.bytes())
    });
    for (name, count) in counts.list() {
        stat(connection, name, count)?;
    }
    stat(connection, "limit_maxbytes", server.options.memory_limit)?;
    stat(connection, "accepting_conns", 1)?;
    stat(connection, "threads", stats.curr_connections.get())?;
    stat(connection, "bytes", bytes)?;
    stat(connection, "curr_items", items)
}

/// The settings that are settings here too.
fn settings(server: &Server, connection: &mut Connection) -> io::Result<()> {
    let options = &server.options;
    let hosts: Vec<&str> = options
        .listen
        .iter()
        .map(|(host, _)| host.as_str())
        .collect();
    stat(connection, "maxbytes", options.memory_limit)?;
    stat(connection, "maxconns", options.conn_limit)?;
    stat(connection, "tcpport", options.port)?;
    stat(connection, "udpport", 0)?;
    stat(connection, "inter", hosts.join(","))?;
    stat(connection, "verbosity", server.stats.verbosity.get())?;
    stat(connection, "evictions", "on")?;
    stat(connection, "cas_enabled", "yes")?;
    stat(connection, "item_size_max", options.item_size_max)?;
    stat(connection, "maxconns_fast", "yes")?;
    stat(connection, "flush_enabled", "yes")?;
    stat(connection, "idle_timeout", options.idle_timeout)
}

/// All items are of one class here.
fn items(server: &Server, connection: &mut Connection) -> io::Result<()> {
    let (counts, items, bytes) = server.cache.with(connection.now(), |store| {
        (store.counts.clone(), store.len(), store.bytes())
    });
    if items == 0 {
        return Ok(());
    }
    stat(connection, "items:1:number", items)?;
    stat(connection, "items:1:mem_requested", bytes)?;
    stat(connection, "items:1:evicted", counts.evictions)?;
    stat(connection, "items:1:outofmemory", counts.store_no_memory)?;
    stat(connection, "items:1:reclaimed", counts.reclaimed)
}

fn reset(server: &Server, connection: &Connection) {
    server
        .cache
        .with(connection.now(), |store| store.counts = Counts::default());
    let stats = &server.stats;
    for counter in [
        &stats.total_connections,
        &stats.rejected_connections,
        &stats.bytes_read,
        &stats.bytes_written,
    ] {
        counter.set(0);
    }
}
