//! What a client stored under a key.

#[derive(Clone)]
pub struct Item {
    /// The data block without its end.
    pub data: Vec<u8>,
    /// The client's own; we only keep them.
    pub flags: u32,
    /// New at every change, never the same twice.
    pub cas: u64,
}

impl Item {
    pub fn new(flags: u32, data: &[u8]) -> Item {
        Item {
            data: data.into(),
            flags,
            cas: 0,
        }
    }

    /// An item of the same flags with another data block.
    pub fn with_data(&self, data: &[u8]) -> Item {
        Item::new(self.flags, data)
    }
}
