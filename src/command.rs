//! From a command line to its meaning. The parser knows neither store nor socket.

use crate::change::{Delta, Mode};
use std::str::FromStr;

/// Keys are at most this long, in bytes.
pub const KEY_MAX: usize = 250;

const ERROR: &str = "ERROR";
pub const BAD_FORMAT: &str = "CLIENT_ERROR bad command line format";
const BAD_EXPTIME: &str = "CLIENT_ERROR invalid exptime argument";
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
    /// At once, or after so many seconds.
    FlushAll(i32),
    Verbosity(u32),
    /// The new limit of memory, in megabytes.
    CacheMemlimit(u64),
    Version,
    /// With the words behind it.
    Stats(Vec<&'a [u8]>),
    Shutdown(Vec<&'a [u8]>),
    /// The name and the words behind it: the meta commands have a room of their own, meta.rs.
    Meta(&'a [u8], Vec<&'a [u8]>),
    /// ms, with the words behind it; a data block follows.
    MetaSet(Vec<&'a [u8]>),
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
    match name {
        b"get" => spoken(get(rest, false, None)),
        b"gets" => spoken(get(rest, true, None)),
        b"gat" => spoken(get_and_touch(rest, false)),
        b"gats" => spoken(get_and_touch(rest, true)),
        b"version" => spoken(Ok(Command::Version)),
        b"stats" => spoken(Ok(Command::Stats(split(rest).collect()))),
        b"shutdown" => spoken(Ok(Command::Shutdown(split(rest).collect()))),
        b"ms" => spoken(Ok(Command::MetaSet(split(rest).collect()))),
        b"mg" | b"md" | b"ma" | b"me" | b"mn" => {
            spoken(Ok(Command::Meta(name, split(rest).collect())))
        }
        b"quit" => spoken(Ok(Command::Quit)),
        _ => changing(name, &split(rest).collect::<Vec<_>>()),
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
        (b"set", words) => storage(Some(Mode::Set), words),
        (b"add", words) => storage(Some(Mode::Add), words),
        (b"replace", words) => storage(Some(Mode::Replace), words),
        (b"append", words) => storage(Some(Mode::Append), words),
        (b"prepend", words) => storage(Some(Mode::Prepend), words),
        (b"cas", words) => storage(compare(words), words),
        (b"delete", [key]) => return spoken(delete(key)),
        (b"delete", [key, b"0" | b"noreply"]) => delete(key),
        (b"delete", [key, b"0", b"noreply"]) => delete(key),
        (b"delete", [_, _] | [_, _, _]) => Err(BAD_DELETE.into()),
        (b"incr", [key, by] | [key, by, _]) => delta(key, by, Delta::Increment),
        (b"decr", [key, by] | [key, by, _]) => delta(key, by, Delta::Decrement),
        (b"touch", [key, exptime] | [key, exptime, _]) => touch(key, exptime),
        (b"flush_all", [] | [b"noreply"]) => Ok(Command::FlushAll(0)),
        (b"flush_all", [delay] | [delay, _]) => flush_all(delay),
        (b"verbosity", [level] | [level, _]) => verbosity(level),
        (b"cache_memlimit", [limit] | [limit, b"noreply"]) => cache_memlimit(limit),
        _ => return spoken(unknown(name, arguments)),
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
    if touch.is_none() && split(keys).next().is_none() {
        return Err(ERROR.into());
    }
    // In so short a line no key is too long.
    if keys.len() > KEY_MAX && split(keys).any(|key| checked(key).is_none()) {
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

/// What cas asks for.
fn compare(arguments: &[&[u8]]) -> Option<Mode> {
    number(arguments.get(4)?).map(Mode::Cas)
}

/// Whatever is wrong with the words, if the length can be read the data block is no command.
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

fn flush_all(delay: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::FlushAll(number(delay).ok_or(BAD_EXPTIME)?))
}

fn verbosity(level: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::Verbosity(number(level).ok_or(BAD_FORMAT)?))
}

fn cache_memlimit(megabytes: &[u8]) -> Result<Command<'static>, Malformed> {
    Ok(Command::CacheMemlimit(number(megabytes).ok_or(ERROR)?))
}

fn checked(key: &[u8]) -> Option<&[u8]> {
    Some(key).filter(|key| key.len() <= KEY_MAX)
}

/// A decimal number; memcached takes a `+` before it, and tabs around it.
pub fn number<Number: FromStr>(word: &[u8]) -> Option<Number> {
    std::str::from_utf8(word.trim_ascii()).ok()?.parse().ok()
}

/// The length of a data block; together with its `\r\n` it must be a number of 31 bits.
pub fn length(word: &[u8]) -> Option<usize> {
    let bytes: i32 = number(word)?;
    let bytes = usize::try_from(bytes).ok()?;
    (bytes <= i32::MAX as usize - 2).then_some(bytes)
}
