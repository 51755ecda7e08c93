//! What a meta command is told: a code, and the flags that ask for something, in the order in which they came.

use std::io::{self, Write};

use super::flags::Flags;
use crate::base64;
use crate::clock::{Moment, NEVER};
use crate::item::{BINARY_KEY, FETCHED, Item};
use crate::server::Session;

/// What a flag asks to be told of an item; nothing if it asks nothing.
pub fn tell(told: &mut Vec<u8>, flag: &[u8], item: &Item, now: Moment) {
    let number = match flag {
        [b's', ..] => item.data().len() as u64,
        [b't', ..] if item.expires == NEVER => return told.extend_from_slice(b" t-1"),
        [b'k', ..] => return tell_key(told, item.key(), item.is(BINARY_KEY)),
        [b't', ..] => item.expires.wrapping_sub(now).into(),
        [b'c', ..] => item.cas,
        [b'f', ..] => item.flags.into(),
        [b'l', ..] => now.saturating_sub(item.accessed).into(),
        [b'h', ..] => (item.is(FETCHED)).into(),
        _ => return,
    };
    told.extend_from_slice(&[b' ', flag[0]]);
    told.extend_from_slice(number.to_string().as_bytes());
}

/// The flags that are sent back whatever becomes of the command: the opaque token and the key.
pub fn tell_request(told: &mut Vec<u8>, flag: &[u8], flags: &Flags) {
    match flag {
        [b'O', ..] => {
            told.push(b' ');
            told.extend_from_slice(flag);
        }
        [b'k', ..] => tell_key(told, &flags.key, flags.binary),
        _ => {}
    }
}

fn tell_key(told: &mut Vec<u8>, key: &[u8], binary: bool) {
    told.extend_from_slice(b" k");
    told.extend_from_slice(&shown_key(key, binary));
    told.extend_from_slice(if binary { b" b" } else { b"" });
}

pub fn shown_key(key: &[u8], binary: bool) -> Vec<u8> {
    if binary {
        base64::encode(key)
    } else {
        key.to_vec()
    }
}

/// The answer to mg and ma when there is an item.
pub fn reply_with_item(
    session: &mut Session,
    flags: &Flags,
    data: &[u8],
    told: &[u8],
) -> io::Result<()> {
    if !flags.value {
        return reply(session, "HD", told);
    }
    reply(session, &format!("VA {}", data.len()), told)?;
    session.connection.replies().write_all(data)?;
    session.connection.replies().write_all(b"\r\n")
}

/// The answer of every command when there is no item to tell of.
pub fn reply_to_request(session: &mut Session, code: &str, flags: &Flags) -> io::Result<()> {
    let mut told = Vec::new();
    for flag in flags.list {
        tell_request(&mut told, flag, flags);
    }
    reply(session, code, &told)
}

pub fn reply(session: &mut Session, code: &str, told: &[u8]) -> io::Result<()> {
    let line = [code.as_bytes(), told].concat();
    session.connection.show(&line);
    session.connection.replies().write_all(&line)?;
    session.connection.replies().write_all(b"\r\n")
}
