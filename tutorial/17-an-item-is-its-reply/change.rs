//! What a command makes of the item that is there: no map and no lock, only the rules.

use crate::item::Item;

/// How a new item gets along with the one that is there.
#[derive(Clone, Copy)]
pub enum Mode {
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
}

impl Mode {
    /// The item that takes the place of the old one.
    pub fn apply(self, old: Option<&Item>, new: Item) -> Result<Item, Failure> {
        match (self, old) {
            (Mode::Set, _) | (Mode::Add, None) | (Mode::Replace, Some(_)) => Ok(new),
            (Mode::Append, Some(old)) => Ok(old.with_data(&[old.data(), new.data()].concat())),
            (Mode::Prepend, Some(old)) => Ok(old.with_data(&[new.data(), old.data()].concat())),
            (Mode::Cas(unique), Some(old)) if unique == old.cas => Ok(new),
            (Mode::Cas(_), Some(_)) => Err(Failure::Exists),
            (Mode::Cas(_), None) => Err(Failure::NotFound),
            _ => Err(Failure::NotStored),
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
        let item = old.with_data(digits.as_bytes());
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
