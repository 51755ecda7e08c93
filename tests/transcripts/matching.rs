//! Whether the bytes that come are those of a line in a transcript, and the numbers in them that get a name.

use std::collections::HashMap;
use std::io::BufRead;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::notation::{Line, Piece};

/// Numbers that have got a name in this conversation.
pub type Names = HashMap<String, i128>;

/// A number that has got a name, or the time now; one that is missing since an earlier exchange failed becomes 0.
pub fn named(name: &str, more: i64, names: &Names) -> String {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH);
    let number = match name {
        "now" => now().expect("a clock after 1970").as_secs().into(),
        _ => names.get(name).copied().unwrap_or(0),
    };
    (number + i128::from(more)).to_string()
}

/// Reads as long as the bytes are those of the line; what was read goes to `got`.
pub fn follow(
    line: &Line,
    reader: &mut impl BufRead,
    names: &mut Names,
    got: &mut Vec<u8>,
) -> bool {
    line.iter().all(|piece| match piece {
        Piece::Bytes(bytes) => literal(bytes, reader, got),
        Piece::Named(name, more) => literal(named(name, *more, names).as_bytes(), reader, got),
        Piece::Number(name) => match number(reader, got) {
            Some(number) => {
                names.insert(name.clone(), number);
                true
            }
            None => false,
        },
        Piece::Between(low, high) => number(reader, got)
            .is_some_and(|number| (i128::from(*low)..=i128::from(*high)).contains(&number)),
        Piece::Anything => {
            take_while(reader, got, |byte| byte != b'\r');
            true
        }
    })
}

fn literal(mut bytes: &[u8], reader: &mut impl BufRead, got: &mut Vec<u8>) -> bool {
    while !bytes.is_empty() {
        let Ok(buffer) = reader.fill_buf() else {
            return false;
        };
        let pairs = buffer.iter().zip(bytes);
        let same = pairs.take_while(|(a, b)| a == b).count();
        if same == 0 {
            return false;
        }
        got.extend_from_slice(&bytes[..same]);
        bytes = &bytes[same..];
        reader.consume(same);
    }
    true
}

fn number(reader: &mut impl BufRead, got: &mut Vec<u8>) -> Option<i128> {
    let digits = take_while(reader, got, |byte| byte.is_ascii_digit());
    String::from_utf8(digits).ok()?.parse().ok()
}

fn take_while(
    reader: &mut impl BufRead,
    got: &mut Vec<u8>,
    wanted: impl Fn(u8) -> bool,
) -> Vec<u8> {
    let start = got.len();
    while let Ok(&[byte, ..]) = reader.fill_buf() {
        if !wanted(byte) {
            break;
        }
        got.push(byte);
        reader.consume(1);
    }
    got[start..].to_vec()
}

/// Looks for a line in a reply that ends in `END`, which is read first; `got` is the line that is most like a missing one.
pub fn pick(
    line: &Line,
    reader: &mut impl BufRead,
    names: &mut Names,
    listing: &mut Vec<u8>,
    got: &mut Vec<u8>,
) -> bool {
    while !listing.ends_with(b"END\r\n") {
        let length = listing.len();
        if reader.read_until(b'\n', listing).is_err() || listing.len() == length {
            got.append(listing);
            return false;
        }
    }
    let mut candidates = listing.split_inclusive(|&byte| byte == b'\n');
    let found = candidates.any(|reply| follow(line, &mut &reply[..], names, &mut Vec::new()));
    if !found {
        got.extend(most_alike(line, listing));
    }
    found
}

/// The line of the reply that begins most like this one.
fn most_alike<'a>(line: &Line, reply: &'a [u8]) -> &'a [u8] {
    let alike = |reply: &&[u8]| {
        let mut same = Vec::new();
        follow(line, &mut &reply[..], &mut Names::new(), &mut same);
        same.len()
    };
    let candidates = reply.split_inclusive(|&byte| byte == b'\n').rev();
    candidates.max_by_key(alike).unwrap_or_default()
}
