//! What a client stored under a key.

use crate::clock::{Moment, NEVER};
use std::sync::Arc;

/// What memcached adds to key and data block when it compares an item with `-I`; with the same share both refuse
/// the same sizes.
const MEMCACHED_HEADER: usize = 59;

#[derive(Clone)]
pub struct Item {
    /// The data block without its end, shared by the store and those who are just writing it.
    pub data: Arc<[u8]>,
    /// The client's own; we only keep them.
    pub flags: u32,
    /// The moment from which the item is gone.
    pub expires: Moment,
    /// New at every change, never the same twice.
    pub cas: u64,
    /// The place in the order of eviction.
    pub arrival: u64,
    /// Asked for since the hand last came by.
    pub marked: bool,
}

impl Item {
    pub fn new(flags: u32, expires: Moment, data: &[u8]) -> Item {
        Item {
            data: data.into(),
            flags,
            expires,
            cas: 0,
            arrival: 0,
            marked: false,
        }
    }

    /// An item of the same flags and exptime with another data block.
    pub fn with_data(&self, data: &[u8]) -> Item {
        Item::new(self.flags, self.expires, data)
    }

    /// The bytes that are compared with `-I`, of an item with such a key and data block.
    pub fn size(key: &[u8], bytes: usize) -> usize {
        key.len() + bytes + MEMCACHED_HEADER
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}
