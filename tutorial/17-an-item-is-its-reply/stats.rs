//! `stats`: from what was counted to lines, under memcached's own names. It knows no connection.
//!
//! What memcached counts of its slabs, threads and logs has no meaning here and is left out.

use crate::counters::{COUNT, VERBOSITY};
use crate::server::{Server, VERSION};
use std::fmt::Display;
use std::process;

/// The reply to `stats` with these words behind it, but for its last `\r\n`.
pub fn answer(server: &Server, words: &[&[u8]]) -> String {
    match words {
        [] => general(server).end(),
        [b"settings", ..] => settings(server).end(),
        [b"items", ..] => items(server).end(),
        [b"slabs", ..] => slabs(server).end(),
        [b"sizes", ..] => Lines::default().tell("sizes_status", "disabled").end(),
        [b"conns", ..] | [b"detail", b"dump", ..] => Lines::default().end(),
        [b"detail", b"on" | b"off", ..] => "OK".into(),
        [b"detail", ..] => "CLIENT_ERROR usage: stats detail on|off|dump".into(),
        [b"cachedump", ..] => "CLIENT_ERROR stats cachedump not allowed".into(),
        [b"reset", ..] => reset().into(),
        _ => "ERROR".into(),
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn tell(mut self, name: &str, value: impl Display) -> Lines {
        self.0 += &format!("STAT {name} {value}\r\n");
        self
    }

    fn end(self) -> String {
        self.0 + "END"
    }
}

fn general(server: &Server) -> Lines {
    let (items, bytes, limits) = server.with(|store| (store.len(), store.bytes(), store.limits));
    let touches = COUNT.touch_hits.get() + COUNT.touch_misses.get();
    let lines = Lines::default()
        .tell("pid", process::id())
        .tell("uptime", server.clock.uptime().as_secs())
        .tell("time", server.clock.unix_now())
        .tell("version", VERSION)
        .tell("pointer_size", usize::BITS)
        .tell("max_connections", server.places)
        .tell("threads", COUNT.curr_connections.get())
        .tell("accepting_conns", 1)
        .tell("cmd_get", COUNT.get_hits.get() + COUNT.get_misses.get())
        .tell("cmd_touch", touches)
        .tell("limit_maxbytes", limits.memory)
        .tell("bytes", bytes)
        .tell("curr_items", items);
    COUNT
        .list()
        .fold(lines, |lines, (name, count)| lines.tell(name, count.get()))
}

/// The settings that are settings here too.
fn settings(server: &Server) -> Lines {
    let options = &server.options;
    let limits = server.with(|store| store.limits);
    let hosts = options.listen.iter().map(|(host, _)| host.as_str());
    let yes = |yes| if yes { "yes" } else { "no" };
    Lines::default()
        .tell("maxbytes", limits.memory)
        .tell("maxconns", options.conn_limit)
        .tell("tcpport", options.port)
        .tell("udpport", 0)
        .tell("inter", hosts.collect::<Vec<_>>().join(","))
        .tell("verbosity", VERBOSITY.get())
        .tell("item_size_max", limits.item_size)
        .tell("cas_enabled", yes(true))
        .tell("maxconns_fast", yes(true))
        .tell("flush_enabled", yes(options.flush_enabled))
        .tell("shutdown_command", yes(options.shutdown_enabled))
        .tell("idle_timeout", options.idle_timeout)
}

/// All items are of one class here.
fn items(server: &Server) -> Lines {
    let (items, bytes) = server.with(|store| (store.len(), store.bytes()));
    if items == 0 {
        return Lines::default();
    }
    Lines::default()
        .tell("items:1:number", items)
        .tell("items:1:mem_requested", bytes)
        .tell("items:1:evicted", COUNT.evictions.get())
        .tell("items:1:reclaimed", COUNT.reclaimed.get())
}

/// There are no slabs: one stands for all that is held.
fn slabs(server: &Server) -> Lines {
    let (items, bytes) = server.with(|store| (store.len(), store.bytes()));
    Lines::default()
        .tell("active_slabs", u8::from(items > 0))
        .tell("total_malloced", bytes)
}

/// What is there stays counted; what happened is forgotten.
fn reset() -> &'static str {
    for (name, count) in COUNT.list() {
        if name != "curr_connections" {
            count.set(0);
        }
    }
    "RESET"
}
