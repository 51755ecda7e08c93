//! What a client stored under a key, kept as the reply that a `get` of it gets, and a few numbers about it.
//!
//! ```text
//! greeting 0 5\r\nhello\r\n
//! ```
//!
//! So a hit has nothing to put together: it copies one run of bytes behind the word `VALUE`. The bytes are never changed
//! once they can be shared.

use crate::clock::{Moment, NEVER};
use std::sync::Arc;

/// The end of a line, and of a data block.
const END: &[u8] = b"\r\n";

#[derive(Clone)]
pub struct Item {
    /// Shared by the store and those who are just writing it.
    bytes: Arc<[u8]>,
    /// New at every change, never the same twice.
    pub cas: u64,
    /// The client's own; we only keep them.
    pub flags: u32,
    /// The moment from which the item is gone.
    pub expires: Moment,
    key_length: u8,
    numbers_length: u8,
    /// Asked for since the hand last came by.
    pub marked: bool,
}

impl Item {
    /// A key is at most 250 bytes: the parser sees to it.
    pub fn new(key: &[u8], flags: u32, expires: Moment, data: &[u8]) -> Item {
        let numbers = format!(" {flags} {}\r\n", data.len());
        Item {
            bytes: [key, numbers.as_bytes(), data, END].concat().into(),
            cas: 0,
            flags,
            expires,
            key_length: key.len() as u8,
            numbers_length: numbers.len() as u8,
            marked: false,
        }
    }

    /// An item of the same key, flags and exptime with another data block.
    pub fn with_data(&self, data: &[u8]) -> Item {
        Item::new(self.key(), self.flags, self.expires, data)
    }

    pub fn key(&self) -> &[u8] {
        &self.bytes[..usize::from(self.key_length)]
    }

    /// The data block without its end.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start()..self.bytes.len() - END.len()]
    }

    /// What follows `VALUE ` in the reply to a `get`.
    pub fn reply(&self) -> &[u8] {
        &self.bytes
    }

    /// The same in two parts, the line without its end and the data block with it: `gets` has something to say between.
    pub fn reply_parts(&self) -> (&[u8], &[u8]) {
        let (line, block) = self.bytes.split_at(self.start());
        (&line[..line.len() - END.len()], block)
    }

    /// Where the data block begins.
    fn start(&self) -> usize {
        usize::from(self.key_length) + usize::from(self.numbers_length)
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}
