//! ms: all storage commands in one. A data block comes between its two halves: the line is understood, the block is
//! received by whoever can read, and the item is stored.

use super::code;
use super::flags::Flags;
use crate::change::{Change, Failure, Mode};
use crate::command::{BAD_FORMAT, ERROR, KEY_MAX, Malformed, Storage, length};
use crate::item::Item;
use crate::reply::Reply;
use crate::server::Server;

pub struct Set<'a> {
    flags: Flags<'a>,
    mode: Mode,
    /// The length of the data block, without its `\r\n`.
    bytes: usize,
}

impl<'a> Set<'a> {
    /// The block of a line that is wrong is swallowed, if its length can be read.
    pub fn parse(words: &'a [&'a [u8]]) -> Result<Set<'a>, Malformed> {
        let (key, bytes, list) = match words {
            [] => return Err(ERROR.into()),
            [key, bytes, list @ ..] if key.len() <= KEY_MAX => (key, bytes, list),
            _ => return Err(BAD_FORMAT.into()),
        };
        let bytes = length(bytes).ok_or(BAD_FORMAT)?;
        let malformed = |reply| Malformed::with_block(reply, bytes);
        let flags = Flags::read(key, list).map_err(malformed)?;
        let mode = mode(&flags).ok_or(malformed("CLIENT_ERROR invalid mode for ms M token"))?;
        Ok(Set { flags, mode, bytes })
    }

    /// The classic command that comes closest.
    pub fn line(&self) -> Storage<'_> {
        Storage {
            mode: self.mode,
            key: self.flags.key,
            flags: self.flags.number(b'F').unwrap_or(0),
            exptime: self.flags.number(b'T').unwrap_or(0),
            bytes: self.bytes,
        }
    }

    /// What is answered when the block has come, or there was no room for it.
    pub fn store(&self, server: &Server, item: Result<Item, Failure>) -> Reply {
        let flags = &self.flags;
        let change = Change {
            mode: self.mode,
            compare: flags.number(b'C'),
            vivify: flags.moment(b'N', server),
            cas: flags.number(b'E'),
        };
        let stored = item.and_then(|item| server.store(item, &change));
        let (code, cas, bytes) = match stored {
            Ok(_) if flags.has(b'q') => return Reply::default(),
            Ok((cas, bytes)) => ("HD", cas, bytes),
            Err(failure) => (code(failure), 0, self.bytes),
        };
        if code.len() > 2 {
            return code.into();
        }
        let line = flags.line(code, |letter| match letter {
            b'c' => Some(cas.into()),
            b's' => Some(bytes as i128),
            _ => None,
        });
        line.into()
    }
}

/// The mode that M and C mean together.
fn mode(flags: &Flags) -> Option<Mode> {
    Some(match (flags.token(b'M'), flags.number(b'C')) {
        (None | Some(b"S" | b"R"), Some(unique)) => Mode::Cas(unique),
        (None | Some(b"S"), None) => Mode::Set,
        (Some(b"E"), _) => Mode::Add,
        (Some(b"R"), None) => Mode::Replace,
        (Some(b"A"), _) => Mode::Append,
        (Some(b"P"), _) => Mode::Prepend,
        _ => return None,
    })
}
