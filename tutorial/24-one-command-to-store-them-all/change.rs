//! What a command makes of the item that is there: no map and no lock, only the rules.

use crate::clock::Moment;
use crate::item::Item;

/// How a new item gets along with the one that is there.
#[derive(Clone, Copy, Default)]
pub enum Mode {
    #[default]
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    /// Only over the item with this cas unique.
    Cas(u64),
}

#[derive(Clone, Copy)]
pub enum Failure {
    NotStored,
    /// The item has another cas unique.
    Exists,
    NotFound,
    NonNumeric,
    /// The data block does not end where it was said to.
    BadChunk,
    /// Larger than `-I`.
    TooLarge,
    OutOfMemory,
}

/// A mode, and what ms can ask for beside it.
#[derive(Default)]
pub struct Change {
    pub mode: Mode,
    /// Append and prepend to the item with this cas unique only; 0 is any.
    pub compare: Option<u64>,
    /// Where append and prepend find nothing they make an item that expires then.
    pub vivify: Option<Moment>,
    /// The cas unique to give to the new item, instead of the next one.
    pub cas: Option<u64>,
}

impl From<Mode> for Change {
    fn from(mode: Mode) -> Change {
        Change {
            mode,
            ..Change::default()
        }
    }
}

impl Change {
    /// The item that takes the place of the old one.
    pub fn apply(&self, old: Option<&Item>, mut new: Item) -> Result<Item, Failure> {
        match (self.mode, old) {
            (Mode::Set, _) | (Mode::Add, None) | (Mode::Replace, Some(_)) => {}
            (Mode::Add, Some(_)) | (Mode::Replace, None) => return Err(Failure::NotStored),
            (Mode::Append, Some(old)) => return self.join(old, old.data(), new.data()),
            (Mode::Prepend, Some(old)) => return self.join(old, new.data(), old.data()),
            (Mode::Append | Mode::Prepend, None) => {
                new.expires = self.vivify.ok_or(Failure::NotStored)?;
            }
            (Mode::Cas(unique), Some(old)) if unique == old.cas => {}
            (Mode::Cas(_), Some(_)) => return Err(Failure::Exists),
            (Mode::Cas(_), None) => return Err(Failure::NotFound),
        }
        Ok(new)
    }

    fn join(&self, old: &Item, first: &[u8], second: &[u8]) -> Result<Item, Failure> {
        match self.compare {
            Some(unique) if unique != 0 && unique != old.cas => Err(Failure::Exists),
            _ => old.with_data(first, second).ok_or(Failure::OutOfMemory),
        }
    }
}

/// What incr and decr do to a number.
#[derive(Clone, Copy)]
pub enum Delta {
    Increment(u64),
    Decrement(u64),
}

impl Delta {
    /// The number that comes out, and its item. incr wraps at 64 bits, decr stops at 0. As in memcached the data block
    /// never gets shorter: what is missing is filled up with spaces.
    pub fn apply(self, old: &Item) -> Result<(u64, Item), Failure> {
        let number = stored_number(old.data()).ok_or(Failure::NonNumeric)?;
        let number = match self {
            Delta::Increment(by) => number.wrapping_add(by),
            Delta::Decrement(by) => number.saturating_sub(by),
        };
        let digits = format!("{number:<width$}", width = old.data().len());
        let item = old.with_data(digits.as_bytes(), b"");
        let item = item.ok_or(Failure::OutOfMemory)?;
        if item.data().len() == old.data().len() {
            item.set(old.marks()); // memcached changes such a number in its place
        }
        Ok((number, item))
    }
}

/// A number as incr and decr find it: white space and a `+` may come before it, anything behind white space after it.
fn stored_number(data: &[u8]) -> Option<u64> {
    let start = data.trim_ascii_start();
    let word = start.split(u8::is_ascii_whitespace).next()?;
    std::str::from_utf8(word).ok()?.parse().ok()
}
