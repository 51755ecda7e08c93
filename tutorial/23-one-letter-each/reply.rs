//! What a client is answered: lines of bytes, and perhaps a value. Without lines it is answered nothing.

use crate::item::Item;
use std::borrow::Cow;

#[derive(Default)]
pub struct Reply {
    /// Without the last `\r\n`.
    pub lines: Cow<'static, [u8]>,
    /// A handle to the item whose data block follows the lines.
    pub value: Option<Item>,
}

impl From<&'static str> for Reply {
    fn from(line: &'static str) -> Reply {
        let lines = line.as_bytes().into();
        Reply { lines, value: None }
    }
}

impl From<Vec<u8>> for Reply {
    fn from(lines: Vec<u8>) -> Reply {
        let lines = lines.into();
        Reply { lines, value: None }
    }
}

impl From<String> for Reply {
    fn from(lines: String) -> Reply {
        lines.into_bytes().into()
    }
}
