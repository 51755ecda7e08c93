//! Memory that counts itself: what holds bytes makes a claim on the memory, which ends when the holder does. So there is no
//! way out that could forget it, not even a panic.

use std::fs;
use std::io::{self, BufRead, Read};
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What all claims come to, in bytes.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// malloc's own word before every block, in bytes. Its blocks are multiples of 16.
const MALLOC_BYTES: usize = 8;
/// From this size on malloc gives pages of their own, with one more word before them: heap.rs asks it to.
pub const PAGED_FROM: usize = 16 * 1024;
const PAGE: usize = 4096;

/// What all that is held takes of the memory, in bytes.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

/// What the process really takes of the memory, in bytes; 0 where the system does not say (Linux does).
pub fn resident() -> usize {
    system_says("/proc/self/status", "VmRSS:").unwrap_or(0) * 1024
}

/// The number behind a name in one of the files in which Linux tells a process about itself.
pub fn system_says(file: &str, name: &str) -> Option<usize> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What malloc takes for a block of so many bytes.
pub fn malloc_size(bytes: usize) -> usize {
    let block = (bytes + MALLOC_BYTES).next_multiple_of(16);
    match block {
        ..PAGED_FROM => block,
        _ => (block + MALLOC_BYTES).next_multiple_of(PAGE),
    }
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

    /// Gets room for so many bytes more, and claims what there is then. `false`: the system has no memory for them.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let grown = self.bytes.try_reserve_exact(bytes).is_ok();
        self.claim = Claim::new(malloc_size(self.bytes.capacity()));
        grown
    }

    /// Forgets the bytes. If it has grown above `room` bytes it gives that back, and its claim.
    pub fn clear(&mut self, room: usize) {
        self.bytes.clear();
        if self.bytes.capacity() > room {
            self.bytes.shrink_to(room);
            self.claim = Claim::new(0);
        }
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

    /// Adds a line with its end, or as much of it as has come and as there is room for, and says how many bytes that is.
    pub fn add_line(&mut self, reader: &mut impl BufRead) -> io::Result<usize> {
        let here = reader.fill_buf()?.len().min(self.room());
        reader.take(here as u64).read_until(b'\n', &mut self.bytes)
    }

    /// Takes the end of a line off again, `\n` or `\r\n`.
    pub fn remove_end(&mut self) {
        self.bytes.pop();
        self.bytes.pop_if(|last| *last == b'\r');
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
