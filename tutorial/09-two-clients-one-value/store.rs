//! The items, behind one lock. The store knows no sockets and no protocol text.

use crate::change::{Delta, Failure, Mode};
use crate::item::Item;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The longest data block, in bytes.
pub const VALUE_MAX: usize = 1024 * 1024;

/// The store behind its lock.
#[derive(Default)]
pub struct Cache(Mutex<Store>);

impl Cache {
    /// Does one piece of work under the lock. A lock that a panic poisoned is taken anyway.
    pub fn with<Answer>(&self, work: impl FnOnce(&mut Store) -> Answer) -> Answer {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut store)
    }
}

#[derive(Default)]
pub struct Store {
    items: HashMap<Vec<u8>, Item>,
    last_cas: u64,
}

impl Store {
    /// A copy of the item.
    pub fn fetch(&self, key: &[u8]) -> Option<Item> {
        self.items.get(key).cloned()
    }

    pub fn store(&mut self, key: &[u8], item: Item, mode: Mode) -> Result<(), Failure> {
        let item = mode.apply(self.items.get(key), item)?;
        if item.data.len() > VALUE_MAX {
            return Err(Failure::NotStored);
        }
        self.insert(key, item);
        Ok(())
    }

    pub fn delta(&mut self, key: &[u8], delta: Delta) -> Result<u64, Failure> {
        let old = self.items.get(key).ok_or(Failure::NotFound)?;
        let number = delta.apply(&old.data)?;
        // As in memcached the data block never gets shorter.
        let digits = format!("{number:<width$}", width = old.data.len());
        let item = old.with_data(digits.as_bytes());
        self.insert(key, item);
        Ok(number)
    }

    fn insert(&mut self, key: &[u8], mut item: Item) {
        self.last_cas += 1;
        item.cas = self.last_cas;
        self.items.insert(key.to_vec(), item);
    }

    /// Says whether there was such an item.
    pub fn delete(&mut self, key: &[u8]) -> bool {
        self.items.remove(key).is_some()
    }
}
