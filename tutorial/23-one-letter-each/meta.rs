//! The meta commands: mg, me and mn, on the same store as the classic ones.
//!
//! All of them are a key and flags: `mg KEY v t O123`. A meta command is a function from the server and some words to a
//! reply, or to none; it knows no connection. protocol.txt, "Meta Commands", has them all.

mod flags;

use crate::clock::{Moment, NEVER};
use crate::command::{BAD_FORMAT, ERROR};
use crate::item::{FETCHED, Item};
use crate::reply::Reply;
use crate::server::Server;
use flags::{Flags, LONG_OPAQUE, TOO_MANY};

/// Answers one meta command; `words` are what follows its name.
pub fn answer(server: &Server, name: &[u8], words: &[&[u8]]) -> Reply {
    match (name, words) {
        (b"mn", _) => "MN".into(),
        (b"me", []) => BAD_FORMAT.into(),
        (_, []) => ERROR.into(),
        (_, [key, list @ ..]) => match (name, Flags::read(key, list)) {
            (b"mg", Ok(flags)) => get(server, &flags),
            (_, Ok(flags)) => debug(server, &flags),
            (name, Err(problem)) => refuse(name, problem).into(),
        },
    }
}

/// Each command has words of its own for what is wrong.
fn refuse(name: &[u8], problem: &'static str) -> &'static str {
    match (name, problem) {
        (b"me", _) => BAD_FORMAT,
        (b"mg", TOO_MANY) => "CLIENT_ERROR options flags are too long",
        (b"mg", _) | (_, BAD_FORMAT | LONG_OPAQUE | TOO_MANY) => problem,
        _ => "CLIENT_ERROR invalid or duplicate flag",
    }
}

/// mg: what an item is, and what it says.
fn get(server: &Server, flags: &Flags) -> Reply {
    let reply = server.with(|store| {
        let item = store.get(flags.key)?;
        let line = walk(server, flags, item);
        if !flags.has(b'u') {
            item.mark(server.clock.now());
        }
        // Whoever names the cas unique knows the value.
        let wants_value = flags.has(b'v') && flags.number(b'C') != Some(item.cas);
        let code = match wants_value {
            true => format!("VA {}", item.data().len()),
            false => "HD".into(),
        };
        let lines = [code.as_bytes(), &line].concat().into();
        let value = wants_value.then(|| item.clone());
        Some(Reply { lines, value })
    });
    server.count_get(flags.has(b'T'), reply.is_some());
    match reply {
        Some(reply) => reply,
        None if flags.has(b'q') => Reply::default(),
        None => flags.line("EN", |_| None).into(),
    }
}

/// Walks over the flags from left to right: T gives the item a new moment to expire, the others tell what the item is at
/// that point.
fn walk(server: &Server, flags: &Flags, item: &mut Item) -> Vec<u8> {
    let now = server.clock.now();
    flags.line("", |letter| {
        let moment = flags.moment(letter, server);
        match letter {
            b'T' => item.expires = moment?,
            _ => return tell(item, letter, now),
        }
        None
    })
}

/// What a flag asks to be told of an item; nothing if it asks nothing.
fn tell(item: &Item, letter: u8, now: Moment) -> Option<i128> {
    Some(match letter {
        b's' => item.data().len() as i128,
        b't' if item.expires == NEVER => -1,
        b't' => item.expires.wrapping_sub(now).into(),
        b'c' => item.cas.into(),
        b'f' => item.flags().into(),
        b'l' => now.saturating_sub(item.accessed).into(),
        b'h' => item.has(FETCHED).into(),
        _ => return None,
    })
}

/// me: what there is to know of an item, for people.
fn debug(server: &Server, flags: &Flags) -> Reply {
    let now = server.clock.now();
    let Some(item) = server.with(|store| store.get(flags.key).cloned()) else {
        return "EN".into();
    };
    let expires = match item.expires {
        NEVER => -1,
        expires => i64::from(now) - i64::from(expires),
    };
    let about = format!(
        " exp={expires} la={} cas={} fetch={} cls=1 size={}",
        now.saturating_sub(item.accessed),
        item.cas,
        if item.has(FETCHED) { "yes" } else { "no" },
        item.weight()
    );
    [b"ME ", flags.key, about.as_bytes()].concat().into()
}
