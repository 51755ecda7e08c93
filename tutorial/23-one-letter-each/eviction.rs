//! Which item goes when memory is full: SIEVE (Zhang and others, "SIEVE is Simpler than LRU", NSDI 2024).
//!
//! Items stand in a ring in the order in which they arrived, and never change places. A hit only marks its item. When room
//! is needed a hand walks from the oldest item towards the newest:
//!
//! ```text
//!   gate ── oldest               newest ── gate
//!             a*  ──  b  ──  c*  ──  d              * asked for since the hand last came by
//!                     ▲
//!                    hand
//! ```
//!
//! A marked item loses its mark and stays; the first unmarked one goes, and the hand waits where it was. What is asked for
//! again and again keeps being spared; what was asked for once is spared once.
//!
//! The ring owns the items, in slots that never move; a slot that is vacant is used again. Slot 0 is the gate between the
//! newest and the oldest: it holds no item, and with it no end of the ring is a special case.

use crate::clock::Moment;
use crate::item::{Item, MARKED};
use std::collections::TryReserveError;

/// The number of the place where an item stands.
pub type Slot = u32;

const GATE: Slot = 0;

#[derive(Default)]
struct Link {
    /// Nothing at the gate and in a vacant slot.
    item: Option<Item>,
    older: Slot,
    /// Of a vacant slot: the next vacant one.
    newer: Slot,
}

pub struct Sieve {
    ring: Vec<Link>,
    /// Where the next search begins.
    hand: Slot,
    /// The first vacant slot; the gate where there is none.
    vacant: Slot,
}

impl Default for Sieve {
    fn default() -> Sieve {
        Sieve {
            ring: vec![Link::default()],
            hand: GATE,
            vacant: GATE,
        }
    }
}

impl Sieve {
    /// How many slots there are, with vacant ones and the gate.
    pub fn slots(&self) -> Slot {
        self.ring.len() as Slot
    }

    /// What they take of the memory, in bytes; the gate is free.
    pub fn bytes(&self) -> usize {
        (self.ring.len() - 1) * size_of::<Link>()
    }

    /// Gets room for one more item, if the system has any.
    pub fn grow(&mut self) -> Result<(), TryReserveError> {
        self.ring.try_reserve(1)
    }

    pub fn get(&mut self, slot: Slot) -> Option<&mut Item> {
        self.ring.get_mut(slot as usize)?.item.as_mut()
    }

    /// Puts an item at the newest end.
    pub fn arrive(&mut self, item: Item) -> Slot {
        let newest = self.link(GATE).older;
        let mut slot = self.vacant;
        if slot == GATE {
            slot = self.slots();
            self.ring.push(Link::default());
        } else {
            self.vacant = self.link(slot).newer;
        }
        *self.link(slot) = Link {
            item: Some(item),
            older: newest,
            newer: GATE,
        };
        self.link(newest).newer = slot;
        self.link(GATE).older = slot;
        slot
    }

    /// Takes an item out, wherever it stands.
    pub fn leave(&mut self, slot: Slot) -> Option<Item> {
        let vacant = self.vacant;
        let link = self.link(slot);
        let item = link.item.take()?;
        let (older, newer) = (link.older, link.newer);
        link.newer = vacant;
        self.vacant = slot;
        self.link(older).newer = newer;
        self.link(newer).older = older;
        if self.hand == slot {
            self.hand = newer;
        }
        Some(item)
    }

    /// The slot whose item is to leave. What has expired is not spared by its mark.
    pub fn victim(&mut self, now: Moment) -> Option<Slot> {
        loop {
            if self.hand == GATE {
                self.hand = self.link(GATE).newer;
            }
            let hand = self.hand;
            let link = self.link(hand);
            let item = link.item.as_ref()?; // the gate again: nobody is here
            let marked = item.has(MARKED);
            item.unset(MARKED);
            if !marked || item.has_expired(now) {
                return Some(hand);
            }
            self.hand = link.newer;
        }
    }

    fn link(&mut self, slot: Slot) -> &mut Link {
        &mut self.ring[slot as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NEVER;
    use crate::item::Draft;

    #[test]
    fn the_hand_spares_what_is_marked_and_stays_where_it_stopped() {
        let mut sieve = Sieve::default();
        for (key, marks) in [("a", MARKED), ("b", 0), ("c", MARKED), ("d", 0)] {
            let draft = Draft::new(key.as_bytes(), 0, 0).expect("memory");
            let item = draft.finish(NEVER);
            item.set(marks);
            sieve.arrive(item);
        }
        let order = std::iter::from_fn(|| {
            let slot = sieve.victim(NEVER)?;
            let item = sieve.leave(slot)?;
            String::from_utf8(item.key().to_vec()).ok()
        });
        assert_eq!(order.collect::<Vec<_>>(), ["b", "d", "a", "c"]);
    }
}
