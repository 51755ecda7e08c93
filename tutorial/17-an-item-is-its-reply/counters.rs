//! What the server counts. The counters know nobody and everybody may count: so they lie below all other files.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that many threads change.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    /// Returns what it was before.
    pub fn add(&self, amount: usize) -> u64 {
        self.0.fetch_add(amount as u64, Relaxed)
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub fn subtract(&self, amount: usize) {
        self.0.fetch_sub(amount as u64, Relaxed);
    }
}

/// Counts one more hit, or one more miss.
pub fn hit_or_miss(hit: bool, hits: &Counter, misses: &Counter) {
    let count = if hit { hits } else { misses };
    count.add(1);
}

/// Declares every counter once, under the name that memcached's `stats` has for it.
macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        pub struct Counters {
            $(pub $name: Counter,)*
        }

        pub static COUNT: Counters = Counters {
            $($name: Counter::new(),)*
        };

        impl Counters {
            /// All of them, with their names.
            pub fn list(&self) -> impl Iterator<Item = (&'static str, &Counter)> {
                [$((stringify!($name), &self.$name)),*].into_iter()
            }
        }
    };
}

counters! {
    curr_connections, total_connections, rejected_connections, idle_kicks,
    bytes_read, bytes_written,
    cmd_set, cmd_flush,
    get_hits, get_misses, get_expired,
    touch_hits, touch_misses,
    delete_hits, delete_misses,
    incr_hits, incr_misses, decr_hits, decr_misses,
    cas_hits, cas_misses, cas_badval,
    total_items, evictions, evicted_unfetched, reclaimed, expired_unfetched,
    store_too_large,
}

/// How many times `-v` was given, or what the verbosity command said. No counter, but everybody looks at it, too.
pub static VERBOSITY: Counter = Counter::new();
