//! What a command makes of the item that is there: the rules of set, add, replace, append, prepend, cas, incr and decr.
//!
//! No map and no lock: an old item, a new one, and what becomes of them.

use crate::item::{Item, STALE, WON};

/// How a new item gets along with the one that is there.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
}

/// What a storage command asks for beside the item itself.
pub struct Change {
    pub mode: Mode,
    /// The cas unique that the present item must have.
    pub compare: Option<u64>,
    /// A present item with a newer cas unique is replaced too, but the new one is marked stale.
    pub invalidate: bool,
    /// The cas unique to give to the new item, instead of the next one.
    pub cas: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Outcome {
    /// With the cas unique of the new item.
    Stored(u64),
    NotStored,
    /// The item has another cas unique.
    Exists,
    NotFound,
}

/// What incr and decr do to a number.
#[derive(Clone, Copy)]
pub enum Delta {
    Increment(u64),
    Decrement(u64),
}

/// Why incr and decr did nothing.
pub enum DeltaFailure {
    NotFound,
    NonNumeric,
    /// The item has another cas unique.
    Exists,
}

impl Change {
    pub fn new(mode: Mode) -> Change {
        Change {
            mode,
            compare: None,
            invalidate: false,
            cas: None,
        }
    }

    /// The cas command, or a meta set that compares.
    pub fn is_cas(&self) -> bool {
        self.compare.is_some() && matches!(self.mode, Mode::Set | Mode::Replace)
    }

    /// The item that takes the place of `old`, unless its cas unique forbids that.
    pub fn apply(&self, old: &Item, mut item: Item) -> Option<Item> {
        let joins = matches!(self.mode, Mode::Append | Mode::Prepend);
        let matches = self
            .compare
            .is_none_or(|cas| cas == old.cas || joins && cas == 0);
        let outdated = self.compare.is_some_and(|cas| 0 < cas && cas < old.cas);
        match self.mode {
            Mode::Append if matches => Some(old.with_data(old.data(), item.data())),
            Mode::Prepend if matches => Some(old.with_data(item.data(), old.data())),
            Mode::Set | Mode::Add | Mode::Replace if matches => Some(item),
            Mode::Set | Mode::Replace if self.invalidate && outdated => {
                item.expires = old.expires;
                item.state |= STALE | (old.state & WON);
                Some(item)
            }
            _ => None,
        }
    }
}

impl Delta {
    /// The number that comes out, and its item. incr wraps at 64 bits, decr stops at 0; the data block never gets
    /// shorter: as in memcached, what is missing is filled up with spaces.
    pub fn apply(self, old: &Item, compare: Option<u64>) -> Result<(u64, Item), DeltaFailure> {
        if old.data().is_empty() {
            return Err(DeltaFailure::NonNumeric);
        }
        if compare.is_some_and(|cas| cas != old.cas) {
            return Err(DeltaFailure::Exists);
        }
        let number = stored_number(old.data()).ok_or(DeltaFailure::NonNumeric)?;
        let number = match self {
            Delta::Increment(by) => number.wrapping_add(by),
            Delta::Decrement(by) => number.saturating_sub(by),
        };
        let digits = number.to_string();
        let padding = vec![b' '; old.data().len().saturating_sub(digits.len())];
        let mut item = old.with_data(digits.as_bytes(), &padding);
        if item.data().len() == old.data().len() {
            item.state = old.state;
        }
        Ok((number, item))
    }
}

/// A number as incr and decr find it: white space and a `+` may come before it, anything behind white space after it.
fn stored_number(data: &[u8]) -> Option<u64> {
    let word = data
        .trim_ascii_start()
        .split(u8::is_ascii_whitespace)
        .next()?;
    std::str::from_utf8(word).ok()?.parse().ok()
}
