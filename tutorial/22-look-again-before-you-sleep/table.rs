//! Where the items are: an index from keys to slots, and the ring that owns what stands in the slots.
//!
//! There is one way in and one way out, and they keep the one number of the store's memory that is not counted by
//! itself: what the items that are stored take. What is left of all that is held is what clients are sending or being sent.

use crate::clock::Moment;
use crate::eviction::{Sieve, Slot};
use crate::item::Item;
use std::collections::{HashMap, TryReserveError};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::mem;

/// An entry of the index with its share of the map's control bytes and of the room that a map keeps free:
/// 13 * 8 / 7 bytes.
const ENTRY_BYTES: usize = 15;

/// 64 bits of SipHash, seeded, so no client can make two keys with the same. Of two such keys the later one stays: among a
/// million keys there is a pair once in 37 million tries. Packed, they leave no gap beside a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C, packed(4))]
struct KeyHash(u64);

#[derive(Default)]
pub struct Table {
    /// Keys stand with their items only: an entry is 12 bytes, and when the map grows it need not look at a single key.
    index: HashMap<KeyHash, Slot, BuildHasherDefault<AlreadyHashed>>,
    hashing: RandomState,
    /// The most entries that the index has ever had room for. What it says itself sinks when entries are removed.
    entries: usize,
    ring: Sieve,
    /// What the items take of the memory, in bytes.
    weight: usize,
}

impl Table {
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

    /// Gets room for one more item, if the system has any.
    pub fn grow(&mut self) -> Result<(), TryReserveError> {
        let is_full = self.index.len() == self.index.capacity();
        if is_full && self.index.len() < self.entries / 8 * 7 {
            self.rebuild_index()?;
        }
        self.index.try_reserve(1)?;
        self.entries = self.entries.max(self.index.capacity());
        self.ring.grow()
    }

    /// What fills the index is traces of entries that were removed. Left alone it would take twice the memory for them.
    fn rebuild_index(&mut self) -> Result<(), TryReserveError> {
        let mut index = HashMap::default();
        index.try_reserve(self.entries)?;
        index.extend(self.index.drain());
        self.index = index;
        Ok(())
    }

    pub fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = *self.index.get(&self.hash(key))?;
        self.ring.get(slot).filter(|item| item.key() == key)?;
        Some(slot)
    }

    pub fn get(&mut self, slot: Slot) -> Option<&mut Item> {
        self.ring.get(slot)
    }

    /// How many slots there are, with vacant ones and the gate.
    pub fn slots(&self) -> Slot {
        self.ring.slots()
    }

    /// The slot whose item is to leave.
    pub fn victim(&mut self, now: Moment) -> Option<Slot> {
        self.ring.victim(now)
    }

    /// Puts an item in this slot, if an item is there, which comes out; or else at the newest end.
    pub fn put(&mut self, slot: Option<Slot>, item: Item) -> Option<Item> {
        self.weight += item.weight();
        if let Some(present) = slot.and_then(|slot| self.ring.get(slot)) {
            self.weight -= present.weight();
            return Some(mem::replace(present, item));
        }
        let hash = self.hash(item.key());
        let slot = self.ring.arrive(item);
        let other = self.index.insert(hash, slot)?;
        self.leave(other)
    }

    pub fn take(&mut self, slot: Slot) -> Option<Item> {
        let item = self.leave(slot)?;
        self.index.remove(&self.hash(item.key()));
        Some(item)
    }

    fn leave(&mut self, slot: Slot) -> Option<Item> {
        let item = self.ring.leave(slot)?;
        self.weight -= item.weight();
        Some(item)
    }

    fn hash(&self, key: &[u8]) -> KeyHash {
        let mut hasher = self.hashing.build_hasher();
        hasher.write(key); // `hash_one` would hash the length as well
        KeyHash(hasher.finish())
    }
}

/// Hands the hash through.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
