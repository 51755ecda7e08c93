//! The items, behind one lock. The store knows no sockets and no protocol text.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Moment, NEVER};
use crate::counters::COUNT;
use crate::eviction::{Sieve, Slot};
use crate::item::Item;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

/// The longest data block, in bytes.
pub const VALUE_MAX: usize = 1024 * 1024;

/// What an item takes beside its key and its data block, in bytes: the map, the order of eviction, the allocator.
const ITEM_BYTES: usize = 100;

/// The store behind its lock.
pub struct Cache(Mutex<Store>);

impl Cache {
    /// `limit` is in bytes.
    pub fn new(limit: usize) -> Cache {
        Cache(Mutex::new(Store {
            index: HashMap::new(),
            items: Sieve::new(),
            used: 0,
            limit,
            now: NEVER,
            flush_at: NEVER,
            last_cas: 0,
        }))
    }

    /// Does one piece of work under the lock. A lock that a panic poisoned is taken anyway.
    pub fn with<Answer>(&self, now: Moment, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.begin(now);
        work(&mut store)
    }
}

pub struct Store {
    /// Where the item of a key stands. Keys stand with their items only: an entry is 12 bytes, and when the map grows it
    /// need not look at a single key.
    index: HashMap<KeyHash, Slot>,
    items: Sieve,
    used: usize,
    limit: usize,
    now: Moment,
    /// When a `flush_all` with a delay takes effect.
    flush_at: Moment,
    last_cas: u64,
}

/// 64 bits of SipHash, seeded, so no client can make two keys with the same; as two halves they leave no gap beside a
/// slot. Of two such keys the store keeps the later one: among a million keys there is a pair once in 37 million tries.
type KeyHash = [u32; 2];

impl Store {
    fn begin(&mut self, now: Moment) {
        self.now = now;
        if self.flush_at != NEVER && self.flush_at <= now {
            self.clear();
        }
    }

    /// How many items there are; expired ones count until they are found.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// What they take, in bytes.
    pub fn bytes(&self) -> usize {
        self.used
    }

    /// The item under this key; one that has expired is thrown out.
    pub fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        let slot = self.find(key)?;
        self.items.get(slot)
    }

    fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = *self.index.get(&self.hash(key))?;
        let item = self.items.get(slot).filter(|item| item.key() == key)?;
        if item.has_expired(self.now) {
            COUNT.get_expired.add(1);
            self.throw_out(slot);
            return None;
        }
        Some(slot)
    }

    fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.index.hasher().hash_one(key);
        [hash as u32, (hash >> 32) as u32]
    }

    /// A handle to the item; gat and touch give it a new moment to expire.
    pub fn fetch(&mut self, key: &[u8], expires: Option<Moment>) -> Option<Item> {
        let item = self.get(key)?;
        item.marked = true;
        item.expires = expires.unwrap_or(item.expires);
        Some(item.clone())
    }

    pub fn store(&mut self, item: Item, mode: Mode) -> Result<(), Failure> {
        let item = mode.apply(self.get(item.key()).as_deref(), item)?;
        if item.data().len() > VALUE_MAX {
            return Err(Failure::NotStored);
        }
        self.insert(item);
        Ok(())
    }

    pub fn delta(&mut self, key: &[u8], delta: Delta) -> Result<u64, Failure> {
        let old = self.get(key).ok_or(Failure::NotFound)?;
        let number = delta.apply(old.data())?;
        // As in memcached the data block never gets shorter.
        let digits = format!("{number:<width$}", width = old.data().len());
        let item = old.with_data(digits.as_bytes());
        self.insert(item);
        Ok(number)
    }

    /// Puts an item in the place of an older one, or at the newest end.
    fn insert(&mut self, mut item: Item) {
        self.last_cas += 1;
        item.cas = self.last_cas;
        self.used += weight(&item);
        let hash = self.hash(item.key());
        match self.index.get(&hash).and_then(|&slot| self.items.get(slot)) {
            Some(old) => {
                item.marked = true;
                self.used -= weight(old);
                *old = item;
            }
            None => {
                self.evict();
                self.index.insert(hash, self.items.arrive(item));
            }
        }
        self.evict();
    }

    fn evict(&mut self) {
        while self.used > self.limit {
            let Some(slot) = self.items.victim(self.now) else {
                return;
            };
            COUNT.evictions.add(1);
            self.throw_out(slot);
        }
    }

    /// Says whether there was such an item.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let slot = self.find(key);
        slot.map(|slot| self.throw_out(slot)).is_some()
    }

    fn throw_out(&mut self, slot: Slot) {
        if let Some(item) = self.items.leave(slot) {
            self.index.remove(&self.hash(item.key()));
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
        self.index = HashMap::new();
        self.items = Sieve::new();
        self.used = 0;
    }
}

fn weight(item: &Item) -> usize {
    item.reply().len() + ITEM_BYTES
}
