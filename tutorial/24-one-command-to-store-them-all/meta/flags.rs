//! The flags of a meta command: one letter each, some with a token behind it. They stay the list that the client sent, and
//! whoever needs one asks for it by its letter.

use crate::clock::Moment;
use crate::command::{BAD_FORMAT, KEY_MAX, number};
use crate::server::Server;
use std::str::FromStr;

/// More flags than that are refused.
const FLAGS_MAX: usize = 17;

/// The token of `O` is shorter than this, in bytes.
const OPAQUE_MAX: usize = 32;

/// All letters. P and L are notes to proxies, and mean nothing here.
const KNOWN: &[u8] = b"cCDEfFhJklLMNOPqstTuv";

const BAD_TOKEN: &str = "CLIENT_ERROR bad token in command line format";
pub const TOO_MANY: &str = "CLIENT_ERROR options flags too long";
pub const LONG_OPAQUE: &str = "CLIENT_ERROR opaque token too long";

pub struct Flags<'a> {
    pub key: &'a [u8],
    /// In the order in which they came, and are answered.
    list: &'a [&'a [u8]],
}

impl<'a> Flags<'a> {
    /// The error is the line to answer. Of several bad tokens memcached complains about the last.
    pub fn read(key: &'a [u8], list: &'a [&'a [u8]]) -> Result<Flags<'a>, &'static str> {
        if key.len() > KEY_MAX {
            return Err(BAD_FORMAT);
        }
        if list.len() > FLAGS_MAX {
            return Err(TOO_MANY);
        }
        let mut problems = None;
        for (index, flag) in list.iter().enumerate() {
            let (letter, token) = flag.split_first().ok_or(BAD_FORMAT)?;
            if list[..index].iter().any(|earlier| earlier[0] == *letter) {
                return Err("CLIENT_ERROR duplicate flag");
            }
            if !KNOWN.contains(letter) {
                return Err("CLIENT_ERROR invalid flag");
            }
            problems = problem(*letter, token).or(problems);
        }
        problems.map_or(Ok(Flags { key, list }), Err)
    }

    pub fn has(&self, letter: u8) -> bool {
        self.token(letter).is_some()
    }

    /// What stands behind this letter.
    pub fn token(&self, letter: u8) -> Option<&'a [u8]> {
        self.list
            .iter()
            .find_map(|flag| flag.strip_prefix(&[letter]))
    }

    pub fn number<Number: FromStr>(&self, letter: u8) -> Option<Number> {
        number(self.token(letter)?)
    }

    /// The moment that the exptime behind this letter means.
    pub fn moment(&self, letter: u8, server: &Server) -> Option<Moment> {
        self.number(letter).map(|exptime| server.moment(exptime))
    }

    /// The line of an answer: a code, and flag by flag what it asks for. The opaque token and the key come back whatever
    /// becomes of the command; `tell` is asked for the numbers behind all other letters.
    pub fn line(&self, code: &str, mut tell: impl FnMut(u8) -> Option<i128>) -> Vec<u8> {
        let mut line = code.as_bytes().to_vec();
        for flag in self.list {
            match flag {
                [b'O', ..] => line.extend([b" ", *flag].concat()),
                [b'k', ..] => line.extend([b" k", self.key].concat()),
                [letter, ..] => {
                    if let Some(number) = tell(*letter) {
                        line.extend(format!(" {}{number}", char::from(*letter)).as_bytes());
                    }
                }
                [] => {}
            }
        }
        line
    }
}

/// What is wrong with a flag.
fn problem(letter: u8, token: &[u8]) -> Option<&'static str> {
    Some(match letter {
        b'N' | b'T' if number::<i32>(token).is_none() => BAD_TOKEN,
        b'C' | b'E' if number::<u64>(token).is_none() => BAD_TOKEN,
        b'F' if number::<u32>(token).is_none() => BAD_FORMAT,
        b'J' if number::<u64>(token).is_none() => "CLIENT_ERROR invalid numeric initial value",
        b'D' if number::<u64>(token).is_none() => "CLIENT_ERROR invalid numeric delta value",
        b'M' if token.len() != 1 => "CLIENT_ERROR incorrect length for M token",
        b'O' if token.len() >= OPAQUE_MAX => LONG_OPAQUE,
        _ => return None,
    })
}
