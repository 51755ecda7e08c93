//! Where the item of a key is: a `HashMap` from the hash of the key to a slot.
//!
//! The keys themselves stand with their items only, so an entry is 12 bytes, and when the map grows it need not look
//! at a single key.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::eviction::Slot;

/// So many maps share the keys. When one of them grows, all its entries move, and everybody waits; a part of the keys
/// moves so much faster that nobody notices.
const PARTS: usize = 256;

/// An entry with its share of the map's control bytes and of the room that a map keeps free: 13 * 8 / 7 bytes.
const ENTRY_BYTES: usize = 15;

/// Two keys with the same hash are told apart by the store, which keeps only the later one; among a million keys
/// such a pair is found once in 37 million tries. The hash is seeded (SipHash), so no client can make one.
pub struct Index {
    parts: Vec<HashMap<KeyHash, Slot, BuildHasherDefault<AlreadyHashed>>>,
    hashing: RandomState,
    len: usize,
    bytes: usize,
}

impl Index {
    pub fn new() -> Index {
        Index {
            parts: (0..PARTS).map(|_| HashMap::default()).collect(),
            hashing: RandomState::new(),
            len: 0,
            bytes: 0,
        }
    }

    pub fn get(&self, key: &[u8]) -> Option<Slot> {
        let hash = self.hash(key);
        self.parts[hash.part()].get(&hash).copied()
    }

    pub fn insert(&mut self, key: &[u8], slot: Slot) {
        let hash = self.hash(key);
        let part = &mut self.parts[hash.part()];
        let room = part.capacity();
        self.len += usize::from(part.insert(hash, slot).is_none());
        self.bytes += (part.capacity() - room) * ENTRY_BYTES;
    }

    pub fn remove(&mut self, key: &[u8]) {
        let hash = self.hash(key);
        let removed = self.parts[hash.part()].remove(&hash);
        self.len -= usize::from(removed.is_some());
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// What the maps take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// `hash_one` would hash the length of the key too, which tells nothing when it is the only thing hashed.
    fn hash(&self, key: &[u8]) -> KeyHash {
        let mut hasher = self.hashing.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        KeyHash([hash as u32, (hash >> 32) as u32])
    }
}

/// 64 bits that are a hash already; as two halves they leave no gap beside a slot, which saves 4 bytes an entry.
#[derive(PartialEq, Eq)]
struct KeyHash([u32; 2]);

impl KeyHash {
    /// Bits that the map itself does not look at: it begins at both ends.
    fn part(&self) -> usize {
        self.0[1] as usize % PARTS
    }
}

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
