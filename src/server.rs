//! What each command does to the store: words in, the words of the reply out. The server knows no connection.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Clock, Moment, NEVER};
use crate::counters::{COUNT, VERBOSITY};
use crate::item::{Draft, Item};
use crate::options::{MEGABYTE, Options};
use crate::store::{Cache, Store};
use std::process;

/// The memcached whose protocol is spoken here; clients look at it to learn what they may ask for.
pub const VERSION: &str = "1.6.18";

/// What all connections share.
pub struct Server {
    pub cache: Cache,
    pub clock: Clock,
    pub options: Options,
    /// How many clients there can be at a time.
    pub places: usize,
}

impl Server {
    pub fn with<Answer>(&self, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        self.cache.with(self.clock.now(), work)
    }

    /// The moment that an exptime means.
    pub fn moment(&self, exptime: i32) -> Moment {
        self.clock.moment(exptime, self.clock.now())
    }

    /// A handle to the item; gat gives it a new exptime.
    pub fn get(&self, key: &[u8], touch: Option<i32>) -> Option<Item> {
        let expires = touch.map(|exptime| self.moment(exptime));
        let item = self.with(|store| store.fetch(key, expires));
        let count = match (touch, &item) {
            (None, Some(_)) => &COUNT.get_hits,
            (None, None) => &COUNT.get_misses,
            (Some(_), Some(_)) => &COUNT.touch_hits,
            (Some(_), None) => &COUNT.touch_misses,
        };
        count.add(1);
        item
    }

    /// Room for an item that is going to be received. A set that finds none takes the old item with it: better a miss than
    /// stale data.
    pub fn draft(
        &self,
        key: &[u8],
        flags: u32,
        bytes: usize,
        mode: Mode,
    ) -> Result<Draft, Failure> {
        let draft = self.with(|store| {
            let draft = store.draft(key, flags, bytes);
            if draft.is_err() && matches!(mode, Mode::Set) {
                store.delete(key);
            }
            draft
        });
        match draft {
            Err(Failure::TooLarge) => COUNT.store_too_large.add(1),
            Err(_) => COUNT.store_no_memory.add(1),
            Ok(_) => 0,
        };
        draft
    }

    pub fn store(&self, item: Item, mode: Mode) -> Result<(), Failure> {
        let outcome = self.with(|store| store.store(item, mode));
        COUNT.cmd_set.add(1);
        COUNT.total_items.add(usize::from(outcome.is_ok()));
        if let Mode::Cas(_) = mode {
            let count = match outcome {
                Ok(_) => &COUNT.cas_hits,
                Err(Failure::NotFound) => &COUNT.cas_misses,
                Err(_) => &COUNT.cas_badval,
            };
            count.add(1);
        }
        outcome
    }

    pub fn delete(&self, key: &[u8]) -> &'static str {
        match self.with(|store| store.delete(key)) {
            true => {
                COUNT.delete_hits.add(1);
                "DELETED"
            }
            false => {
                COUNT.delete_misses.add(1);
                "NOT_FOUND"
            }
        }
    }

    /// incr and decr.
    pub fn delta(&self, key: &[u8], delta: Delta) -> String {
        let outcome = self.with(|store| store.delta(key, delta));
        let (hits, misses) = match delta {
            Delta::Increment(_) => (&COUNT.incr_hits, &COUNT.incr_misses),
            Delta::Decrement(_) => (&COUNT.decr_hits, &COUNT.decr_misses),
        };
        match outcome {
            Ok(_) => hits.add(1),
            Err(Failure::NotFound) => misses.add(1),
            Err(_) => 0,
        };
        outcome.map_or_else(
            |failure| explain(failure).into(),
            |number| number.to_string(),
        )
    }

    pub fn touch(&self, key: &[u8], exptime: i32) -> &'static str {
        match self.get(key, Some(exptime)) {
            Some(_) => "TOUCHED",
            None => "NOT_FOUND",
        }
    }

    pub fn flush_all(&self, delay: i32) -> &'static str {
        if !self.options.flush_enabled {
            return "CLIENT_ERROR flush_all not allowed";
        }
        COUNT.cmd_flush.add(1);
        let at = if delay > 0 { self.moment(delay) } else { NEVER };
        self.with(|store| store.flush_all(at));
        "OK"
    }

    pub fn verbosity(&self, level: u32) -> &'static str {
        VERBOSITY.set(level.into());
        "OK"
    }

    /// The new `-m`, in megabytes.
    pub fn cache_memlimit(&self, megabytes: u64) -> &'static str {
        match megabytes {
            ..8 => "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m",
            8..=1_000_000_000 => {
                self.with(|store| store.limits.memory = megabytes as usize * MEGABYTE);
                "OK"
            }
            _ => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes",
        }
    }

    pub fn version(&self) -> String {
        format!("VERSION {VERSION}")
    }

    /// Ends the process where `-A` allows it.
    pub fn shutdown(&self) -> &'static str {
        if self.options.shutdown_enabled {
            process::exit(0);
        }
        "ERROR: shutdown not enabled"
    }
}

/// The line that a client reads when its command failed.
pub fn explain(failure: Failure) -> &'static str {
    match failure {
        Failure::NotStored => "NOT_STORED",
        Failure::Exists => "EXISTS",
        Failure::NotFound => "NOT_FOUND",
        Failure::NonNumeric => "CLIENT_ERROR cannot increment or decrement non-numeric value",
        Failure::BadChunk => "CLIENT_ERROR bad data chunk",
        Failure::TooLarge => "SERVER_ERROR object too large for cache",
        Failure::OutOfMemory => "SERVER_ERROR out of memory storing object",
    }
}
