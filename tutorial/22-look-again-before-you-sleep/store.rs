//! The items, behind one lock. The store knows no sockets and no protocol text.
//!
//! It is used by one thread at a time, so all it does is short: nothing is read from a client, written to one, or freed
//! while the lock is held. Whoever wants to keep bytes asks for room first, and is told no before anything is evicted.

use crate::change::{Delta, Failure, Mode};
use crate::clock::{Moment, NEVER};
use crate::counters::COUNT;
use crate::eviction::Slot;
use crate::item::{Draft, FETCHED, Item, MARKED};
use crate::memory::{Block, held, resident};
use crate::table::Table;
use std::mem;
use std::sync::{Mutex, PoisonError};

/// Clients that announce large values and never send them, or ask for them and never read, can get three quarters of
/// the memory, not all of it. What is not larger than this, in bytes, always finds room.
const SMALL: usize = 16 * 1024;

/// One part in so many of all that is held counts as holes between blocks, and twice that is no reason to worry.
const HOLES: usize = 16;

/// So much is evicted at once beyond what a newcomer needs, in bytes: when the table has grown, everybody pays a little.
const AT_ONCE: usize = 64 * 1024;

/// What is not larger than this, in bytes, will find a hole.
const FITS_HOLES: usize = 1024;

/// What a connection takes of the memory, in bytes (tests/crowds.rs).
const CONNECTION_BYTES: usize = 20 * 1024;

/// The store behind its lock.
pub struct Cache(Mutex<Store>);

impl Cache {
    pub fn new(limits: Limits) -> Cache {
        Cache(Mutex::new(Store {
            limits,
            at_start: resident(),
            ..Store::default()
        }))
    }

    /// Does one piece of work under the lock, and frees what it threw out when the lock is free again. A lock that a
    /// panic poisoned is taken anyway: one client's accident is not everybody's.
    pub fn with<Answer>(&self, now: Moment, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.begin(now);
        let answer = work(&mut store);
        let leaving = (mem::take(&mut store.leaving), store.cleared.take());
        drop(store);
        drop(leaving);
        answer
    }
}

/// What the store may take.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    /// `-m`, in bytes.
    pub memory: usize,
    /// `-I`, in bytes.
    pub item_size: usize,
    /// `-M` forbids it.
    pub evictions: bool,
}

#[derive(Default)]
pub struct Store {
    pub limits: Limits,
    table: Table,
    /// The slot at which the search for expired items goes on.
    swept: Slot,
    /// What waits to be freed when the lock is free again: items, and the table that `flush_all` emptied.
    leaving: Vec<Item>,
    cleared: Option<Table>,
    now: Moment,
    /// When a `flush_all` with a delay takes effect.
    flush_at: Moment,
    last_cas: u64,
    /// What the process took before it had an item, in bytes.
    at_start: usize,
    /// What was found when the system was last asked, and the bytes that room was asked for since.
    holes: usize,
    unasked: usize,
}

impl Store {
    fn begin(&mut self, now: Moment) {
        self.now = now;
        if self.flush_at != NEVER && self.flush_at <= now {
            self.flush_all(NEVER);
        }
    }

    /// How many items there are; expired ones count until they are found.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// All that counts against `-m`, in bytes: what is stored, what clients are sending or being sent, and the table.
    pub fn bytes(&self) -> usize {
        self.bytes_with(0)
    }

    fn bytes_with(&self, more: usize) -> usize {
        let held = held() + more;
        held + held / HOLES + self.table.bytes()
    }

    /// The item under this key; one that has expired is thrown out.
    fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        let slot = self.find(key)?;
        self.table.get(slot)
    }

    fn find(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = self.table.find(key)?;
        if self.table.get(slot)?.has_expired(self.now) {
            COUNT.get_expired.add(1);
            self.throw_out(slot);
            return None;
        }
        Some(slot)
    }

    /// A handle to the item; gat and touch give it a new moment to expire.
    pub fn fetch(&mut self, key: &[u8], expires: Option<Moment>) -> Option<Item> {
        let item = self.get(key)?;
        item.set(FETCHED | MARKED);
        item.expires = expires.unwrap_or(item.expires);
        Some(item.clone())
    }

    /// Room for an item that is going to be received.
    pub fn draft(&mut self, key: &[u8], flags: u32, bytes: usize) -> Result<Draft, Failure> {
        if Item::size(key, bytes) > self.limits.item_size {
            return Err(Failure::TooLarge);
        }
        self.make_room(Draft::most_weight(key, bytes))?;
        Draft::new(key, flags, bytes).ok_or(Failure::OutOfMemory)
    }

    /// Twice the room for a line of keys, of which there can be many: one line may take an eighth of the memory.
    pub fn lengthen(&mut self, line: &mut Block) -> bool {
        let more = line.len();
        2 * more <= self.limits.memory / 8 && self.make_room(more).is_ok() && line.grow(more)
    }

    /// Stores an item for which there is room, if the present one allows it.
    pub fn store(&mut self, item: Item, mode: Mode) -> Result<(), Failure> {
        let slot = self.find(item.key());
        let old = slot.and_then(|slot| self.table.get(slot));
        let item = mode.apply(old.as_deref(), item)?;
        if Item::size(item.key(), item.data().len()) > self.limits.item_size {
            return Err(Failure::NotStored);
        }
        if let Mode::Append | Mode::Prepend = mode {
            self.make_room(0)?; // the sum counts itself already
        }
        self.insert(slot, item);
        Ok(())
    }

    pub fn delta(&mut self, key: &[u8], delta: Delta) -> Result<u64, Failure> {
        let slot = self.find(key).ok_or(Failure::NotFound)?;
        let old = self.table.get(slot).ok_or(Failure::NotFound)?;
        let (number, item) = delta.apply(old)?;
        self.insert(Some(slot), item);
        Ok(number)
    }

    /// The one way in: the place of the present item, if it is still there, or the newest end.
    fn insert(&mut self, slot: Option<Slot>, mut item: Item) {
        self.last_cas += 1;
        item.cas = self.last_cas;
        let old = self.table.put(slot, item);
        self.leaving.extend(old);
    }

    /// Makes room for so many bytes more, or says no before anything is evicted.
    fn make_room(&mut self, bytes: usize) -> Result<(), Failure> {
        let clients = held().saturating_sub(self.table.weight()) + bytes;
        let holes = self.holes(bytes);
        let over = (self.bytes_with(bytes) + holes).saturating_sub(self.limits.memory);
        let refused = bytes > SMALL && clients > self.limits.memory / 4 * 3;
        if refused || over > 0 && !self.limits.evictions || self.table.grow().is_err() {
            return Err(Failure::OutOfMemory);
        }
        self.sweep();
        self.evict(over.min(4 * bytes + AT_ONCE));
        Ok(())
    }

    /// What holes in the heap take that cannot serve so many bytes: they are where smaller items were, and the system cannot
    /// have them back. They are what the process takes less all that is known; the system is asked now and then.
    fn holes(&mut self, bytes: usize) -> usize {
        self.unasked += bytes;
        if self.unasked > self.limits.memory / 128 {
            let connections = COUNT.curr_connections.get() as usize * CONNECTION_BYTES;
            let known = self.at_start + connections + self.bytes() + self.limits.memory / HOLES;
            self.holes = resident().saturating_sub(known);
            self.unasked = 0;
        }
        if bytes > FITS_HOLES { self.holes } else { 0 }
    }

    /// Changes `-m`, in bytes; what is too much goes at once.
    pub fn set_memory_limit(&mut self, limit: usize) {
        self.limits.memory = limit;
        if self.limits.evictions {
            self.evict(self.bytes().saturating_sub(limit));
        }
    }

    /// Evicts so many bytes, but leaves an eighth of the memory to what is stored, or clients that hold values would
    /// evict every newcomer. What is evicted is freed later, so what is held is no measure of it.
    fn evict(&mut self, bytes: usize) {
        let enough = self.table.weight().saturating_sub(bytes);
        let goal = enough.max(self.limits.memory / 8);
        while self.table.weight() > goal
            && let Some(slot) = self.table.victim(self.now)
        {
            self.lose(slot);
        }
    }

    /// Looks at the next two slots for an item that has expired. Since every item that comes in does this, the search
    /// keeps pace with the growth, and nobody ever waits for a whole round.
    fn sweep(&mut self) {
        for _ in 0..2 {
            self.swept = (self.swept + 1) % self.table.slots();
            let item = self.table.get(self.swept);
            if item.is_some_and(|item| item.has_expired(self.now)) {
                self.lose(self.swept);
            }
        }
    }

    /// An item goes that nobody wanted to be rid of: evicted, or reclaimed if it had expired anyway.
    fn lose(&mut self, slot: Slot) {
        if let Some(item) = self.table.get(slot) {
            let (count, unfetched) = match item.has_expired(self.now) {
                true => (&COUNT.reclaimed, &COUNT.expired_unfetched),
                false => (&COUNT.evictions, &COUNT.evicted_unfetched),
            };
            count.add(1);
            unfetched.add(usize::from(!item.has(FETCHED)));
            self.throw_out(slot);
        }
    }

    /// Says whether there was such an item.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        let slot = self.find(key);
        slot.map(|slot| self.throw_out(slot)).is_some()
    }

    /// The one way out.
    fn throw_out(&mut self, slot: Slot) {
        let item = self.table.take(slot);
        self.leaving.extend(item);
    }

    /// Throws out everything: now, or at that moment, with `NEVER` for now.
    pub fn flush_all(&mut self, at: Moment) {
        self.flush_at = at;
        if at == NEVER {
            self.cleared = Some(mem::take(&mut self.table));
        }
    }
}
