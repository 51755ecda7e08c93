//! The meta commands: mg, ms, md, ma, me and mn, on the same store as the classic ones.
//!
//! All of them are a key and flags: `mg KEY v t O123`. A meta command is a function from the server and some words to a
//! reply, or to none; it knows no connection. protocol.txt, "Meta Commands", has them all.

mod flags;
pub mod set;

use crate::change::{Change, Delta, Failure};
use crate::clock::{Moment, NEVER};
use crate::command::{BAD_FORMAT, ERROR};
use crate::counters::{COUNT, hit_or_miss};
use crate::item::{BINARY_KEY, FETCHED, Item, STALE, WON};
use crate::reply::Reply;
use crate::server::{Server, explain};
use crate::store::Store;
use flags::{Flags, LONG_OPAQUE, TOO_MANY};

/// Answers one meta command, but for ms; `words` are what follows its name.
pub fn answer(server: &Server, name: &[u8], words: &[&[u8]]) -> Reply {
    match (name, words) {
        (b"mn", _) => "MN".into(),
        (b"me", []) => BAD_FORMAT.into(),
        (_, []) => ERROR.into(),
        (_, [key, list @ ..]) => match (name, Flags::read(key, list)) {
            (b"mg", Ok(flags)) => get(server, flags),
            (b"md", Ok(flags)) => delete(server, &flags),
            (b"ma", Ok(flags)) => arithmetic(server, &flags),
            (_, Ok(flags)) => debug(server, flags),
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

/// mg: what an item is, what it says, and who is to fetch it anew.
fn get(server: &Server, mut flags: Flags) -> Reply {
    let mut hit = false;
    let reply = server.with(|store| {
        hit = store.get(&flags.key).is_some();
        if !hit {
            flags.token(b'N')?;
            create(store, &flags, b"", NEVER).ok()?;
        }
        let item = store.get(&flags.key)?;
        flags.base64 = item.has(BINARY_KEY);
        let (mut line, ends_soon) = walk(server, &flags, item, !hit, b"stcflh");
        win(item, !hit || ends_soon, &mut line);
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
    server.count_get(flags.has(b'T'), hit);
    match reply {
        Some(reply) => reply,
        None if flags.has(b'q') => Reply::default(),
        None => flags.line("EN", |_| None).into(),
    }
}

/// Walks over the flags from left to right: N and T give the item a new moment to expire, those in `tells` tell what the
/// item is at that point. Says, too, whether it expires earlier than R allows.
fn walk(
    server: &Server,
    flags: &Flags,
    item: &mut Item,
    created: bool,
    tells: &[u8],
) -> (Vec<u8>, bool) {
    let now = server.clock.now();
    let mut ends_soon = false;
    let line = flags.line("", |letter| {
        let moment = flags.moment(letter, server);
        match letter {
            b'N' if created => item.expires = moment?,
            b'T' => item.expires = moment?,
            b'R' => ends_soon |= item.expires != NEVER && item.expires < moment?,
            _ => return tell(item, letter, now).filter(|_| tells.contains(&letter)),
        }
        None
    });
    (line, ends_soon)
}

/// Tells one client, and only one, to fetch an item anew: if that is wanted, or if the item is stale.
fn win(item: &Item, wanted: bool, line: &mut Vec<u8>) {
    let (sent, stale) = (item.has(WON), item.has(STALE));
    let won = !sent && (wanted || stale);
    for (flag, is_set) in [(b" Z", sent), (b" X", stale), (b" W", won)] {
        line.extend_from_slice(if is_set { flag } else { b"" });
    }
    if won {
        item.set(WON);
    }
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

/// Makes an item that no client has sent, whatever is there.
fn create(store: &mut Store, flags: &Flags, data: &[u8], expires: Moment) -> Result<(), Failure> {
    let client_flags = flags.number(b'F').unwrap_or(0);
    let mut draft = store.draft(&flags.key, client_flags, data.len())?;
    draft.block.add(&[data, b"\r\n"].concat());
    let item = draft.finish(expires);
    item.set(flags.marks());
    let change = Change {
        cas: flags.number(b'E'),
        ..Change::default()
    };
    store.store(item, &change).map(drop)
}

/// Whether there is such an item, with the cas unique that C asks for.
fn check(store: &mut Store, flags: &Flags) -> Result<(), Failure> {
    let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
    match flags.number(b'C') {
        Some(unique) if item.cas != unique => Err(Failure::Exists),
        _ => Ok(()),
    }
}

/// The code of a failure, or its error line.
fn code(failure: Failure) -> &'static str {
    match failure {
        Failure::NotStored => "NS",
        Failure::Exists => "EX",
        Failure::NotFound => "NF",
        failure => explain(failure),
    }
}

/// md: deletes, or marks as stale and lets one client win the right to store anew. x takes the value, flags and exptime away.
fn delete(server: &Server, flags: &Flags) -> Reply {
    let expires = flags.moment(b'T', server);
    let outcome = server.with(|store| {
        check(store, flags)?;
        if flags.has(b'x') {
            create(store, flags, b"", expires.unwrap_or(NEVER))?;
        }
        if flags.has(b'I') {
            let cas = flags.number(b'E').unwrap_or_else(|| store.next_cas());
            // With x and a T that is past it has gone already.
            if let Some(item) = store.get(&flags.key) {
                item.cas = cas;
                item.expires = expires.unwrap_or(item.expires);
                item.set(STALE);
                item.unset(WON);
            }
        } else if !flags.has(b'x') {
            store.delete(&flags.key);
        }
        Ok(())
    });
    if outcome.is_err() || !flags.has(b'I') {
        hit_or_miss(outcome.is_ok(), &COUNT.delete_hits, &COUNT.delete_misses);
    }
    match outcome {
        Ok(()) if flags.has(b'q') => Reply::default(),
        Ok(()) => flags.line("HD", |_| None).into(),
        Err(failure) => flags.line(code(failure), |_| None).into(),
    }
}

/// ma: incr and decr, and a number to begin with.
fn arithmetic(server: &Server, flags: &Flags) -> Reply {
    let by = flags.number(b'D').unwrap_or(1);
    let delta = match flags.token(b'M') {
        None | Some(b"I" | b"+") => Delta::Increment(by),
        Some(b"D" | b"-") => Delta::Decrement(by),
        Some(_) => return "CLIENT_ERROR invalid mode for ma M token".into(),
    };
    let mut counted = Err(Failure::NotFound);
    let told = server.with(|store| {
        counted = count(store, flags, delta);
        let created = matches!(counted, Err(Failure::NotFound)) && flags.has(b'N');
        let number = match created {
            true => flags.number(b'J').unwrap_or(0),
            false => counted?,
        };
        if created {
            create(store, flags, number.to_string().as_bytes(), NEVER)?;
        }
        let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
        item.cas = flags.number(b'E').unwrap_or(item.cas);
        let (line, _) = walk(server, flags, item, created, b"tc");
        Ok((number, line))
    });
    server.count_delta(delta, &counted);
    match told {
        Ok(_) if flags.has(b'q') && counted.is_ok() => Reply::default(),
        Ok((number, line)) if flags.has(b'v') => {
            let number = number.to_string();
            let code = format!("VA {}", number.len());
            let lines = [code.as_bytes(), &line, b"\r\n", number.as_bytes()];
            lines.concat().into()
        }
        Ok((_, line)) => [b"HD", &line[..]].concat().into(),
        Err(Failure::NonNumeric) => explain(Failure::NonNumeric).into(),
        Err(failure) => flags.line(code(failure), |_| None).into(),
    }
}

/// Nothing is no number, whatever C says; C0 is any.
fn count(store: &mut Store, flags: &Flags, delta: Delta) -> Result<u64, Failure> {
    let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
    let is_compared = !item.data().is_empty() && flags.number(b'C') != Some(0);
    if is_compared {
        check(store, flags)?;
    }
    store.delta(&flags.key, delta)
}

/// me: what there is to know of an item, for people.
fn debug(server: &Server, mut flags: Flags) -> Reply {
    let now = server.clock.now();
    let Some(item) = server.with(|store| store.get(&flags.key).cloned()) else {
        return "EN".into();
    };
    flags.base64 = item.has(BINARY_KEY);
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
    [b"ME ", &flags.shown_key()[..], about.as_bytes()]
        .concat()
        .into()
}
