//! Where the item of a key is: a `HashMap` from the hash of the key to a slot.
//!
//! The keys themselves stand with their items only, so an entry is 12 bytes, and when the map grows it need not look
//! at a single key.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::eviction::Slot;

/// Two keys with the same hash are told apart by the store, which keeps only the later one; among a million keys
/// such a pair is found once in 37 million tries. The hash is seeded (SipHash), so no client can make one.
#[derive(Default)]
pub struct Index {
    slots: HashMap<KeyHash, Slot, BuildHasherDefault<AlreadyHashed>>,
    hashing: RandomState,
}

impl Index {
    pub fn get(&self, key: &[u8]) -> Option<Slot> {
        self.slots.get(&self.hash(key)).copied()
    }

    pub fn insert(&mut self, key: &[u8], slot: Slot) {
        self.slots.insert(self.hash(key), slot);
    }

    pub fn remove(&mut self, key: &[u8]) {
        self.slots.remove(&self.hash(key));
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.hashing.hash_one(key);
        KeyHash([hash as u32, (hash >> 32) as u32])
    }
}

/// 64 bits that are a hash already; as two halves they leave no gap beside a slot, which saves 4 bytes an entry.
#[derive(PartialEq, Eq)]
struct KeyHash([u32; 2]);

impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.0;
        state.write_u64(u64::from(high) << 32 | u64::from(low));
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
