//! The items, behind one lock. The store knows no sockets and no protocol text.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Moment, NEVER};
use crate::eviction::{Key, Sieve};
use crate::item::Item;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What an item takes beside its key and its data block, in bytes: the map, the order of eviction, the allocator.
const ITEM_BYTES: usize = 300;

/// The store behind its lock.
pub struct Cache(Mutex<Store>);

impl Cache {
    pub fn new(limits: Limits) -> Cache {
        Cache(Mutex::new(Store {
            limits,
            ..Store::default()
        }))
    }

    /// Does one piece of work under the lock. A lock that a panic poisoned is taken anyway.
    pub fn with<Answer>(&self, now: Moment, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.begin(now);
        work(&mut store)
    }
}

/// What the store may take.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    /// `-m`, in bytes.
    pub memory: usize,
    /// `-I`, in bytes.
    pub item_size: usize,
}

#[derive(Default)]
pub struct Store {
    limits: Limits,
    items: HashMap<Key, Item>,
    order: Sieve,
    used: usize,
    now: Moment,
    /// When a `flush_all` with a delay takes effect.
    flush_at: Moment,
    last_cas: u64,
}

impl Store {
    fn begin(&mut self, now: Moment) {
        self.now = now;
        if self.flush_at != NEVER && self.flush_at <= now {
            self.clear();
        }
    }

    /// The item under this key; one that has expired is thrown out.
    fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        if self.items.get(key)?.has_expired(self.now) {
            self.throw_out(key);
        }
        self.items.get_mut(key)
    }

    /// A handle to the item; gat and touch give it a new moment to expire.
    pub fn fetch(&mut self, key: &[u8], expires: Option<Moment>) -> Option<Item> {
        let item = self.get(key)?;
        item.marked = true;
        item.expires = expires.unwrap_or(item.expires);
        Some(item.clone())
    }

    pub fn store(&mut self, key: &[u8], item: Item, mode: Mode) -> Result<(), Failure> {
        let item = mode.apply(self.get(key).as_deref(), item)?;
        if Item::size(key, item.data.len()) > self.limits.item_size {
            return Err(Failure::NotStored);
        }
        self.insert(key, item);
        Ok(())
    }

    pub fn delta(&mut self, key: &[u8], delta: Delta) -> Result<u64, Failure> {
        let old = self.get(key).ok_or(Failure::NotFound)?;
        let number = delta.apply(&old.data)?;
        // As in memcached the data block never gets shorter.
        let digits = format!("{number:<width$}", width = old.data.len());
        let item = old.with_data(digits.as_bytes());
        self.insert(key, item);
        Ok(number)
    }

    /// Puts an item in the place of an older one, or makes room for it.
    fn insert(&mut self, key: &[u8], mut item: Item) {
        self.last_cas += 1;
        item.cas = self.last_cas;
        self.used += weight(key, &item);
        match self.items.get_mut(key) {
            Some(old) => {
                item.arrival = old.arrival;
                item.marked = true;
                self.used -= weight(key, old);
                *old = item;
            }
            None => {
                self.evict();
                let key = Key::from(key);
                item.arrival = self.order.arrive(Key::clone(&key));
                self.items.insert(key, item);
            }
        }
        self.evict();
    }

    fn evict(&mut self) {
        while self.used > self.limits.memory {
            let spare = |key: &Key| {
                let item = self.items.get_mut(key);
                item.is_some_and(|item| std::mem::take(&mut item.marked))
            };
            let Some(key) = self.order.victim(spare) else {
                return;
            };
            self.throw_out(&key);
        }
    }

    /// Says whether there was such an item.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let found = self.get(key).is_some();
        self.throw_out(key);
        found
    }

    fn throw_out(&mut self, key: &[u8]) {
        if let Some(item) = self.items.remove(key) {
            self.order.leave(item.arrival);
            self.used -= weight(key, &item);
        }
    }

    /// Throws out everything: now, or at that moment, with `NEVER` for now.
    pub fn flush_all(&mut self, at: Moment) {
        self.flush_at = at;
        if at == NEVER {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.flush_at = NEVER;
        self.items = HashMap::new();
        self.order = Sieve::default();
        self.used = 0;
    }
}

fn weight(key: &[u8], item: &Item) -> usize {
    key.len() + item.data.len() + ITEM_BYTES
}
