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
}

#[derive(Clone, Copy)]
pub enum Failure {
    NotStored,
}

impl Mode {
    /// The item that takes the place of the old one.
    pub fn apply(self, old: Option<&Item>, new: Item) -> Result<Item, Failure> {
        match (self, old) {
            (Mode::Set, _) | (Mode::Add, None) | (Mode::Replace, Some(_)) => Ok(new),
            (Mode::Append, Some(old)) => Ok(old.with_data(&[&old.data[..], &new.data].concat())),
            (Mode::Prepend, Some(old)) => Ok(old.with_data(&[&new.data[..], &old.data].concat())),
            _ => Err(Failure::NotStored),
        }
    }
}
