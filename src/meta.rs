//! The meta commands: mg, ms, md, ma, me and mn, on the same store as the classic ones.
//!
//! All of them are a key and flags: `mg KEY v t O123`. A meta command is a function from the server and some words to a
//! reply, or to none; it knows no connection. protocol.txt, "Meta Commands", has them all.

mod flags;

use crate::base64;
use crate::change::{Change, Delta, Failure, Mode};
use crate::clock::{Moment, NEVER};
use crate::command::{BAD_FORMAT, KEY_MAX, Malformed, length};
use crate::item::{BINARY_KEY, Draft, FETCHED, Item, STALE, WON};
use crate::reply::Reply;
use crate::server::{Server, explain};
use crate::store::Store;
use flags::{Flags, LONG_OPAQUE, TOO_MANY};

/// Answers one meta command, but for ms; `words` are what follows its name.
pub fn answer(server: &Server, name: &[u8], words: &[&[u8]]) -> Option<Reply> {
    let (key, list) = match (name, words) {
        (b"mn", _) => return Some("MN".into()),
        (b"me", [key, list @ ..]) if key.len() <= KEY_MAX => return Some(debug(server, key, list)),
        (b"me", _) => return Some(BAD_FORMAT.into()),
        (_, []) => return Some("ERROR".into()),
        (_, [key, list @ ..]) => (key, list),
    };
    match (name, Flags::read(key, list)) {
        (b"mg", Ok(flags)) => get(server, &flags),
        (b"md", Ok(flags)) => delete(server, &flags),
        (_, Ok(flags)) => arithmetic(server, &flags),
        (b"mg", Err(TOO_MANY)) => Some("CLIENT_ERROR options flags are too long".into()),
        (b"mg", Err(problem)) => Some(problem.into()),
        (_, Err(problem @ (BAD_FORMAT | LONG_OPAQUE | TOO_MANY))) => Some(problem.into()),
        (_, Err(_)) => Some("CLIENT_ERROR invalid or duplicate flag".into()),
    }
}

/// mg: what an item is, what it says, and who is to fetch it anew.
fn get(server: &Server, flags: &Flags) -> Option<Reply> {
    let vivify = flags.moment(b'N', server);
    let expires = flags.moment(b'T', server);
    let recache = flags.moment(b'R', server);
    let mut hit = false;
    let reply = server.with(|store| {
        hit = store.get(&flags.key).is_some();
        if !hit {
            vivify?;
            create(store, flags, b"", Mode::Add, NEVER).ok()?;
        }
        let now = store.now();
        let item = store.get(&flags.key)?;
        let mut wanted = !hit;
        let mut line = flags.line("", item.has(BINARY_KEY), |letter| {
            match letter {
                b'N' if !hit => item.expires = vivify?,
                b'T' => item.expires = expires?,
                b'R' => wanted |= item.expires != NEVER && item.expires < recache?,
                _ => return tell(item, letter, now),
            }
            None
        });
        win(item, wanted, &mut line);
        if !flags.has(b'u') {
            item.mark(now);
        }
        // Who names the cas unique knows the value.
        let wants_value = flags.has(b'v') && flags.number(b'C') != Some(item.cas);
        Some(reply_with(line, wants_value, item))
    });
    server.count_get(flags.has(b'T'), hit);
    match reply {
        None if flags.has(b'q') => None,
        None => Some(flags.bare_line("EN").into()),
        some => some,
    }
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

fn reply_with(line: Vec<u8>, wants_value: bool, item: &Item) -> Reply {
    let code = match wants_value {
        true => format!("VA {}", item.data().len()),
        false => "HD".into(),
    };
    let mut reply = Reply::from([code.as_bytes(), &line].concat());
    reply.value = wants_value.then(|| item.clone());
    reply
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

/// Makes an item that no client has sent.
fn create(
    store: &mut Store,
    flags: &Flags,
    data: &[u8],
    mode: Mode,
    expires: Moment,
) -> Result<(), Failure> {
    let client_flags = flags.number(b'F').unwrap_or(0);
    let mut draft = store.draft(&flags.key, client_flags, data.len())?;
    draft.block.add(&[data, b"\r\n"].concat());
    let item = draft.finish(expires);
    item.set(flags.marks());
    let change = Change {
        cas: flags.number(b'E'),
        ..mode.into()
    };
    store.store(item, &change).map(drop)
}

/// ms: all storage commands in one.
pub struct Set<'a> {
    pub flags: Flags<'a>,
    /// The length of the data block, without its `\r\n`.
    pub bytes: usize,
    pub client_flags: u32,
    pub mode: Mode,
}

impl<'a> Set<'a> {
    /// The block of a line that is wrong is swallowed, if its length can be read.
    pub fn parse(words: &'a [&'a [u8]]) -> Result<Set<'a>, Malformed> {
        let [key, bytes, list @ ..] = words else {
            let reply = if words.is_empty() {
                "ERROR"
            } else {
                BAD_FORMAT
            };
            return Err(reply.into());
        };
        if key.len() > KEY_MAX {
            return Err(BAD_FORMAT.into());
        }
        let bytes = length(bytes).ok_or(BAD_FORMAT)?;
        let malformed = |reply| Malformed {
            reply,
            swallow: bytes as u64 + 2,
        };
        let flags = Flags::read(key, list).map_err(malformed)?;
        let mode = mode(&flags).ok_or(malformed("CLIENT_ERROR invalid mode for ms M token"))?;
        Ok(Set {
            bytes,
            client_flags: flags.number(b'F').unwrap_or(0),
            mode,
            flags,
        })
    }

    /// What is answered when the block has come, or there was no room for it.
    pub fn store(&self, server: &Server, draft: Result<Draft, Failure>) -> Option<Reply> {
        let flags = &self.flags;
        let change = Change {
            mode: self.mode,
            compare: flags.number(b'C'),
            invalidate: flags.has(b'I'),
            vivify: flags.moment(b'N', server),
            cas: flags.number(b'E'),
        };
        let expires = flags.moment(b'T', server).unwrap_or(NEVER);
        let stored = draft.and_then(|draft| {
            let item = draft.finish(expires);
            item.set(flags.marks());
            server.store(item, &change)
        });
        let (code, cas, bytes) = match stored {
            Ok(_) if flags.has(b'q') => return None,
            Ok((cas, bytes)) => ("HD", cas, bytes),
            Err(failure) => (code(failure), 0, self.bytes),
        };
        if code.len() > 2 {
            return Some(code.into());
        }
        let line = flags.line(code, flags.has(b'b'), |letter| match letter {
            b'c' => Some(cas.into()),
            b's' => Some(bytes as i128),
            _ => None,
        });
        Some(line.into())
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

/// md: deletes, or marks as stale and lets one client win the right to store anew. x takes the value, flags and exptime away.
fn delete(server: &Server, flags: &Flags) -> Option<Reply> {
    let compare: Option<u64> = flags.number(b'C');
    let expires = flags.moment(b'T', server);
    let outcome = server.with(|store| {
        let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
        if compare.is_some_and(|compare| compare != item.cas) {
            return Err(Failure::Exists);
        }
        if flags.has(b'x') {
            create(store, flags, b"", Mode::Set, expires.unwrap_or(NEVER))?;
        }
        if flags.has(b'I') {
            store.invalidate(&flags.key, expires, flags.number(b'E'));
        } else if !flags.has(b'x') {
            store.delete(&flags.key);
        }
        Ok(())
    });
    match outcome {
        Ok(()) if flags.has(b'I') => {}
        outcome => server.count_delete(outcome.is_ok()),
    }
    match outcome {
        Ok(()) if flags.has(b'q') => None,
        Ok(()) => Some(flags.bare_line("HD").into()),
        Err(failure) => Some(flags.bare_line(code(failure)).into()),
    }
}

/// ma: incr and decr, and a number to begin with.
fn arithmetic(server: &Server, flags: &Flags) -> Option<Reply> {
    let by = flags.number(b'D').unwrap_or(1);
    let delta = match flags.token(b'M') {
        None | Some(b"I" | b"+") => Delta::Increment(by),
        Some(b"D" | b"-") => Delta::Decrement(by),
        Some(_) => return Some("CLIENT_ERROR invalid mode for ma M token".into()),
    };
    let vivify = flags.moment(b'N', server);
    let expires = flags.moment(b'T', server);
    let mut counted = Err(Failure::NotFound);
    let told = server.with(|store| {
        counted = count(store, flags, delta);
        let created = matches!(counted, Err(Failure::NotFound)) && vivify.is_some();
        let number = match created {
            true => flags.number(b'J').unwrap_or(0),
            false => counted?,
        };
        if created {
            create(
                store,
                flags,
                number.to_string().as_bytes(),
                Mode::Add,
                NEVER,
            )?;
        }
        let now = store.now();
        let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
        item.cas = flags.number(b'E').unwrap_or(item.cas);
        let line = flags.line("", flags.has(b'b'), |letter| {
            match letter {
                b'N' if created => item.expires = vivify?,
                b'T' => item.expires = expires?,
                b'c' | b't' => return tell(item, letter, now),
                _ => {}
            }
            None
        });
        Ok((number, line))
    });
    server.count_delta(delta, &counted);
    match told {
        Ok(_) if flags.has(b'q') && counted.is_ok() => None,
        Ok((number, line)) if flags.has(b'v') => {
            let number = number.to_string();
            let code = format!("VA {}", number.len());
            let parts = [code.as_bytes(), &line, b"\r\n", number.as_bytes()];
            Some(parts.concat().into())
        }
        Ok((_, line)) => Some([b"HD", &line[..]].concat().into()),
        Err(failure @ (Failure::NotFound | Failure::Exists)) => {
            Some(flags.bare_line(code(failure)).into())
        }
        Err(failure) => Some(explain(failure).into()),
    }
}

fn count(store: &mut Store, flags: &Flags, delta: Delta) -> Result<u64, Failure> {
    let compare: Option<u64> = flags.number(b'C').filter(|&compare| compare != 0);
    let item = store.get(&flags.key).ok_or(Failure::NotFound)?;
    if compare.is_some_and(|compare| compare != item.cas) {
        return Err(Failure::Exists);
    }
    store.delta(&flags.key, delta)
}

/// me: what there is to know of an item, for people.
fn debug(server: &Server, key: &[u8], list: &[&[u8]]) -> Reply {
    let key = match list.first() {
        Some([b'b']) => base64::decode(key),
        _ => Some(key.to_vec()),
    };
    let Some(key) = key else {
        return BAD_FORMAT.into();
    };
    let found = server.with(|store| Some((store.get(&key).cloned()?, store.now())));
    let Some((item, now)) = found else {
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
    let key = match item.has(BINARY_KEY) {
        true => base64::encode(&key),
        false => key,
    };
    [b"ME ", &key[..], about.as_bytes()].concat().into()
}
