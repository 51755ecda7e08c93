//! What a client stored under a key.

use crate::clock::{Moment, NEVER};

#[derive(Clone)]
pub struct Item {
    /// The data block without its end.
    pub data: Vec<u8>,
    /// The client's own; we only keep them.
    pub flags: u32,
    /// The moment from which the item is gone.
    pub expires: Moment,
    /// New at every change, never the same twice.
    pub cas: u64,
}

impl Item {
    pub fn new(flags: u32, expires: Moment, data: &[u8]) -> Item {
        Item {
            data: data.into(),
            flags,
            expires,
            cas: 0,
        }
    }

    /// An item of the same flags and exptime with another data block.
    pub fn with_data(&self, data: &[u8]) -> Item {
        Item::new(self.flags, self.expires, data)
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}
