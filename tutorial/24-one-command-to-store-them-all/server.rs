//! What each command does to the store: words in, the words of the reply out. The server knows no connection.

use crate::change::{Change, Delta, Failure, Mode};
use crate::clock::{Clock, Moment, NEVER};
use crate::command::{BAD_EXPTIME, Storage};
use crate::counters::{COUNT, VERBOSITY, hit_or_miss};
use crate::item::{Draft, Item};
use crate::options::{MEGABYTE, Options};
use crate::reply::Reply;
use crate::store::{Cache, Store};
use std::process;

/// The memcached whose protocol is spoken here; clients look at it to learn what they may ask for.
pub const VERSION: &str = "1.6.18";

/// So many keys of one get are looked up before the lock is let go and their values are written.
const KEYS_AT_ONCE: usize = 64;

/// Values of one get that are held before they are written: a slow client is not to hold much. In bytes.
const BYTES_AT_ONCE: usize = 64 * 1024;

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

    /// Adds handles to the items of the next keys to `hits`. gat gives them a new exptime.
    pub fn get<'k>(
        &self,
        keys: &mut impl Iterator<Item = &'k [u8]>,
        touch: Option<i32>,
        hits: &mut Vec<Item>,
    ) {
        let expires = touch.map(|exptime| self.moment(exptime));
        self.with(|store| {
            let mut bytes = 0;
            for key in keys.take(KEYS_AT_ONCE) {
                let item = store.fetch(key, expires);
                self.count_get(touch.is_some(), item.is_some());
                if let Some(item) = item {
                    bytes += item.reply().len();
                    hits.push(item);
                }
                if bytes > BYTES_AT_ONCE {
                    break;
                }
            }
        });
    }

    pub fn count_get(&self, touches: bool, hit: bool) {
        match touches {
            true => hit_or_miss(hit, &COUNT.touch_hits, &COUNT.touch_misses),
            false => hit_or_miss(hit, &COUNT.get_hits, &COUNT.get_misses),
        }
    }

    /// Room for an item that is going to be received. A set that finds none takes the old item with it: better a miss than
    /// stale data.
    pub fn draft(&self, line: &Storage) -> Result<Draft, Failure> {
        let draft = self.with(|store| {
            let draft = store.draft(line.key, line.flags, line.bytes);
            if draft.is_err() && matches!(line.mode, Mode::Set) {
                store.delete(line.key);
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

    pub fn store(&self, item: Item, change: &Change) -> Result<(u64, usize), Failure> {
        let outcome = self.with(|store| store.store(item, change));
        COUNT.cmd_set.add(1);
        COUNT.total_items.add(usize::from(outcome.is_ok()));
        match (change.mode, outcome) {
            (Mode::Cas(_), Ok(_)) => COUNT.cas_hits.add(1),
            (Mode::Cas(_), Err(Failure::NotFound)) => COUNT.cas_misses.add(1),
            (Mode::Cas(_), Err(_)) => COUNT.cas_badval.add(1),
            _ => 0,
        };
        outcome
    }

    pub fn delete(&self, key: &[u8]) -> &'static str {
        let found = self.with(|store| store.delete(key));
        hit_or_miss(found, &COUNT.delete_hits, &COUNT.delete_misses);
        if found { "DELETED" } else { "NOT_FOUND" }
    }

    /// incr and decr.
    pub fn delta(&self, key: &[u8], delta: Delta) -> Reply {
        let outcome = self.with(|store| store.delta(key, delta));
        self.count_delta(delta, &outcome);
        match outcome {
            Ok(number) => number.to_string().into(),
            Err(failure) => explain(failure).into(),
        }
    }

    pub fn count_delta(&self, delta: Delta, outcome: &Result<u64, Failure>) {
        let hit = outcome.is_ok();
        match delta {
            _ if matches!(outcome, Err(Failure::NonNumeric)) => {}
            Delta::Increment(_) => hit_or_miss(hit, &COUNT.incr_hits, &COUNT.incr_misses),
            Delta::Decrement(_) => hit_or_miss(hit, &COUNT.decr_hits, &COUNT.decr_misses),
        }
    }

    pub fn touch(&self, key: &[u8], exptime: i32) -> &'static str {
        let expires = Some(self.moment(exptime));
        let found = self.with(|store| store.fetch(key, expires).is_some());
        self.count_get(true, found);
        if found { "TOUCHED" } else { "NOT_FOUND" }
    }

    /// `-F` forbids it, whatever else the line says.
    pub fn flush_all(&self, delay: Option<i32>) -> &'static str {
        COUNT.cmd_flush.add(1);
        let at = match delay {
            _ if !self.options.flush_enabled => return "CLIENT_ERROR flush_all not allowed",
            None => return BAD_EXPTIME,
            Some(..=0) => NEVER,
            Some(delay) => self.moment(delay),
        };
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
                self.with(|store| store.set_memory_limit(megabytes as usize * MEGABYTE));
                "OK"
            }
            _ => "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes",
        }
    }

    /// Ends the process where `-A` allows it.
    pub fn shutdown(&self, words: &[&[u8]]) -> &'static str {
        match words {
            _ if !self.options.shutdown_enabled => "ERROR: shutdown not enabled",
            [] | [b"graceful"] => process::exit(0),
            _ => "CLIENT_ERROR invalid shutdown mode",
        }
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
