//! Where the items are: an index from keys to slots, and the ring that owns what stands in the slots.
//!
//! There is one way in and one way out, and they keep the one number of the store's memory that is not counted by
//! itself: what the items that are stored take. What is left of all that is held is what clients are sending or being sent.

use crate::clock::Moment;
use crate::eviction::{Sieve, Slot};
use crate::item::Item;
use std::collections::HashMap;
use std::hash::BuildHasher;

/// An entry of the index with its share of the map's control bytes and of the room that a map keeps free:
/// 13 * 8 / 7 bytes.
const ENTRY_BYTES: usize = 15;

/// 64 bits of SipHash, seeded, so no client can make two keys with the same; as two halves they leave no gap beside a
/// slot. Of two such keys the later one stays: among a million keys there is a pair once in 37 million tries.
type KeyHash = [u32; 2];

pub struct Table {
    /// Keys stand with their items only: an entry is 12 bytes, and when the map grows it need not look at a single key.
    index: HashMap<KeyHash, Slot>,
    /// The most entries that the index has ever had room for. What it says itself sinks when entries are removed.
    entries: usize,
    ring: Sieve,
    /// What the items take of the memory, in bytes.
    weight: usize,
}

impl Table {
    pub fn new() -> Table {
        Table {
            index: HashMap::new(),
            entries: 0,
            ring: Sieve::new(),
            weight: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// What the items take of the memory, in bytes.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// What the table itself takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.entries * ENTRY_BYTES + self.ring.bytes()
    }

    /// How many slots there are, vacant ones too.
    pub fn slots(&self) -> usize {
        self.ring.len()
    }

    /// Gets room for one more item; `false` when the system has none.
    pub fn grow(&mut self) -> bool {
        let is_full = self.index.len() == self.index.capacity();
        let has_room = match is_full && self.index.len() < self.entries / 8 * 7 {
            true => self.rebuild_index(),
            false => self.index.try_reserve(1).is_ok(),
        };
        self.entries = self.entries.max(self.index.capacity());
        has_room && self.ring.grow()
    }

    /// What fills the index is traces of entries that were removed. Left alone it would take twice the memory for them.
    fn rebuild_index(&mut self) -> bool {
        let mut index = HashMap::with_hasher(self.index.hasher().clone());
        let has_room = index.try_reserve(self.entries).is_ok();
        if has_room {
            index.extend(self.index.drain());
            self.index = index;
        }
        has_room
    }

    pub fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = *self.index.get(&self.hash(key))?;
        self.ring.get(slot).filter(|item| item.key() == key)?;
        Some(slot)
    }

    pub fn get(&mut self, slot: Slot) -> Option<&mut Item> {
        self.ring.get(slot)
    }

    /// Puts an item in the place of the one with the same key, which comes out, or at the newest end.
    pub fn put(&mut self, item: Item) -> Option<Item> {
        self.weight += item.weight();
        let hash = self.hash(item.key());
        let present = self.index.get(&hash).and_then(|slot| self.ring.get(*slot));
        let Some(present) = present else {
            self.index.insert(hash, self.ring.arrive(item));
            return None;
        };
        let old = std::mem::replace(present, item);
        self.weight -= old.weight();
        Some(old)
    }

    pub fn take(&mut self, slot: Slot) -> Option<Item> {
        let item = self.ring.leave(slot)?;
        self.index.remove(&self.hash(item.key()));
        self.weight -= item.weight();
        Some(item)
    }

    pub fn victim(&mut self, now: Moment) -> Option<Slot> {
        self.ring.victim(now)
    }

    fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.index.hasher().hash_one(key);
        [hash as u32, (hash >> 32) as u32]
    }
}
