//! The flags of a meta command: one letter each, some with a token behind it. They stay the list that the client sent, and
//! whoever needs one asks for it by its letter.

use crate::base64;
use crate::clock::Moment;
use crate::command::{BAD_FORMAT, KEY_MAX, number};
use crate::item::BINARY_KEY;
use crate::server::Server;
use std::str::FromStr;

/// More flags than that are refused.
const FLAGS_MAX: usize = 17;

/// The token of `O` is shorter than this, in bytes.
const OPAQUE_MAX: usize = 32;

/// All letters. P and L are notes to proxies, and mean nothing here.
const KNOWN: &[u8] = b"bcCDEfFhIJklLMNOPqRstTuvx";

const BAD_TOKEN: &str = "CLIENT_ERROR bad token in command line format";
pub const TOO_MANY: &str = "CLIENT_ERROR options flags too long";
pub const LONG_OPAQUE: &str = "CLIENT_ERROR opaque token too long";

pub struct Flags<'a> {
    /// As the store knows it; with b the client sent it as base64.
    pub key: Vec<u8>,
    /// In the order in which they came, and are answered.
    list: &'a [&'a [u8]],
}

impl<'a> Flags<'a> {
    /// The error is the line to answer. Of several bad tokens memcached complains about the last.
    pub fn read(key: &[u8], list: &'a [&'a [u8]]) -> Result<Flags<'a>, &'static str> {
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
            problems = problem(*letter, token, key).or(problems);
        }
        let key = match list.contains(&&b"b"[..]) {
            true => base64::decode(key).unwrap_or_default(),
            false => key.to_vec(),
        };
        problems.map_or(Ok(Flags { key, list }), Err)
    }

    /// The marks of an item that is made with these flags.
    pub fn marks(&self) -> u8 {
        if self.has(b'b') { BINARY_KEY } else { 0 }
    }

    pub fn has(&self, letter: u8) -> bool {
        self.token(letter).is_some()
    }

    /// What stands behind this letter.
    pub fn token(&self, letter: u8) -> Option<&'a [u8]> {
        let tokens = self.list.iter().filter_map(|flag| flag.split_first());
        tokens
            .filter(|flag| *flag.0 == letter)
            .map(|flag| flag.1)
            .next()
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
    pub fn line(&self, code: &str, tell: impl FnMut(u8) -> Option<i128>) -> Vec<u8> {
        self.line_of(code, self.has(b'b'), tell)
    }

    /// The same for an item that knows itself whether its key came as base64.
    pub fn line_of(
        &self,
        code: &str,
        is_binary: bool,
        mut tell: impl FnMut(u8) -> Option<i128>,
    ) -> Vec<u8> {
        let mut line = code.as_bytes().to_vec();
        for flag in self.list {
            match flag {
                [b'O', ..] => line.extend([b" ", *flag].concat()),
                [b'k', ..] => line.extend([b" k", &self.shown_key(is_binary)[..]].concat()),
                [letter, ..] => {
                    let number = tell(*letter);
                    let text = number.map(|number| format!(" {}{number}", char::from(*letter)));
                    line.extend(text.unwrap_or_default().as_bytes());
                }
                [] => {}
            }
        }
        line
    }

    fn shown_key(&self, is_binary: bool) -> Vec<u8> {
        match is_binary {
            true => [&base64::encode(&self.key)[..], b" b"].concat(),
            false => self.key.clone(),
        }
    }
}

/// What is wrong with a flag.
fn problem(letter: u8, token: &[u8], key: &[u8]) -> Option<&'static str> {
    Some(match letter {
        b'b' if base64::decode(key).is_none() => "CLIENT_ERROR error decoding key",
        b'N' | b'R' | b'T' if number::<i32>(token).is_none() => BAD_TOKEN,
        b'C' | b'E' if number::<u64>(token).is_none() => BAD_TOKEN,
        b'F' if number::<u32>(token).is_none() => BAD_FORMAT,
        b'J' if number::<u64>(token).is_none() => "CLIENT_ERROR invalid numeric initial value",
        b'D' if number::<u64>(token).is_none() => "CLIENT_ERROR invalid numeric delta value",
        b'M' if token.len() != 1 => "CLIENT_ERROR incorrect length for M token",
        b'O' if token.len() >= OPAQUE_MAX => LONG_OPAQUE,
        _ => return None,
    })
}
