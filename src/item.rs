//! What a client stored under a key, kept as the reply that a `get` of it gets, and 24 bytes about it.
//!
//! ```text
//! greeting 0 5\r\nhello\r\n
//! ```
//!
//! So a hit has nothing to put together: it copies one run of bytes behind the word `VALUE`. They are behind an `Arc`: who
//! gets a hit takes a handle along and writes it to its client without holding the lock, whatever happens to the item
//! meanwhile. Bytes are never changed once they can be shared.

use std::iter::repeat_n;
use std::sync::Arc;

use crate::clock::{Moment, NEVER};

/// What memcached adds to key and data block when it compares an item with `-I`; with the same share both refuse
/// the same sizes.
const MEMCACHED_HEADER: usize = 59;

/// What stands between key and data block at most: two numbers of 32 bits, two spaces and `\r\n`, in bytes.
const NUMBERS_MAX: usize = 24;

/// The end of a data block.
const END: &[u8] = b"\r\n";

/// The two counters of an `Arc`, and malloc's own word before every block, in bytes.
const ARC_BYTES: usize = 16;
const MALLOC_BYTES: usize = 8;

/// malloc's blocks are multiples of 16 bytes, and from this size on pages of their own, with one more word before them.
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
    /// New at every change, never the same twice, unless a client chooses it with meta's `E`.
    pub cas: u64,
    /// The client's own; memcached only keeps them.
    pub flags: u32,
    /// The moment from which the item is gone, or [`NEVER`].
    pub expires: Moment,
    /// The moment it was last stored or asked for.
    pub accessed: Moment,
    key_length: u8,
    numbers_length: u8,
    /// [`FETCHED`], [`MARKED`], [`STALE`], [`WON`], [`BINARY_KEY`].
    pub state: u8,
}

impl Item {
    /// An item whose data block is yet to be filled in. A key is at most 250 bytes: the command parser sees to it.
    pub fn new(key: &[u8], flags: u32, data_length: usize) -> Item {
        let (numbers, unused) = numbers(flags, data_length as u32);
        let numbers = &numbers[unused..];
        let start = key.len() + numbers.len();
        let mut bytes: Arc<[u8]> = repeat_n(0, start + data_length + END.len()).collect();
        if let Some(unshared) = Arc::get_mut(&mut bytes) {
            unshared[..key.len()].copy_from_slice(key);
            unshared[key.len()..start].copy_from_slice(numbers);
            unshared[start + data_length..].copy_from_slice(END);
        }
        Item {
            bytes,
            cas: 0,
            flags,
            expires: NEVER,
            accessed: NEVER,
            key_length: key.len() as u8,
            numbers_length: numbers.len() as u8,
            state: 0,
        }
    }

    /// An item of the same key, flags and expiry with a new data block, the two parts one after the other.
    pub fn with_data(&self, first: &[u8], second: &[u8]) -> Item {
        let mut item = Item::new(self.key(), self.flags, first.len() + second.len());
        let (head, tail) = item.block_mut().split_at_mut(first.len());
        head.copy_from_slice(first);
        tail[..second.len()].copy_from_slice(second);
        Item {
            expires: self.expires,
            state: self.state & BINARY_KEY,
            ..item
        }
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

    /// The same in two parts, the line without its end and the data block with it: `gets` has something to say between them.
    pub fn reply_parts(&self) -> (&[u8], &[u8]) {
        let (line, block) = self.bytes.split_at(self.start());
        (&line[..line.len() - END.len()], block)
    }

    /// The data block and its end, of an item that nobody shares yet; empty once somebody does.
    pub fn block_mut(&mut self) -> &mut [u8] {
        let start = self.start();
        Arc::get_mut(&mut self.bytes).map_or(&mut [], |bytes| &mut bytes[start..])
    }

    /// Where the data block begins.
    fn start(&self) -> usize {
        usize::from(self.key_length) + usize::from(self.numbers_length)
    }

    /// What an item with such a key and data block takes of the memory at most, whatever its flags.
    pub fn weight(key: &[u8], data_length: usize) -> usize {
        weight(key.len() + NUMBERS_MAX + data_length + END.len())
    }

    /// What the bytes of this item really take of the memory.
    pub fn own_weight(&self) -> usize {
        weight(self.bytes.len())
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

/// ` flags bytes\r\n`, at the end of an array, and how much of the array is not used. `write!` would take a seventh
/// of all instructions of a `set` for it.
fn numbers(flags: u32, data_length: u32) -> ([u8; NUMBERS_MAX], usize) {
    let mut text = *b"                      \r\n";
    let mut start = NUMBERS_MAX - END.len();
    for mut number in [data_length, flags] {
        loop {
            start -= 1;
            text[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        start -= 1; // a space stands there
    }
    (text, start)
}

/// What so many bytes behind an `Arc` take of the memory.
fn weight(length: usize) -> usize {
    let block = (length + ARC_BYTES + MALLOC_BYTES).next_multiple_of(16);
    if block < PAGED_FROM {
        return block;
    }
    (block + MALLOC_BYTES).next_multiple_of(PAGE)
}
