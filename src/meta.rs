//! The meta commands: mg, ms, md, ma, me and mn, on the same store as the classic ones.
//!
//! All of them are a key and flags: `mg KEY v t O123`. The flags are read once, into [`Flags`]; each command looks at
//! what it needs and then walks over them again, in the order in which they came, to write what they ask to be told.
//! Flags that ask nothing of a command are passed over. protocol.txt, "Meta Commands", has them all.

mod flags;
mod reply;

use std::io::{self, Write};

use crate::base64;
use crate::change::{Change, Delta, DeltaFailure, Mode, Outcome};
use crate::clock::{Moment, NEVER};
use crate::command::{BAD_FORMAT, KEY_MAX, length};
use crate::item::{BINARY_KEY, FETCHED, Item, STALE, WON};
use crate::server::{NON_NUMERIC, Session};
use crate::store::Store;
use flags::{Flags, LONG_OPAQUE, TOO_MANY};
use reply::{reply, reply_to_request, reply_with_item, shown_key, tell, tell_request};

/// Answers one meta command; `words` are what follows its name.
pub fn answer(session: &mut Session, name: &[u8], words: &[&[u8]]) -> io::Result<()> {
    let read = |key, list| Flags::read(key, list, |exptime| session.moment(exptime));
    match (name, words) {
        (b"mn", _) => session.reply("MN"),
        (b"me", [key, flags @ ..]) if key.len() <= KEY_MAX => debug(session, key, flags),
        (b"me", _) => session.reply(BAD_FORMAT),
        (_, []) => session.reply("ERROR"),
        (_, [key, ..]) if key.len() > KEY_MAX => session.reply(BAD_FORMAT),
        (b"ms", [_]) => session.reply(BAD_FORMAT),
        (b"ms", [key, bytes, list @ ..]) => match length(bytes) {
            Some(bytes) => set(session, read(key, list), bytes),
            None => session.reply(BAD_FORMAT),
        },
        (_, [key, list @ ..]) => match (name, read(key, list)) {
            (b"mg", Ok(flags)) => get(session, &flags),
            (b"md", Ok(flags)) => delete(session, &flags),
            (_, Ok(flags)) => arithmetic(session, &flags),
            (b"mg", Err(TOO_MANY)) => session.reply("CLIENT_ERROR options flags are too long"),
            (b"mg", Err(problem)) | (_, Err(problem @ (LONG_OPAQUE | TOO_MANY))) => {
                session.reply(problem)
            }
            (_, Err(_)) => session.reply("CLIENT_ERROR invalid or duplicate flag"),
        },
    }
}

/// mg: what an item is, what it says, and who is to fetch it anew.
fn get(session: &mut Session, flags: &Flags) -> io::Result<()> {
    let now = session.connection.now();
    let mut told = Vec::new();
    let found = session.with(|store| look(store, flags, now, &mut told));
    match found {
        Some(item) => reply_with_item(session, flags, item.data(), &told),
        None if flags.quiet => Ok(()),
        None => reply_to_request(session, "EN", flags),
    }
}

/// The part of mg that is done under the lock. What the flags are to be told goes to `told`.
fn look(store: &mut Store, flags: &Flags, now: Moment, told: &mut Vec<u8>) -> Option<Item> {
    let mut created = false;
    if store.find(&flags.key, flags.expires.is_some()).is_none() {
        flags.vivify?;
        created = create(store, flags, &[]);
    }
    let item = store.get(&flags.key)?;
    let mut won = created;
    for flag in flags.list {
        match flag.first()? {
            b'N' if created => item.expires = flags.vivify?,
            b'T' => item.expires = flags.expires?,
            b'R' => won |= item.expires != NEVER && item.expires < flags.recache?,
            b'O' => tell_request(told, flag, flags),
            _ => tell(told, flag, item, now),
        }
    }
    let sent = item.is(WON);
    let stale = item.is(STALE);
    won = !sent && (won || stale);
    for (flag, set) in [(b" Z", sent), (b" X", stale), (b" W", won)] {
        told.extend_from_slice(if set { flag } else { b"" });
    }
    item.state |= if won { WON } else { 0 };
    if !flags.unmarked {
        item.mark(now);
    }
    Some(item.clone())
}

/// Makes an item on a miss, which never expires until N is reached; `false` when there is no room for it.
fn create(store: &mut Store, flags: &Flags, data: &[u8]) -> bool {
    let change = Change::new(Mode::Add);
    if store.reserve(&flags.key, data.len(), &change).is_err() {
        return false;
    }
    let mut item = Item::new(&flags.key, 0, data.len());
    item.block_mut()[..data.len()].copy_from_slice(data);
    item.state = flags.state();
    matches!(store.store(item, &change), Outcome::Stored(_))
}

/// ms: all storage commands in one.
fn set(session: &mut Session, flags: Result<Flags, &'static str>, bytes: usize) -> io::Result<()> {
    let (flags, change) = match flags.and_then(|flags| Ok((flags.change()?, flags))) {
        Ok((change, flags)) => (flags, change),
        Err(problem) => {
            session.connection.swallow(bytes as u64 + 2)?;
            return session.reply(problem);
        }
    };
    let mut item = match session.receive(&flags.key, flags.client_flags, bytes, &change)? {
        Ok(item) => item,
        Err(problem) => return session.reply(problem),
    };
    item.expires = flags.expires.unwrap_or(NEVER);
    item.state = flags.state();
    let outcome = session.with(|store| store.store(item, &change));
    let (code, cas) = match outcome {
        Outcome::Stored(_) if flags.quiet => return Ok(()),
        Outcome::Stored(cas) => ("HD", cas),
        Outcome::NotStored => ("NS", 0),
        Outcome::Exists => ("EX", 0),
        Outcome::NotFound => ("NF", 0),
    };
    let mut told = Vec::new();
    for flag in flags.list {
        match flag {
            [b'c', ..] => write!(told, " c{cas}")?,
            _ => tell_request(&mut told, flag, &flags),
        }
    }
    reply(session, code, &told)
}

/// md: deletes, or marks as stale and lets one client win the right to store anew.
fn delete(session: &mut Session, flags: &Flags) -> io::Result<()> {
    let code = session.with(|store| {
        let cas = store.get(&flags.key).map(|item| item.cas);
        if cas.is_some() && flags.compare.is_some_and(|compare| Some(compare) != cas) {
            store.counts.delete_misses += 1;
            return "EX";
        }
        let done = match flags.invalidate {
            true => store.invalidate(&flags.key, flags.expires, flags.cas),
            false => store.delete(&flags.key),
        };
        if done { "HD" } else { "NF" }
    });
    match code {
        "HD" if flags.quiet => Ok(()),
        _ => reply_to_request(session, code, flags),
    }
}

/// ma: incr and decr, and a number to begin with.
fn arithmetic(session: &mut Session, flags: &Flags) -> io::Result<()> {
    let delta = match flags.mode {
        None | Some(b'I' | b'+') => Delta::Increment(flags.delta.unwrap_or(1)),
        Some(b'D' | b'-') => Delta::Decrement(flags.delta.unwrap_or(1)),
        Some(_) => {
            return session.reply("CLIENT_ERROR invalid mode for ma M token");
        }
    };
    let now = session.connection.now();
    let mut told = Vec::new();
    let result = session.with(|store| count(store, flags, delta, now, &mut told));
    match result {
        Ok((_, false)) if flags.quiet => Ok(()),
        Ok((number, _)) => reply_with_item(session, flags, number.to_string().as_bytes(), &told),
        Err(DeltaFailure::NotFound) => reply_to_request(session, "NF", flags),
        Err(DeltaFailure::Exists) => reply_to_request(session, "EX", flags),
        Err(DeltaFailure::NonNumeric) => session.reply(NON_NUMERIC),
    }
}

/// The part of ma that is done under the lock: the number, and whether its item was made on a miss.
fn count(
    store: &mut Store,
    flags: &Flags,
    delta: Delta,
    now: Moment,
    told: &mut Vec<u8>,
) -> Result<(u64, bool), DeltaFailure> {
    let compare = flags.compare.filter(|&cas| cas != 0);
    let counted = store.delta(&flags.key, delta, compare);
    let created = matches!(counted, Err(DeltaFailure::NotFound)) && flags.vivify.is_some();
    let number = match created {
        true => flags.initial,
        false => counted?,
    };
    if created && !create(store, flags, number.to_string().as_bytes()) {
        return Err(DeltaFailure::NotFound);
    }
    let item = store.get(&flags.key).ok_or(DeltaFailure::NotFound)?;
    item.cas = flags.cas.unwrap_or(item.cas);
    for flag in flags.list {
        match flag {
            [b'N', ..] if created => item.expires = flags.vivify.unwrap_or(NEVER),
            [b'T', ..] => item.expires = flags.expires.unwrap_or(NEVER),
            [b'c' | b't', ..] => tell(told, flag, item, now),
            _ => tell_request(told, flag, flags),
        }
    }
    Ok((number, created))
}

/// me: what there is to know of an item, for people.
fn debug(session: &mut Session, key: &[u8], flags: &[&[u8]]) -> io::Result<()> {
    let key = match flags.first() {
        Some([b'b']) => base64::decode(key),
        _ => Some(key.to_vec()),
    };
    let Some(key) = key else {
        return session.reply(BAD_FORMAT);
    };
    let now = session.connection.now();
    let found = session.with(|store| {
        store.counts.cmd_meta += 1;
        store.get(&key).cloned()
    });
    let Some(item) = found else {
        return session.reply("EN");
    };
    let expires = match item.expires {
        NEVER => -1,
        expires => i64::from(now) - i64::from(expires),
    };
    let about = format!(
        " exp={expires} la={} cas={} fetch={} cls=1 size={}",
        now.saturating_sub(item.accessed),
        item.cas,
        if item.is(FETCHED) { "yes" } else { "no" },
        item.own_weight()
    );
    let key = shown_key(&key, item.is(BINARY_KEY));
    reply(session, "ME ", &[&key, about.as_bytes()].concat())
}
