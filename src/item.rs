//! What a client stored under a key: the key and the data block as one run of bytes, and 24 bytes about them.
//!
//! The bytes are behind an `Arc`: who gets a hit takes a handle along and writes the data block to its client without
//! holding the lock, whatever happens to the item meanwhile. Bytes are never changed once they can be shared.

use std::iter::repeat_n;
use std::sync::Arc;

use crate::clock::{Moment, NEVER};

/// What memcached adds to key and data block when it compares an item with `-I`; with the same share both refuse
/// the same sizes.
const MEMCACHED_HEADER: usize = 59;

/// The two counters of an `Arc`, and malloc's own word before every block, in bytes.
const ARC_BYTES: usize = 16;
const MALLOC_BYTES: usize = 8;

/// malloc's blocks are multiples of 16 bytes, and from this size on multiples of a page.
pub const PAGED_FROM: usize = 16 * 1024;
const PAGE: usize = 4096;

/// Asked for since it was stored: the `h` of meta get.
pub const FETCHED: u8 = 1;
/// Asked for since the hand last came by: see eviction.rs.
pub const MARKED: u8 = 2;
/// Invalidated by a meta command: the `X` of meta get.
pub const STALE: u8 = 4;
/// Some client has been told to fetch it anew: the `Z` of meta get.
pub const WON: u8 = 8;
/// Its key came as base64, and goes back as base64.
pub const BINARY_KEY: u8 = 16;

#[derive(Clone)]
pub struct Item {
    bytes: Arc<[u8]>,
    /// New at every change, never the same twice.
    pub cas: u64,
    /// The client's own; memcached only keeps them.
    pub flags: u32,
    /// The moment from which the item is gone, or [`NEVER`].
    pub expires: Moment,
    /// The moment it was last stored or asked for.
    pub accessed: Moment,
    key_length: u8,
    /// [`FETCHED`], [`MARKED`], [`STALE`], [`WON`], [`BINARY_KEY`].
    pub state: u8,
}

impl Item {
    /// An item whose data block is yet to be filled in. A key is at most 250 bytes: the command parser sees to it.
    pub fn new(key: &[u8], data_length: usize) -> Item {
        let mut bytes: Arc<[u8]> = repeat_n(0, key.len() + data_length).collect();
        if let Some(unshared) = Arc::get_mut(&mut bytes) {
            unshared[..key.len()].copy_from_slice(key);
        }
        Item {
            bytes,
            cas: 0,
            flags: 0,
            expires: NEVER,
            accessed: NEVER,
            key_length: key.len() as u8,
            state: 0,
        }
    }

    /// An item of the same key, flags and expiry with a new data block, the two parts one after the other.
    pub fn with_data(&self, first: &[u8], second: &[u8]) -> Item {
        let mut item = Item::new(self.key(), first.len() + second.len());
        let (head, tail) = item.data_mut().split_at_mut(first.len());
        head.copy_from_slice(first);
        tail.copy_from_slice(second);
        Item {
            bytes: item.bytes,
            state: self.state & BINARY_KEY,
            ..*self
        }
    }

    pub fn key(&self) -> &[u8] {
        &self.bytes[..usize::from(self.key_length)]
    }

    pub fn data(&self) -> &[u8] {
        &self.bytes[usize::from(self.key_length)..]
    }

    /// The data block of an item that nobody shares yet; empty once somebody does.
    pub fn data_mut(&mut self) -> &mut [u8] {
        let start = usize::from(self.key_length);
        Arc::get_mut(&mut self.bytes).map_or(&mut [], |bytes| &mut bytes[start..])
    }

    /// What the bytes of an item with such a key and data block really take of the memory.
    pub fn weight(key: &[u8], data_length: usize) -> usize {
        let bytes = key.len() + data_length + ARC_BYTES + MALLOC_BYTES;
        bytes.next_multiple_of(if bytes < PAGED_FROM { 16 } else { PAGE })
    }

    pub fn own_weight(&self) -> usize {
        Item::weight(self.key(), self.data().len())
    }

    /// The bytes that are compared with `-I`.
    pub fn size(key: &[u8], data_length: usize) -> usize {
        key.len() + data_length + MEMCACHED_HEADER
    }

    /// Whether it has this mark, for instance [`STALE`].
    pub fn is(&self, state: u8) -> bool {
        self.state & state != 0
    }

    /// Notes that a client asked for it.
    pub fn mark(&mut self, now: Moment) {
        self.state |= FETCHED | MARKED;
        self.accessed = now;
    }

    /// Whether the hand of eviction passes it by; it costs the item its mark.
    pub fn spare(&mut self, now: Moment) -> bool {
        let marked = self.is(MARKED);
        self.state &= !MARKED;
        marked && !self.has_expired(now)
    }

    /// Whether somebody is just writing it to a client.
    pub fn is_lent(&self) -> bool {
        Arc::strong_count(&self.bytes) > 1
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}
