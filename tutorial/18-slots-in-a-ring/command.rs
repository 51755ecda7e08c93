//! From a command line to its meaning. The parser knows neither store nor socket.

use crate::change::{Delta, Mode};
use std::str::FromStr;

/// Keys are at most this long, in bytes.
const KEY_MAX: usize = 250;

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
    Version,
    /// With the words behind it.
    Stats(Vec<&'a [u8]>),
    Shutdown(Vec<&'a [u8]>),
    Quit,
}

/// The line of a retrieval command.
pub struct Get<'a> {
    pub keys: Vec<&'a [u8]>,
    /// gets and gats tell the cas unique too.
    pub with_cas: bool,
    /// The new exptime that gat and gats give.
    pub touch: Option<i32>,
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

impl From<&'static str> for Malformed {
    fn from(reply: &'static str) -> Malformed {
        Malformed { reply, swallow: 0 }
    }
}

/// What a line, without its end, means.
pub fn parse(line: &[u8]) -> Request<'_> {
    let words = line.split(|&byte| byte == b' ');
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    match words[..] {
        [b"get", ref keys @ ..] => spoken(get(keys, false, None)),
        [b"gets", ref keys @ ..] => spoken(get(keys, true, None)),
        [b"gat", exptime, ref keys @ ..] => spoken(get_and_touch(exptime, keys, false)),
        [b"gats", exptime, ref keys @ ..] => spoken(get_and_touch(exptime, keys, true)),
        [b"stats", ref words @ ..] => spoken(Ok(Command::Stats(words.to_vec()))),
        [b"shutdown", ref words @ ..] => spoken(Ok(Command::Shutdown(words.to_vec()))),
        [b"version", ..] => spoken(Ok(Command::Version)),
        [b"quit", ..] => spoken(Ok(Command::Quit)),
        [name, ref arguments @ ..] => changing(name, arguments),
        [] => spoken(Err(ERROR.into())),
    }
}

/// A command that is always answered.
fn spoken(command: Result<Command<'_>, Malformed>) -> Request<'_> {
    let noreply = false;
    Request { command, noreply }
}

/// The commands that change something: they hear `noreply`, as their last word.
fn changing<'a>(name: &[u8], arguments: &[&'a [u8]]) -> Request<'a> {
    let command = match (name, arguments) {
        (b"set", [_, _, _, _] | [_, _, _, _, _]) => storage(Some(Mode::Set), arguments),
        (b"add", [_, _, _, _] | [_, _, _, _, _]) => storage(Some(Mode::Add), arguments),
        (b"replace", [_, _, _, _] | [_, _, _, _, _]) => storage(Some(Mode::Replace), arguments),
        (b"append", [_, _, _, _] | [_, _, _, _, _]) => storage(Some(Mode::Append), arguments),
        (b"prepend", [_, _, _, _] | [_, _, _, _, _]) => storage(Some(Mode::Prepend), arguments),
        (b"cas", [_, _, _, _, unique] | [_, _, _, _, unique, _]) => {
            storage(number(unique).map(Mode::Cas), arguments)
        }
        (b"delete", [key]) => return spoken(delete(key)),
        (b"delete", [key, b"0" | b"noreply"]) => delete(key),
        (b"delete", [_, _]) => Err(BAD_DELETE.into()),
        (b"incr", [key, by] | [key, by, _]) => delta(key, by, Delta::Increment),
        (b"decr", [key, by] | [key, by, _]) => delta(key, by, Delta::Decrement),
        (b"touch", [key, exptime] | [key, exptime, _]) => touch(key, exptime),
        (b"flush_all", [] | [b"noreply"]) => Ok(Command::FlushAll(Some(0))),
        (b"flush_all", [delay] | [delay, _]) => Ok(Command::FlushAll(number(delay))),
        (b"verbosity", [level] | [level, _]) => verbosity(level),
        _ => return spoken(Err(ERROR.into())),
    };
    let noreply = arguments.last() == Some(&&b"noreply"[..]);
    Request { command, noreply }
}

fn get<'a>(
    keys: &[&'a [u8]],
    with_cas: bool,
    touch: Option<i32>,
) -> Result<Command<'a>, Malformed> {
    if keys.is_empty() && touch.is_none() {
        return Err(ERROR.into());
    }
    let keys: Option<Vec<&[u8]>> = keys.iter().map(|key| checked(key)).collect();
    Ok(Command::Get(Get {
        keys: keys.ok_or(BAD_FORMAT)?,
        with_cas,
        touch,
    }))
}

fn get_and_touch<'a>(
    exptime: &[u8],
    keys: &[&'a [u8]],
    with_cas: bool,
) -> Result<Command<'a>, Malformed> {
    let exptime = number(exptime).ok_or(BAD_EXPTIME)?;
    get(keys, with_cas, Some(exptime))
}

fn storage<'a>(mode: Option<Mode>, arguments: &[&'a [u8]]) -> Result<Command<'a>, Malformed> {
    let [key, flags, exptime, bytes, ..] = *arguments else {
        return Err(ERROR.into());
    };
    let bytes = length(bytes).ok_or(BAD_FORMAT)?;
    match (mode, checked(key), number(flags), number(exptime)) {
        (Some(mode), Some(key), Some(flags), Some(exptime)) => Ok(Command::Store(Storage {
            mode,
            key,
            flags,
            exptime,
            bytes,
        })),
        _ => Err(Malformed {
            reply: BAD_FORMAT,
            swallow: bytes as u64 + 2,
        }),
    }
}

fn delete(key: &[u8]) -> Result<Command<'_>, Malformed> {
    Ok(Command::Delete(checked(key).ok_or(BAD_FORMAT)?))
}

fn delta<'a>(key: &'a [u8], by: &[u8], kind: fn(u64) -> Delta) -> Result<Command<'a>, Malformed> {
    let key = checked(key).ok_or(BAD_FORMAT)?;
    let by = number(by).ok_or(BAD_DELTA)?;
    Ok(Command::Delta(key, kind(by)))
}

fn touch<'a>(key: &'a [u8], exptime: &[u8]) -> Result<Command<'a>, Malformed> {
    let key = checked(key).ok_or(BAD_FORMAT)?;
    let exptime = number(exptime).ok_or(BAD_EXPTIME)?;
    Ok(Command::Touch(key, exptime))
}

fn verbosity(level: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::Verbosity(number(level).ok_or(BAD_FORMAT)?))
}

fn checked(key: &[u8]) -> Option<&[u8]> {
    Some(key).filter(|key| key.len() <= KEY_MAX)
}

fn number<Number: FromStr>(word: &[u8]) -> Option<Number> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The length of a data block; together with its `\r\n` it must be a number of 31 bits.
fn length(word: &[u8]) -> Option<usize> {
    let bytes: i32 = number(word)?;
    let bytes = usize::try_from(bytes).ok()?;
    (bytes <= i32::MAX as usize - 2).then_some(bytes)
}
