//! What a client stored under a key, kept as the reply that a `get` of it gets, and a few numbers about it.
//!
//! ```text
//! greeting 0 5\r\nhello\r\n
//! ```
//!
//! So a hit has nothing to put together: it copies one run of bytes behind the word `VALUE`. The bytes are never changed
//! once they can be shared; until then they are a [`Draft`].

use crate::clock::{Moment, NEVER};
use crate::memory::{Block, Claim, malloc_size};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// The end of a line, and of a data block.
const END: &[u8] = b"\r\n";

/// What memcached adds to key and data block when it compares an item with `-I`; with the same share both refuse
/// the same sizes.
const MEMCACHED_HEADER: usize = 59;

/// What stands between key and data block at most: two numbers of 32 bits, two spaces and `\r\n`, in bytes.
const NUMBERS_MAX: usize = 24;

/// What an [`Arc`] of a [`Body`] takes of the memory, in bytes: two counters, and malloc's share.
const BODY_BYTES: usize = 48;

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
    /// The moment it was last stored or asked for.
    pub accessed: Moment,
}

/// What the store and those who are just writing it share of an item: 48 bytes with `Arc`'s counters and malloc's word.
struct Body {
    reply: Box<[u8]>,
    claim: Claim,
    /// Of the first line with its end, in bytes.
    line_length: u16,
    key_length: u8,
    /// [`FETCHED`] and [`MARKED`]; changed under the store's lock only.
    marks: AtomicU8,
}

/// An item whose data block is still to come.
pub struct Draft {
    pub block: Block,
    line_length: u16,
    key_length: u8,
}

impl Draft {
    /// A key is at most 250 bytes: the parser sees to it. `None`: the system has no memory.
    pub fn new(key: &[u8], flags: u32, bytes: usize) -> Option<Draft> {
        let (numbers, start) = numbers(flags, bytes as u32);
        let line_length = key.len() + numbers.len() - start;
        let length = line_length + bytes + END.len();
        let mut block = Block::with_room(length, malloc_size(length) + BODY_BYTES)?;
        block.add(key);
        block.add(&numbers[start..]);
        Some(Draft {
            block,
            line_length: line_length as u16,
            key_length: key.len() as u8,
        })
    }

    /// What an item with such a key and data block takes of the memory at most.
    pub fn most_weight(key: &[u8], bytes: usize) -> usize {
        malloc_size(key.len() + NUMBERS_MAX + bytes + END.len()) + BODY_BYTES
    }

    /// The item, once the data block and its end are there.
    pub fn finish(self, expires: Moment) -> Item {
        let (reply, claim) = self.block.seal();
        let body = Body {
            reply,
            claim,
            line_length: self.line_length,
            key_length: self.key_length,
            marks: AtomicU8::new(0),
        };
        Item {
            body: Arc::new(body),
            cas: 0,
            expires,
            accessed: NEVER,
        }
    }
}

impl Item {
    /// An item of the same key, flags and exptime with another data block, in two parts.
    pub fn with_data(&self, first: &[u8], second: &[u8]) -> Option<Item> {
        let mut draft = Draft::new(self.key(), self.flags(), first.len() + second.len())?;
        for part in [first, second, END] {
            draft.block.add(part);
        }
        Some(draft.finish(self.expires))
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
        let block = self.block();
        &block[..block.len() - END.len()]
    }

    /// The data block with its end.
    pub fn block(&self) -> &[u8] {
        self.reply_parts().1
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

    /// What it takes of the memory, in bytes.
    pub fn weight(&self) -> usize {
        self.body.claim.size()
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

    /// Notes that a client asked for it.
    pub fn mark(&mut self, now: Moment) {
        self.set(FETCHED | MARKED);
        self.accessed = now;
    }

    pub fn has_expired(&self, now: Moment) -> bool {
        self.expires != NEVER && self.expires <= now
    }
}

/// What stands between key and data block, at the end of the text, and where it begins. `format!` would take a fifth of all
/// instructions of a `set`.
fn numbers(flags: u32, bytes: u32) -> ([u8; NUMBERS_MAX], usize) {
    let mut text = *b"                      \r\n";
    let mut start = text.len() - END.len();
    for mut number in [bytes, flags] {
        loop {
            start -= 1;
            text[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        start -= 1;
    }
    (text, start)
}
