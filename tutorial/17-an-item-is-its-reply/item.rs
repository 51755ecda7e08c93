//! What a client stored under a key, kept as the reply that a `get` of it gets, and a few numbers about it.
//!
//! ```text
//! greeting 0 5\r\nhello\r\n
//! ```
//!
//! So a hit has nothing to put together: it copies one run of bytes behind the word `VALUE`. The bytes are never changed,
//! for they are shared.

use crate::clock::{Moment, NEVER};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The end of a line, and of a data block.
const END: &[u8] = b"\r\n";

/// What memcached adds to key and data block when it compares an item with `-I`; with the same share both refuse
/// the same sizes.
const MEMCACHED_HEADER: usize = 59;

/// Asked for since it was stored.
pub const FETCHED: u8 = 1;
/// Asked for since the hand last came by: see eviction.rs.
pub const MARKED: u8 = 2;

#[derive(Clone)]
pub struct Item {
    body: Arc<Body>,
    /// New at every change, never the same twice.
    pub cas: u64,
    /// The moment from which the item is gone.
    pub expires: Moment,
    /// The place in the order of eviction.
    pub arrival: u64,
}

/// What the store and those who are just writing it share of an item: 48 bytes with `Arc`'s counters and malloc's word.
struct Body {
    reply: Box<[u8]>,
    /// Of the first line with its end, in bytes.
    line_length: u16,
    key_length: u8,
    /// [`FETCHED`] and [`MARKED`]; changed under the store's lock only.
    marks: AtomicU8,
}

impl Item {
    pub fn new(key: &[u8], flags: u32, expires: Moment, data: &[u8]) -> Item {
        let numbers = format!(" {flags} {}\r\n", data.len());
        let body = Body {
            reply: [key, numbers.as_bytes(), data, END].concat().into(),
            line_length: (key.len() + numbers.len()) as u16,
            key_length: key.len() as u8,
            marks: AtomicU8::new(0),
        };
        Item {
            body: Arc::new(body),
            cas: 0,
            expires,
            arrival: 0,
        }
    }

    /// An item of the same key, flags and exptime with another data block.
    pub fn with_data(&self, data: &[u8]) -> Item {
        Item::new(self.key(), self.flags(), self.expires, data)
    }

    pub fn key(&self) -> &[u8] {
        &self.body.reply[..usize::from(self.body.key_length)]
    }

    /// The client's own; we only keep them, in the reply.
    pub fn flags(&self) -> u32 {
        let mut words = self.reply()[self.key().len() + 1..].split(|&byte| byte == b' ');
        let flags = words.next().and_then(|flags| str::from_utf8(flags).ok());
        flags.map_or(0, |flags| flags.parse().unwrap_or(0))
    }

    /// The data block without its end.
    pub fn data(&self) -> &[u8] {
        let (_, block) = self.reply_parts();
        &block[..block.len() - END.len()]
    }

    /// What follows `VALUE ` in the reply to a `get`.
    pub fn reply(&self) -> &[u8] {
        &self.body.reply
    }

    /// The same in two parts, the line without its end and the data block with it: `gets` has something to say between.
    pub fn reply_parts(&self) -> (&[u8], &[u8]) {
        let (line, block) = self.reply().split_at(self.body.line_length.into());
        (&line[..line.len() - END.len()], block)
    }

    /// The bytes that are compared with `-I`, of an item with such a key and data block.
    pub fn size(key: &[u8], bytes: usize) -> usize {
        key.len() + bytes + MEMCACHED_HEADER
    }

    pub fn marks(&self) -> u8 {
        self.body.marks.load(Relaxed)
    }

    /// Whether it has this mark, for instance [`FETCHED`].
    pub fn has(&self, mark: u8) -> bool {
        self.marks() & mark != 0
    }

    pub fn set(&self, marks: u8) {
        self.body.marks.store(self.marks() | marks, Relaxed);
    }

    pub fn unset(&self, marks: u8) {
        self.body.marks.store(self.marks() & !marks, Relaxed);
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}
