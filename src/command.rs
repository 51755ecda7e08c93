//! From a command line to its meaning, for the classic commands of protocol.txt.
//!
//! The parser knows neither store nor socket: it turns words into a [`Command`], or says which error line answers
//! them. Words are separated by spaces alone; keys and data blocks are bytes, not text.

#[cfg(test)]
mod fuzz;

use std::str::FromStr;

use crate::change::{Change, Delta, Mode};

/// Keys are at most this long, in bytes.
pub const KEY_MAX: usize = 250;

/// So many words of a line mean something; only the keys of `get` may be more.
const WORDS_MAX: usize = 24;

const ERROR: &str = "ERROR";
pub const BAD_FORMAT: &str = "CLIENT_ERROR bad command line format";
const BAD_EXPTIME: &str = "CLIENT_ERROR invalid exptime argument";
const BAD_DELTA: &str = "CLIENT_ERROR invalid numeric delta argument";
const BAD_DELETE: &str = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
const NO_SHUTDOWN: &str = "ERROR: shutdown not enabled";

pub struct Request<'a> {
    pub command: Result<Command<'a>, Malformed>,
    /// The client does not want to hear what came of it, not even of errors.
    pub noreply: bool,
}

/// A line that is no command.
pub struct Malformed {
    /// The error line, without its end.
    pub reply: &'static str,
    /// How many bytes follow that are the data block of the failed command, and not the next one.
    pub swallow: u64,
}

pub enum Command<'a> {
    /// get, gets, gat and gats.
    Get(Get<'a>),
    /// set, add, replace, append, prepend and cas; a data block follows.
    Store(Storage<'a>),
    Delete(&'a [u8]),
    Delta(&'a [u8], Delta),
    Touch(&'a [u8], i32),
    /// At once, or after so many seconds if that is above 0.
    FlushAll(i32),
    Verbosity(u32),
    Version,
    /// With the rest of the line.
    Stats(&'a [u8]),
    /// The name and the rest of the line: the meta commands have a room of their own, meta.rs.
    Meta(&'a [u8], &'a [u8]),
    /// quit, and anybody who speaks HTTP.
    Quit,
}

/// The line of a retrieval command.
pub struct Get<'a> {
    /// Keys, at least one, separated by spaces.
    pub keys: &'a [u8],
    /// gets and gats tell the cas unique too.
    pub with_cas: bool,
    /// The new exptime that gat and gats give.
    pub touch: Option<i32>,
}

/// The line of a storage command.
pub struct Storage<'a> {
    pub key: &'a [u8],
    pub flags: u32,
    pub exptime: i32,
    /// The length of the data block, without its `\r\n`.
    pub bytes: usize,
    pub change: Change,
}

/// The words behind a command's name.
pub struct Words<'a> {
    words: [&'a [u8]; WORDS_MAX],
    count: usize,
}

impl<'a> Words<'a> {
    pub fn of(line: &'a [u8]) -> Words<'a> {
        let mut words = [&b""[..]; WORDS_MAX];
        let places = words.iter_mut().zip(split(line));
        let count = places.map(|(place, word)| *place = word).count();
        Words { words, count }
    }

    pub fn as_slice(&self) -> &[&'a [u8]] {
        &self.words[..self.count]
    }
}

/// The words of a line, however many.
pub fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty())
}

/// The first word of a line, and the rest of it.
fn first_word(line: &[u8]) -> (&[u8], &[u8]) {
    let start = line
        .iter()
        .position(|&byte| byte != b' ')
        .unwrap_or(line.len());
    let line = &line[start..];
    let end = line
        .iter()
        .position(|&byte| byte == b' ')
        .unwrap_or(line.len());
    line.split_at(end)
}

/// A decimal number; memcached takes a `+` before it, and tabs around it.
pub fn number<Number: FromStr>(word: &[u8]) -> Option<Number> {
    std::str::from_utf8(word.trim_ascii()).ok()?.parse().ok()
}

/// What a line, without its end, means.
pub fn parse(line: &[u8]) -> Request<'_> {
    let (name, rest) = first_word(line);
    if name == b"get" {
        return spoken(get(rest, false, None)); // most lines are: they need not be cut into words
    }
    match name {
        b"gets" => spoken(get(rest, true, None)),
        b"gat" => spoken(get_and_touch(rest, false)),
        b"gats" => spoken(get_and_touch(rest, true)),
        b"mg" | b"ms" | b"md" | b"ma" | b"me" | b"mn" => spoken(Ok(Command::Meta(name, rest))),
        b"version" => spoken(Ok(Command::Version)),
        b"stats" => spoken(Ok(Command::Stats(rest))),
        b"quit" => spoken(Ok(Command::Quit)),
        b"shutdown" => spoken(Err(NO_SHUTDOWN.into())),
        _ => changing(name, Words::of(rest).as_slice()),
    }
}

fn spoken(command: Result<Command<'_>, Malformed>) -> Request<'_> {
    Request {
        command,
        noreply: false,
    }
}

/// The commands that change something: the ones that hear `noreply`, as their last word.
fn changing<'a>(name: &[u8], arguments: &[&'a [u8]]) -> Request<'a> {
    let command = match (name, arguments) {
        (b"set", [_, _, _, _] | [_, _, _, _, _]) => storage(Mode::Set, arguments),
        (b"add", [_, _, _, _] | [_, _, _, _, _]) => storage(Mode::Add, arguments),
        (b"replace", [_, _, _, _] | [_, _, _, _, _]) => storage(Mode::Replace, arguments),
        (b"append", [_, _, _, _] | [_, _, _, _, _]) => storage(Mode::Append, arguments),
        (b"prepend", [_, _, _, _] | [_, _, _, _, _]) => storage(Mode::Prepend, arguments),
        (b"cas", [_, _, _, _, _] | [_, _, _, _, _, _]) => cas(arguments),
        (b"delete", [key]) => return spoken(checked(key).map(Command::Delete)),
        (b"delete", [key, b"0" | b"noreply"] | [key, b"0", b"noreply"]) => {
            checked(key).map(Command::Delete)
        }
        (b"delete", [_, _] | [_, _, _]) => Err(BAD_DELETE.into()),
        (b"incr", [key, delta] | [key, delta, _]) => delta_of(key, delta, Delta::Increment),
        (b"decr", [key, delta] | [key, delta, _]) => delta_of(key, delta, Delta::Decrement),
        (b"touch", [key, exptime] | [key, exptime, _]) => touch(key, exptime),
        (b"flush_all", [] | [b"noreply"]) => Ok(Command::FlushAll(0)),
        (b"flush_all", [delay] | [delay, _]) => flush_all(delay),
        (b"verbosity", [level] | [level, _]) => verbosity(level),
        (name, _) => return spoken(unknown(name, arguments)),
    };
    let noreply = arguments.last() == Some(&&b"noreply"[..]);
    Request { command, noreply }
}

/// A browser, or a request forged through one, is hung up on before it gets to its next line.
fn unknown<'a>(name: &[u8], arguments: &[&[u8]]) -> Result<Command<'a>, Malformed> {
    match arguments.last().unwrap_or(&name).starts_with(b"HTTP/") {
        true => Ok(Command::Quit),
        false => Err(ERROR.into()),
    }
}

fn get(keys: &[u8], with_cas: bool, touch: Option<i32>) -> Result<Command<'_>, Malformed> {
    if touch.is_none() && keys.iter().all(|&byte| byte == b' ') {
        return Err(ERROR.into());
    }
    // In so short a line no key is too long.
    if keys.len() > KEY_MAX && split(keys).any(|key| key.len() > KEY_MAX) {
        return Err(BAD_FORMAT.into());
    }
    Ok(Command::Get(Get {
        keys,
        with_cas,
        touch,
    }))
}

fn get_and_touch(rest: &[u8], with_cas: bool) -> Result<Command<'_>, Malformed> {
    let (exptime, keys) = first_word(rest);
    if exptime.is_empty() {
        return Err(ERROR.into());
    }
    let exptime = number(exptime).ok_or(BAD_EXPTIME)?;
    get(keys, with_cas, Some(exptime))
}

fn storage<'a>(mode: Mode, arguments: &[&'a [u8]]) -> Result<Command<'a>, Malformed> {
    let [key, flags, exptime, bytes, ..] = *arguments else {
        return Err(ERROR.into());
    };
    let bytes = length(bytes).ok_or(BAD_FORMAT)?;
    let swallow = Malformed {
        reply: BAD_FORMAT,
        swallow: bytes as u64 + 2,
    };
    match (checked(key), number(flags), number(exptime)) {
        (Ok(key), Some(flags), Some(exptime)) => Ok(Command::Store(Storage {
            key,
            flags,
            exptime,
            bytes,
            change: Change::new(mode),
        })),
        _ => Err(swallow),
    }
}

fn cas<'a>(arguments: &[&'a [u8]]) -> Result<Command<'a>, Malformed> {
    match (storage(Mode::Set, arguments)?, arguments) {
        (Command::Store(mut storage), [_, _, _, _, unique, ..]) => {
            let unique = number(unique).ok_or(Malformed {
                reply: BAD_FORMAT,
                swallow: storage.bytes as u64 + 2,
            })?;
            storage.change.compare = Some(unique);
            Ok(Command::Store(storage))
        }
        _ => Err(ERROR.into()),
    }
}

/// The length of a data block; together with its `\r\n` it must be a number of 31 bits.
pub fn length(word: &[u8]) -> Option<usize> {
    let bytes: i32 = number(word)?;
    usize::try_from(bytes)
        .ok()
        .filter(|_| bytes <= i32::MAX - 2)
}

fn checked(key: &[u8]) -> Result<&[u8], Malformed> {
    if key.len() > KEY_MAX {
        return Err(BAD_FORMAT.into());
    }
    Ok(key)
}

fn delta_of<'a>(
    key: &'a [u8],
    by: &[u8],
    delta: fn(u64) -> Delta,
) -> Result<Command<'a>, Malformed> {
    let key = checked(key)?;
    let by = number(by).ok_or(BAD_DELTA)?;
    Ok(Command::Delta(key, delta(by)))
}

fn touch<'a>(key: &'a [u8], exptime: &[u8]) -> Result<Command<'a>, Malformed> {
    let key = checked(key)?;
    let exptime = number(exptime).ok_or(BAD_EXPTIME)?;
    Ok(Command::Touch(key, exptime))
}

fn flush_all(delay: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::FlushAll(number(delay).ok_or(BAD_EXPTIME)?))
}

fn verbosity(level: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::Verbosity(number(level).ok_or(BAD_FORMAT)?))
}

impl From<&'static str> for Malformed {
    fn from(reply: &'static str) -> Malformed {
        Malformed { reply, swallow: 0 }
    }
}
