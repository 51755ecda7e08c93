//! Room: memory is promised before a data block is received, and what is stored makes way.
//!
//! What counts against `-m` is what the process really holds: the bytes of the items with malloc's share, the store's
//! tables, what clients have been promised room for and are still sending, and what has been thrown out but is still
//! being written to a slow client.

use std::mem;

use super::Store;
use crate::change::{Change, Mode};
use crate::eviction::Slot;
use crate::item::{FETCHED, Item};

/// The slot of an item and its place in the order of eviction, in bytes.
const SLOT_BYTES: usize = 48;

/// One part in so many of the heap is counted as holes between blocks. Twice that was seen, when large values come
/// where many small ones were (tests/memory.rs), but not for long.
const HOLES: usize = 16;

/// Clients that announce large values and never send them can get three quarters of the memory, not all of it. What is
/// not larger than this, in bytes, always finds room.
const SMALL: usize = 16 * 1024;

/// Why there is no room for an item.
#[derive(Clone, Copy, PartialEq)]
pub enum Refusal {
    /// Larger than `-I`.
    TooLarge,
    /// Larger than what others, who are being received at this moment, leave of `-m`.
    OutOfMemory,
}

impl Store {
    /// Makes room for an item that is going to be received, and holds it until `store` or `release`. A set that is
    /// refused takes the old item with it: better a miss than stale data.
    pub fn reserve(&mut self, key: &[u8], bytes: usize, change: &Change) -> Result<(), Refusal> {
        let refusal = match self.promise(key, bytes) {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        match refusal {
            Refusal::TooLarge => self.counts.store_too_large += 1,
            Refusal::OutOfMemory => self.counts.store_no_memory += 1,
        }
        if change.mode == Mode::Set
            && !change.is_cas()
            && let Some(slot) = self.live(key)
        {
            self.throw_out(slot);
        }
        Err(refusal)
    }

    fn promise(&mut self, key: &[u8], bytes: usize) -> Result<(), Refusal> {
        if Item::size(key, bytes) > self.size_max {
            return Err(Refusal::TooLarge);
        }
        let weight = Item::weight(key, bytes);
        if weight > SMALL && self.promised + weight > self.limit / 4 * 3 {
            return Err(Refusal::OutOfMemory);
        }
        self.sweep();
        self.promised += weight;
        self.evict();
        if weight > SMALL && self.bytes() > self.limit {
            self.promised -= weight;
            return Err(Refusal::OutOfMemory);
        }
        Ok(())
    }

    /// Gives back what was reserved for an item that did not come.
    pub fn release(&mut self, key: &[u8], bytes: usize) {
        self.promised -= Item::weight(key, bytes);
    }

    /// All that counts against the limit, in bytes: the items and the holes between them, what is promised, and the
    /// store's own tables.
    pub fn bytes(&self) -> usize {
        let vacant = self.vacant.len() * size_of::<Slot>();
        let tables = self.items.len() * SLOT_BYTES + vacant + self.index.bytes();
        self.used + self.used / HOLES + self.promised + tables
    }

    /// Evicts until what is stored and what is promised fit into the limit.
    pub(super) fn evict(&mut self) {
        if self.bytes() > self.limit {
            self.take_back();
        }
        while self.bytes() > self.limit {
            let (items, now) = (&mut self.items, self.now);
            let spare = |slot: Slot| {
                items[slot as usize]
                    .as_mut()
                    .is_some_and(|item| item.spare(now))
            };
            let Some(slot) = self.order.victim(spare) else {
                return;
            };
            self.count_loss(slot);
            self.throw_out(slot);
        }
    }

    /// Looks at the next two slots for an item that has expired. Since every item that comes in does this, the
    /// search keeps pace with the growth, and nobody ever waits for a whole round.
    fn sweep(&mut self) {
        for _ in 0..2 {
            self.swept = if self.swept < self.items.len() {
                self.swept + 1
            } else {
                0
            };
            let (slot, now) = (self.swept as Slot, self.now);
            let item = self.item_mut(slot);
            if item.is_some_and(|item| item.has_expired(now)) {
                self.count_loss(slot);
                self.throw_out(slot);
            }
        }
    }

    /// An item goes that nobody wanted to be rid of: evicted, or reclaimed if it had expired anyway.
    fn count_loss(&mut self, slot: Slot) {
        let now = self.now;
        let Some(item) = self.item_mut(slot) else {
            return;
        };
        let unfetched = u64::from(!item.is(FETCHED));
        if item.has_expired(now) {
            self.counts.reclaimed += 1;
            self.counts.expired_unfetched += unfetched;
        } else {
            self.counts.evictions += 1;
            self.counts.evicted_unfetched += unfetched;
        }
    }

    /// Lets an item go. While somebody is still writing it to a client, its bytes go on to count.
    pub(super) fn let_go(&mut self, item: Item) {
        if item.is_lent() {
            self.lent.push(item);
        } else {
            self.used -= item.own_weight();
            self.thrown_out.push(Some(item));
        }
    }

    /// Lets the lent items go that have come back.
    fn take_back(&mut self) {
        for item in mem::take(&mut self.lent) {
            self.let_go(item);
        }
    }
}
