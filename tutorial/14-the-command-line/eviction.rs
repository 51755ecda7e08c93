//! Which item goes when memory is full: SIEVE (Zhang and others, NSDI 2024).
//!
//! Items stand in the order in which they arrived, and never change places. A hit only marks its item. A hand walks
//! from the oldest to the newest: what is marked loses its mark and stays, the first that is not marked goes.

use std::collections::BTreeMap;
use std::sync::Arc;

pub type Key = Arc<[u8]>;

#[derive(Default)]
pub struct Sieve {
    /// Keys by the number of their arrival.
    queue: BTreeMap<u64, Key>,
    last: u64,
    /// Where the next search begins.
    hand: u64,
}

impl Sieve {
    /// Puts a key at the newest end, and tells its number.
    pub fn arrive(&mut self, key: Key) -> u64 {
        // A hand at the end begins again at the oldest, and not at the newcomer.
        if self.queue.range(self.hand..).next().is_none() {
            self.hand = 0;
        }
        self.last += 1;
        self.queue.insert(self.last, key);
        self.last
    }

    pub fn leave(&mut self, arrival: u64) {
        self.queue.remove(&arrival);
    }

    /// The key to evict; `spare` says whether one was marked, and takes the mark away.
    pub fn victim(&mut self, mut spare: impl FnMut(&Key) -> bool) -> Option<Key> {
        loop {
            let next = self.queue.range(self.hand..).next();
            let (arrival, key) = next.or_else(|| self.queue.iter().next())?;
            self.hand = arrival + 1;
            if !spare(key) {
                return Some(Arc::clone(key));
            }
        }
    }
}
