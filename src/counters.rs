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

    pub fn subtract(&self, amount: usize) {
        self.0.fetch_sub(amount as u64, Relaxed);
    }
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
    };
}

counters! {
    curr_connections, total_connections, rejected_connections, idle_kicks,
}
