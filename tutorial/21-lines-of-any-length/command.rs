//! From a command line to its meaning. The parser knows neither store nor socket.

use crate::change::{Delta, Mode};
use std::str::FromStr;

/// Keys are at most this long, in bytes.
const KEY_MAX: usize = 250;

/// So many words of a line that changes something have a meaning.
const WORDS_MAX: usize = 24;

const ERROR: &str = "ERROR";
const BAD_FORMAT: &str = "CLIENT_ERROR bad command line format";
pub const BAD_EXPTIME: &str = "CLIENT_ERROR invalid exptime argument";
const BAD_DELTA: &str = "CLIENT_ERROR invalid numeric delta argument";
const BAD_DELETE: &str = "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";

pub struct Request<'a> {
    pub command: Result<Command<'a>, Malformed>,
    /// The client does not want to hear what came of it.
    pub noreply: bool,
}

pub enum Command<'a> {
    /// get, gets, gat and gats.
    Get(Get<'a>),
    /// set, add, replace, append, prepend and cas; a data block follows.
    Store(Storage<'a>),
    Delete(&'a [u8]),
    Delta(&'a [u8], Delta),
    Touch(&'a [u8], i32),
    /// At once, or after so many seconds; `None` where that is no number.
    FlushAll(Option<i32>),
    Verbosity(u32),
    /// The new limit of memory, in megabytes.
    CacheMemlimit(u64),
    Version,
    /// With the words behind it.
    Stats(Vec<&'a [u8]>),
    Shutdown(Vec<&'a [u8]>),
    /// quit, and anybody who speaks HTTP.
    Quit,
}

/// The line of a retrieval command.
pub struct Get<'a> {
    /// Keys with spaces between them; so many that they are not cut before they are needed.
    keys: &'a [u8],
    /// gets and gats tell the cas unique too.
    pub with_cas: bool,
    /// The new exptime that gat and gats give.
    pub touch: Option<i32>,
}

impl<'a> Get<'a> {
    pub fn keys(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        split(self.keys)
    }
}

/// The line of a storage command.
pub struct Storage<'a> {
    pub mode: Mode,
    pub key: &'a [u8],
    pub flags: u32,
    pub exptime: i32,
    /// The length of the data block, without its `\r\n`.
    pub bytes: usize,
}

/// A line that is no command.
pub struct Malformed {
    /// The error line, without its end.
    pub reply: &'static str,
    /// So many bytes follow that are the data block of the failed command.
    pub swallow: u64,
}

impl Malformed {
    /// Where the length of the data block is known.
    pub fn with_block(reply: &'static str, bytes: usize) -> Malformed {
        let swallow = bytes as u64 + 2;
        Malformed { reply, swallow }
    }
}

impl From<&'static str> for Malformed {
    fn from(reply: &'static str) -> Malformed {
        Malformed { reply, swallow: 0 }
    }
}

/// The words of a line, however many.
fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|&byte| byte == b' ');
    words.filter(|word| !word.is_empty())
}

/// The first word of a line, and the rest of it.
fn first_word(line: &[u8]) -> (&[u8], &[u8]) {
    let indent = line.iter().take_while(|&&byte| byte == b' ').count();
    let line = &line[indent..];
    let end = line.iter().position(|&byte| byte == b' ');
    line.split_at(end.unwrap_or(line.len()))
}

/// What a line, without its end, means.
pub fn parse(line: &[u8]) -> Request<'_> {
    let (name, rest) = first_word(line);
    let words = || split(rest).collect();
    let command = match name {
        b"get" => get(rest, false, None),
        b"gets" => get(rest, true, None),
        b"gat" => get_and_touch(rest, false),
        b"gats" => get_and_touch(rest, true),
        b"stats" => Ok(Command::Stats(words())),
        b"shutdown" => Ok(Command::Shutdown(words())),
        b"version" => Ok(Command::Version),
        b"quit" => Ok(Command::Quit),
        _ => return changing(name, rest),
    };
    let noreply = false;
    Request { command, noreply }
}

/// The commands that change something hear `noreply`, as their last word. What is no command at all is answered.
fn changing<'a>(name: &[u8], rest: &'a [u8]) -> Request<'a> {
    let mut places = [&b""[..]; WORDS_MAX];
    let filled = places.iter_mut().zip(split(rest));
    let count = filled.map(|(place, word)| *place = word).count();
    let words = &places[..count];
    let command = change(name, words);
    let is_command = !matches!(command, Err(Malformed { reply: ERROR, .. }));
    let is_key = name == b"delete" && count == 1;
    let noreply = words.last() == Some(&&b"noreply"[..]) && is_command && !is_key;
    Request { command, noreply }
}

fn change<'a>(name: &[u8], words: &[&'a [u8]]) -> Result<Command<'a>, Malformed> {
    let amount = |word| number(word).ok_or(BAD_DELTA);
    Ok(match (name, words) {
        (b"set", _) => storage(Some(Mode::Set), words)?,
        (b"add", _) => storage(Some(Mode::Add), words)?,
        (b"replace", _) => storage(Some(Mode::Replace), words)?,
        (b"append", _) => storage(Some(Mode::Append), words)?,
        (b"prepend", _) => storage(Some(Mode::Prepend), words)?,
        (b"cas", [_, _, _, _, unique, ..]) => storage(number(unique).map(Mode::Cas), words)?,
        (b"cas", _) => storage(None, words)?,
        (b"delete", [key] | [key, b"0" | b"noreply"] | [key, b"0", b"noreply"]) => {
            Command::Delete(checked(key)?)
        }
        (b"delete", [_, _] | [_, _, _]) => return Err(BAD_DELETE.into()),
        (b"incr", [key, by] | [key, by, _]) => {
            Command::Delta(checked(key)?, Delta::Increment(amount(by)?))
        }
        (b"decr", [key, by] | [key, by, _]) => {
            Command::Delta(checked(key)?, Delta::Decrement(amount(by)?))
        }
        (b"touch", [key, exptime] | [key, exptime, _]) => {
            Command::Touch(checked(key)?, number(exptime).ok_or(BAD_EXPTIME)?)
        }
        (b"flush_all", [] | [b"noreply"]) => Command::FlushAll(Some(0)),
        (b"flush_all", [delay] | [delay, _]) => Command::FlushAll(number(delay)),
        (b"verbosity", [level] | [level, _]) => {
            Command::Verbosity(number(level).ok_or(BAD_FORMAT)?)
        }
        (b"cache_memlimit", [limit] | [limit, b"noreply"]) => {
            Command::CacheMemlimit(number(limit).ok_or(ERROR)?)
        }
        // A browser, or a request forged through one, is hung up on before it gets to its next line.
        _ if words.last().unwrap_or(&name).starts_with(b"HTTP/") => Command::Quit,
        _ => return Err(ERROR.into()),
    })
}

fn get(keys: &[u8], with_cas: bool, touch: Option<i32>) -> Result<Command<'_>, Malformed> {
    if touch.is_none() && split(keys).next().is_none() {
        return Err(ERROR.into());
    }
    // In so short a line no key is too long.
    if keys.len() > KEY_MAX && split(keys).any(|key| checked(key).is_err()) {
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

/// Whatever is wrong with the words, if the length can be read the data block is no command.
fn storage<'a>(mode: Option<Mode>, words: &[&'a [u8]]) -> Result<Command<'a>, Malformed> {
    let [key, flags, exptime, bytes, ..] = *words else {
        return Err(ERROR.into());
    };
    let bytes = length(bytes).ok_or(BAD_FORMAT)?;
    match (mode, checked(key), number(flags), number(exptime)) {
        (Some(mode), Ok(key), Some(flags), Some(exptime)) => Ok(Command::Store(Storage {
            mode,
            key,
            flags,
            exptime,
            bytes,
        })),
        _ => Err(Malformed::with_block(BAD_FORMAT, bytes)),
    }
}

fn checked(key: &[u8]) -> Result<&[u8], Malformed> {
    Some(key)
        .filter(|key| key.len() <= KEY_MAX)
        .ok_or(BAD_FORMAT.into())
}

/// A decimal number; memcached takes a `+` before it, and tabs around it.
fn number<Number: FromStr>(word: &[u8]) -> Option<Number> {
    std::str::from_utf8(word.trim_ascii()).ok()?.parse().ok()
}

/// The length of a data block; together with its `\r\n` it must be a number of 31 bits.
fn length(word: &[u8]) -> Option<usize> {
    let bytes: i32 = number(word)?;
    let bytes = usize::try_from(bytes).ok()?;
    (bytes <= i32::MAX as usize - 2).then_some(bytes)
}
