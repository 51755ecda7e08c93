//! What the classic commands do: the room between the connection, the commands and the store.
//!
//! A command is carried out in three steps that never overlap: read what it needs from the client, work on the store
//! under the lock, write the reply. A value that was found is a handle, so its bytes are written outside of the lock.

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::TcpStream;

use crate::change::{Change, DeltaFailure, Outcome};
use crate::clock::{Clock, Moment, NEVER};
use crate::command::{self, Command, Request, Storage, split};
use crate::connection::Connection;
use crate::item::Item;
use crate::meta;
use crate::options::Options;
use crate::stats::{self, Stats};
use crate::store::{Cache, Refusal, Store};

/// What incr, decr and ma say of a data block that is no number.
pub const NON_NUMERIC: &str = "CLIENT_ERROR cannot increment or decrement non-numeric value";

/// So many keys of one `get` are looked up before the lock is let go and their values are written.
const KEYS_AT_ONCE: usize = 64;

/// Values of one `get` that are held before they are written: a slow client shall not hold much, in bytes.
const BYTES_AT_ONCE: usize = 64 * 1024;

/// What all connections share.
pub struct Server {
    pub cache: Cache,
    pub clock: Clock,
    pub stats: Stats,
    pub options: Options,
}

/// Talks with one client until it leaves.
pub fn serve(server: &Server, stream: &TcpStream, id: u64) -> io::Result<()> {
    let mut connection = Connection::new(stream, &server.clock, &server.stats, id);
    let mut line = Vec::new();
    let mut hits = Vec::new();
    while connection.read_line(&mut line)? {
        let Request { command, noreply } = command::parse(&line);
        let reply = match command {
            Ok(Command::Get(keys)) => get(server, &mut connection, keys, &mut hits)?,
            Ok(Command::Store(storage)) => store(server, &mut connection, &storage)?,
            Ok(Command::Meta(name, words)) => {
                meta::answer(server, &mut connection, name, words.as_slice())?;
                continue;
            }
            Ok(Command::Stats(words)) => stats::answer(server, &mut connection, words.as_slice())?,
            Ok(Command::Quit) => break,
            Ok(command) => change(server, connection.now(), command),
            Err(malformed) => {
                connection.swallow(malformed.swallow)?;
                malformed.reply.into()
            }
        };
        if !noreply {
            connection.reply(&reply)?;
        }
    }
    connection.flush()
}

/// get, gets, gat and gats. The values found are handles: fetched under the lock, written outside of it.
fn get(
    server: &Server,
    connection: &mut Connection,
    get: command::Get,
    hits: &mut Vec<Item>,
) -> io::Result<Cow<'static, str>> {
    let now = connection.now();
    let expires = get.touch.map(|exptime| server.clock.moment(exptime, now));
    let mut keys = split(get.keys).peekable();
    while keys.peek().is_some() {
        server.cache.with(now, |store| {
            let mut bytes = 0;
            for key in keys.by_ref().take(KEYS_AT_ONCE) {
                if let Some(item) = fetch(store, key, expires, now) {
                    bytes += item.data().len();
                    hits.push(item);
                }
                if bytes > BYTES_AT_ONCE {
                    break;
                }
            }
        });
        for item in hits.drain(..) {
            write_value(connection, &item, get.with_cas)?;
        }
    }
    Ok("END".into())
}

/// A handle to an item that was asked for; gat and touch give it a new moment to expire.
fn fetch(store: &mut Store, key: &[u8], expires: Option<Moment>, now: Moment) -> Option<Item> {
    let item = store.find(key, expires.is_some())?;
    item.mark(now);
    item.expires = expires.unwrap_or(item.expires);
    Some(item.clone())
}

fn write_value(connection: &mut Connection, item: &Item, with_cas: bool) -> io::Result<()> {
    if connection.is_watched() {
        connection.show(&[b"sending key ", item.key()].concat());
    }
    let replies = connection.replies();
    replies.write_all(b"VALUE ")?;
    replies.write_all(item.key())?;
    write!(replies, " {} {}", item.flags, item.data().len())?;
    if with_cas {
        write!(replies, " {}", item.cas)?;
    }
    replies.write_all(b"\r\n")?;
    replies.write_all(item.data())?;
    replies.write_all(b"\r\n")
}

/// set, add, replace, append, prepend and cas.
fn store(
    server: &Server,
    connection: &mut Connection,
    storage: &Storage,
) -> io::Result<Cow<'static, str>> {
    let Storage {
        key,
        bytes,
        ref change,
        ..
    } = *storage;
    let mut item = match receive(server, connection, key, bytes, change)? {
        Ok(item) => item,
        Err(failure) => return Ok(failure.into()),
    };
    let now = connection.now();
    item.flags = storage.flags;
    item.expires = server.clock.moment(storage.exptime, now);
    let outcome = server.cache.with(now, |store| store.store(item, change));
    Ok(match outcome {
        Outcome::Stored(_) => "STORED",
        Outcome::NotStored => "NOT_STORED",
        Outcome::Exists => "EXISTS",
        Outcome::NotFound => "NOT_FOUND",
    }
    .into())
}

/// Reads a data block into a new item, or says which error line answers it; the stream stays in step either way.
/// Nothing is allocated on the client's word alone: the store has to agree to the length first.
pub fn receive(
    server: &Server,
    connection: &mut Connection,
    key: &[u8],
    bytes: usize,
    change: &Change,
) -> io::Result<Result<Item, &'static str>> {
    let reserved = server
        .cache
        .with(connection.now(), |store| store.reserve(key, bytes, change));
    if let Err(refusal) = reserved {
        connection.swallow(bytes as u64 + 2)?;
        return Ok(Err(match refusal {
            Refusal::TooLarge => "SERVER_ERROR object too large for cache",
            Refusal::OutOfMemory => "SERVER_ERROR out of memory storing object",
        }));
    }
    let mut item = Item::new(key, bytes);
    let complete = connection.read_block(item.data_mut());
    if !matches!(complete, Ok(true)) {
        server
            .cache
            .with(connection.now(), |store| store.release(key, bytes));
    }
    Ok(if complete? {
        Ok(item)
    } else {
        Err("CLIENT_ERROR bad data chunk")
    })
}

/// The commands that are one look at the store and one line of reply.
fn change(server: &Server, now: Moment, command: Command) -> Cow<'static, str> {
    let moment = |exptime| server.clock.moment(exptime, now);
    match command {
        Command::Delete(key) => match server.cache.with(now, |store| store.delete(key)) {
            true => "DELETED".into(),
            false => "NOT_FOUND".into(),
        },
        Command::Touch(key, exptime) => {
            let expires = Some(moment(exptime));
            match server
                .cache
                .with(now, |store| fetch(store, key, expires, now))
            {
                Some(_) => "TOUCHED".into(),
                None => "NOT_FOUND".into(),
            }
        }
        Command::Delta(key, delta) => {
            let number = server
                .cache
                .with(now, |store| store.delta(key, delta, None));
            number.map_or_else(delta_failure, |number| number.to_string().into())
        }
        Command::FlushAll(delay) => {
            let at = if delay > 0 { moment(delay) } else { NEVER };
            server.cache.with(now, |store| store.flush_all(at));
            "OK".into()
        }
        Command::Verbosity(level) => {
            server.stats.verbosity.set(level.into());
            "OK".into()
        }
        _ => format!("VERSION {}", stats::VERSION).into(),
    }
}

fn delta_failure(failure: DeltaFailure) -> Cow<'static, str> {
    match failure {
        DeltaFailure::NotFound => "NOT_FOUND",
        DeltaFailure::Exists => "EXISTS",
        DeltaFailure::NonNumeric => NON_NUMERIC,
    }
    .into()
}
