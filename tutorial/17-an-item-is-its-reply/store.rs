//! The items, behind one lock. The store knows no sockets and no protocol text.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Moment, NEVER};
use crate::counters::COUNT;
use crate::eviction::{Key, Sieve};
use crate::item::{FETCHED, Item, MARKED};
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
    pub limits: Limits,
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

    /// How many items there are; expired ones count until they are found.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// All that counts against `-m`, in bytes.
    pub fn bytes(&self) -> usize {
        self.used
    }

    /// The item under this key; one that has expired is thrown out.
    fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        if self.items.get(key)?.has_expired(self.now) {
            COUNT.get_expired.add(1);
            self.throw_out(key);
        }
        self.items.get_mut(key)
    }

    /// A handle to the item; gat and touch give it a new moment to expire.
    pub fn fetch(&mut self, key: &[u8], expires: Option<Moment>) -> Option<Item> {
        let item = self.get(key)?;
        item.set(FETCHED | MARKED);
        item.expires = expires.unwrap_or(item.expires);
        Some(item.clone())
    }

    pub fn store(&mut self, item: Item, mode: Mode) -> Result<(), Failure> {
        let item = mode.apply(self.get(item.key()).as_deref(), item)?;
        if Item::size(item.key(), item.data().len()) > self.limits.item_size {
            return Err(Failure::NotStored);
        }
        self.insert(item);
        Ok(())
    }

    pub fn delta(&mut self, key: &[u8], delta: Delta) -> Result<u64, Failure> {
        let old = self.get(key).ok_or(Failure::NotFound)?;
        let (number, item) = delta.apply(old)?;
        self.insert(item);
        Ok(number)
    }

    /// Puts an item in the place of an older one, or makes room for it.
    fn insert(&mut self, mut item: Item) {
        self.last_cas += 1;
        item.cas = self.last_cas;
        self.used += weight(&item);
        match self.items.get_mut(item.key()) {
            Some(old) => {
                item.arrival = old.arrival;
                self.used -= weight(old);
                *old = item;
            }
            None => {
                self.evict();
                let key = Key::from(item.key());
                item.arrival = self.order.arrive(Key::clone(&key));
                self.items.insert(key, item);
            }
        }
        self.evict();
    }

    fn evict(&mut self) {
        while self.used > self.limits.memory {
            let now = self.now;
            let spare = |key: &Key| {
                let item = self.items.get(key);
                item.is_some_and(|item| {
                    let marked = item.has(MARKED);
                    item.unset(MARKED);
                    marked && !item.has_expired(now)
                })
            };
            let Some(key) = self.order.victim(spare) else {
                return;
            };
            self.lose(&key);
        }
    }

    /// An item goes that nobody wanted to be rid of: evicted, or reclaimed if it had expired anyway.
    fn lose(&mut self, key: &[u8]) {
        if let Some(item) = self.items.get(key) {
            let (count, unfetched) = match item.has_expired(self.now) {
                true => (&COUNT.reclaimed, &COUNT.expired_unfetched),
                false => (&COUNT.evictions, &COUNT.evicted_unfetched),
            };
            count.add(1);
            unfetched.add(usize::from(!item.has(FETCHED)));
            self.throw_out(key);
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
            self.used -= weight(&item);
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

fn weight(item: &Item) -> usize {
    item.reply().len() + ITEM_BYTES
}
