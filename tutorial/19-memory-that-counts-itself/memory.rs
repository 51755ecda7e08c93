//! Memory that counts itself: what holds bytes makes a claim on the memory, which ends when the holder does. So there is no
//! way out that could forget it, not even a panic.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What all claims come to, in bytes.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// malloc's own word before every block, in bytes. Its blocks are multiples of 16.
const MALLOC_BYTES: usize = 8;

/// What all that is held takes of the memory, in bytes.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

/// What malloc takes for a block of so many bytes.
pub fn malloc_size(bytes: usize) -> usize {
    (bytes + MALLOC_BYTES).next_multiple_of(16)
}

/// So many bytes are held, as long as this lives.
pub struct Claim(u32);

impl Claim {
    /// A claim is at most 4 GiB: no item is larger.
    fn new(bytes: usize) -> Claim {
        let claim = Claim(u32::try_from(bytes).unwrap_or(u32::MAX));
        HELD.fetch_add(claim.size(), Relaxed);
        claim
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.0 as usize
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        HELD.fetch_sub(self.size(), Relaxed);
    }
}

/// Bytes that can be added to, as far as there is room.
pub struct Block {
    bytes: Vec<u8>,
    claim: Claim,
}

impl Block {
    /// An empty block with room for so many bytes, at most 2 GiB, which claims so much. `None`: the system has no memory.
    pub fn with_room(bytes: usize, claim: usize) -> Option<Block> {
        let mut room = Vec::new();
        room.try_reserve_exact(bytes).ok()?;
        Some(Block {
            bytes: room,
            claim: Claim::new(claim),
        })
    }

    /// How many bytes can still be added.
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Adds as many of these bytes as there is room for.
    pub fn add(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(self.room())];
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds so many zeros, or as many as there is room for, and lends them to be filled.
    pub fn add_zeros(&mut self, count: usize) -> &mut [u8] {
        let end = self.bytes.len();
        self.bytes.resize(end + count.min(self.room()), 0);
        &mut self.bytes[end..]
    }

    /// The bytes, now of this length for ever, and the claim that they need.
    pub fn seal(self) -> (Box<[u8]>, Claim) {
        (self.bytes.into_boxed_slice(), self.claim)
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
