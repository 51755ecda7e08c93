//! The items: an index from keys to slots, the order of eviction, and the memory they take.
//!
//! The store knows no sockets and no protocol text. It is used by one thread at a time (see [`Cache`]), so all it
//! does is short: nothing is read from a client, written to one or freed while the lock is held.

mod room;

use std::mem;
use std::sync::{Mutex, PoisonError};

use crate::change::{Change, Delta, DeltaFailure, Mode, Outcome};
use crate::clock::{Moment, NEVER};
use crate::eviction::{Sieve, Slot};
use crate::index::Index;
use crate::item::{Item, MARKED, STALE, WON};
use crate::stats::Counts;
pub use room::Refusal;

/// The store behind its lock.
pub struct Cache(Mutex<Store>);

impl Cache {
    /// `limit` is `-m` and `size_max` is `-I`, both in bytes.
    pub fn new(limit: usize, size_max: usize) -> Cache {
        Cache(Mutex::new(Store::new(limit, size_max)))
    }

    /// Does one piece of work under the lock, and frees what it threw out when the lock is free again. A lock that a
    /// panic poisoned is taken anyway: one client's accident is not everybody's.
    pub fn with<Answer>(&self, now: Moment, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.begin(now);
        let answer = work(&mut store);
        let thrown_out = mem::take(&mut store.thrown_out);
        drop(store);
        drop(thrown_out);
        answer
    }
}

pub struct Store {
    index: Index,
    items: Vec<Option<Item>>,
    vacant: Vec<Slot>,
    order: Sieve,
    /// The slot at which the search for expired items goes on.
    swept: usize,
    /// What waits to be freed outside of the lock.
    thrown_out: Vec<Option<Item>>,
    /// Thrown out, but not free: somebody is still writing them to a slow client.
    lent: Vec<Item>,
    limit: usize,
    size_max: usize,
    /// Bytes of the items, those that are lent included.
    used: usize,
    /// Bytes promised to items that are being received.
    promised: usize,
    last_cas: u64,
    now: Moment,
    /// When a `flush_all` with a delay takes effect.
    flush_at: Moment,
    pub counts: Counts,
}

impl Store {
    fn new(limit: usize, size_max: usize) -> Store {
        Store {
            index: Index::new(),
            items: Vec::new(),
            vacant: Vec::new(),
            order: Sieve::new(),
            swept: 0,
            thrown_out: Vec::new(),
            lent: Vec::new(),
            limit,
            size_max,
            used: 0,
            promised: 0,
            last_cas: 0,
            now: NEVER,
            flush_at: NEVER,
            counts: Counts::default(),
        }
    }

    fn begin(&mut self, now: Moment) {
        self.now = now;
        if self.flush_at != NEVER && self.flush_at <= now {
            self.flush_at = NEVER;
            self.clear();
        }
    }

    /// The item under this key, as long as it has not expired.
    pub fn get(&mut self, key: &[u8]) -> Option<&mut Item> {
        let slot = self.live(key)?;
        self.item_mut(slot)
    }

    /// The same for a client that asks for the item, or `touches` it: it counts as a hit or a miss.
    pub fn find(&mut self, key: &[u8], touches: bool) -> Option<&mut Item> {
        let slot = self.live(key);
        self.counts.find(touches, slot.is_some());
        self.item_mut(slot?)
    }

    /// A handle to an item that was asked for; gat and touch give it a new moment to expire.
    pub fn fetch(&mut self, key: &[u8], expires: Option<Moment>) -> Option<Item> {
        let now = self.now;
        let item = self.find(key, expires.is_some())?;
        item.mark(now);
        item.expires = expires.unwrap_or(item.expires);
        Some(item.clone())
    }

    pub fn delete(&mut self, key: &[u8]) -> bool {
        let Some(slot) = self.live(key) else {
            self.counts.delete_misses += 1;
            return false;
        };
        self.counts.delete_hits += 1;
        self.throw_out(slot);
        true
    }

    /// Marks an item as stale: it is served on, but one client is told to fetch it anew.
    pub fn invalidate(&mut self, key: &[u8], expires: Option<Moment>, cas: Option<u64>) -> bool {
        let cas = cas.unwrap_or_else(|| self.next_cas());
        let Some(item) = self.get(key) else {
            self.counts.delete_misses += 1;
            return false;
        };
        item.expires = expires.unwrap_or(item.expires);
        item.state = (item.state | STALE) & !WON;
        item.cas = cas;
        true
    }

    /// Throws out everything: now, or at that moment, with [`NEVER`] for now. A later call replaces an earlier one.
    pub fn flush_all(&mut self, at: Moment) {
        self.counts.cmd_flush += 1;
        self.flush_at = at;
        if at == NEVER {
            self.clear();
        }
    }

    /// Stores an item for which room was reserved, if the present one allows it.
    pub fn store(&mut self, item: Item, change: &Change) -> Outcome {
        self.release(item.key(), item.data().len());
        self.counts.cmd_set += 1;
        let outcome = match self.live(item.key()) {
            Some(slot) => self.store_over(slot, item, change),
            None => self.store_new(item, change),
        };
        self.counts.total_items += u64::from(matches!(outcome, Outcome::Stored(_)));
        if change.is_cas() {
            self.counts.cas(outcome);
        }
        outcome
    }

    fn store_new(&mut self, item: Item, change: &Change) -> Outcome {
        match change.mode {
            Mode::Set | Mode::Replace if change.is_cas() => Outcome::NotFound,
            Mode::Set | Mode::Add => Outcome::Stored(self.insert(item, change.cas)),
            Mode::Replace | Mode::Append | Mode::Prepend => Outcome::NotStored,
        }
    }

    fn store_over(&mut self, slot: Slot, item: Item, change: &Change) -> Outcome {
        let Some(old) = self.item_mut(slot) else {
            return Outcome::NotStored;
        };
        if change.mode == Mode::Add {
            old.state |= MARKED;
            return Outcome::NotStored;
        }
        let Some(item) = change.apply(old, item) else {
            return Outcome::Exists;
        };
        if Item::size(item.key(), item.data().len()) > self.size_max {
            return Outcome::NotStored;
        }
        Outcome::Stored(self.replace(slot, item, change.cas))
    }

    /// Adds to the number that an item's data block is, or subtracts from it.
    pub fn delta(
        &mut self,
        key: &[u8],
        delta: Delta,
        compare: Option<u64>,
    ) -> Result<u64, DeltaFailure> {
        let Some(slot) = self.live(key) else {
            self.counts.delta(delta, false);
            return Err(DeltaFailure::NotFound);
        };
        let old = self.item_mut(slot).ok_or(DeltaFailure::NotFound)?;
        let (number, item) = delta.apply(old, compare)?;
        self.counts.delta(delta, true);
        self.replace(slot, item, None);
        Ok(number)
    }

    /// The next cas unique.
    fn next_cas(&mut self) -> u64 {
        self.last_cas += 1;
        self.last_cas
    }

    /// How many items there are; expired ones count until they are found.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    fn insert(&mut self, mut item: Item, cas: Option<u64>) -> u64 {
        let cas = cas.unwrap_or_else(|| self.next_cas());
        item.cas = cas;
        item.accessed = self.now;
        if let Some(slot) = self.index.get(item.key()) {
            self.throw_out(slot);
        }
        self.used += item.own_weight();
        let slot = match self.vacant.pop() {
            Some(slot) => slot,
            None => {
                self.items.push(None);
                self.items.len() as Slot - 1
            }
        };
        self.index.insert(item.key(), slot);
        self.items[slot as usize] = Some(item);
        self.order.arrive(slot);
        cas
    }

    /// Puts an item in the place of another one with the same key, which keeps its place in the order of eviction.
    fn replace(&mut self, slot: Slot, mut item: Item, cas: Option<u64>) -> u64 {
        let cas = cas.unwrap_or_else(|| self.next_cas());
        item.cas = cas;
        item.accessed = self.now;
        item.state |= MARKED;
        self.used += item.own_weight();
        if let Some(old) = self.items[slot as usize].replace(item) {
            self.let_go(old);
        }
        self.evict();
        cas
    }

    fn clear(&mut self) {
        self.index = Index::new();
        self.order = Sieve::new();
        self.vacant = Vec::new();
        self.used = self.lent.iter().map(Item::own_weight).sum();
        self.thrown_out.append(&mut self.items);
    }

    /// Takes an item out of everything that knows it.
    fn throw_out(&mut self, slot: Slot) {
        let Some(item) = self.items[slot as usize].take() else {
            return;
        };
        self.index.remove(item.key());
        self.order.leave(slot);
        self.vacant.push(slot);
        self.let_go(item);
    }

    /// The slot of an item that can be used; one that has expired is thrown out.
    fn live(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = self.index.get(key)?;
        let item = self.items.get(slot as usize)?.as_ref()?;
        if item.key() != key {
            return None;
        }
        if item.has_expired(self.now) {
            self.counts.get_expired += 1;
            self.throw_out(slot);
            return None;
        }
        Some(slot)
    }

    fn item_mut(&mut self, slot: Slot) -> Option<&mut Item> {
        self.items.get_mut(slot as usize)?.as_mut()
    }
}
