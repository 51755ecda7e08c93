//! Which item goes when memory is full: SIEVE (Zhang and others, "SIEVE is Simpler than LRU", NSDI 2024).
//!
//! Items stand in a queue in the order in which they arrived, and never change places. A hit only marks its item.
//! When room is needed a hand walks from the oldest item towards the newest:
//!
//! ```text
//!   oldest                        newest
//!     a*  ──  b  ──  c*  ──  d  ──  e        * asked for since the hand last came by
//!             ▲
//!            hand
//! ```
//!
//! A marked item loses its mark and stays; the first unmarked one is evicted, and the hand stays where it was. At
//! the newest it starts again at the oldest. What is asked for again and again keeps being spared; what was asked
//! for once is gone by the time the hand comes, even if it came in after the hand had passed: the next round sifts it.
//!
//! This room knows neither keys nor items, only the slots in which the store keeps them, and asks the store
//! whether a slot is marked. It is a list linked by slot numbers, 8 bytes an item.

/// The number of the place in which the store keeps an item.
pub type Slot = u32;

/// No neighbour on this side, or an empty queue.
const NONE: Slot = Slot::MAX;

#[derive(Clone, Copy)]
struct Neighbours {
    older: Slot,
    newer: Slot,
}

/// All slots in use, in the order in which their items arrived.
pub struct Sieve {
    /// Indexed by slot; what stands at a slot that is not in use means nothing.
    neighbours: Vec<Neighbours>,
    oldest: Slot,
    newest: Slot,
    /// Where the next search begins; `NONE` is the oldest.
    hand: Slot,
}

impl Sieve {
    pub fn new() -> Sieve {
        Sieve {
            neighbours: Vec::new(),
            oldest: NONE,
            newest: NONE,
            hand: NONE,
        }
    }

    /// Puts a slot at the newest end. It must not be in the queue yet.
    pub fn arrive(&mut self, slot: Slot) {
        let newcomer = Neighbours {
            older: self.newest,
            newer: NONE,
        };
        match self.neighbours.get_mut(slot as usize) {
            Some(place) => *place = newcomer,
            None => self.neighbours.push(newcomer),
        }
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.neighbours[newest as usize].newer = slot,
        }
        self.newest = slot;
    }

    /// Takes a slot out, wherever it stands.
    pub fn leave(&mut self, slot: Slot) {
        let Neighbours { older, newer } = self.neighbours[slot as usize];
        match older {
            NONE => self.oldest = newer,
            older => self.neighbours[older as usize].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.neighbours[newer as usize].older = older,
        }
        if self.hand == slot {
            self.hand = newer;
        }
    }

    /// The slot to evict, or `None` when there is nothing left. `spare` says whether a slot was marked, and takes
    /// the mark away; the caller lets the slot `leave`.
    pub fn victim(&mut self, mut spare: impl FnMut(Slot) -> bool) -> Option<Slot> {
        if self.oldest == NONE {
            return None;
        }
        loop {
            if self.hand == NONE {
                self.hand = self.oldest;
            }
            if !spare(self.hand) {
                return Some(self.hand);
            }
            self.hand = self.neighbours[self.hand as usize].newer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hand_spares_what_is_marked_and_stays_where_it_stopped() {
        let mut sieve = Sieve::new();
        let mut marked = [true, false, true, false];
        (0..4).for_each(|slot| sieve.arrive(slot));
        let mut evict = || {
            let spare = |slot: Slot| std::mem::take(&mut marked[slot as usize]);
            let slot = sieve.victim(spare)?;
            sieve.leave(slot);
            Some(slot)
        };
        let order: Vec<_> = std::iter::from_fn(&mut evict).collect();
        assert_eq!(order, [1, 3, 0, 2]);
    }
}
