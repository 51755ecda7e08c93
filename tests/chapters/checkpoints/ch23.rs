//! Chapter 23: the meta command that gets, and what it says where, to what, and when not.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};

/// What is sent has exactly this reply.
pub(crate) fn says(peer: &Peer, sent: &str, expected: &str) -> Verdict {
    exchange(&mut client(peer)?, sent, expected.as_bytes())
}

pub fn ch23_an_item_tells_what_it_is(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "set {key} 7 0 5\r\nhello\r\nmg {key}\r\nmg {key} s t f\r\nmg {key} f s\r\nmg {key}x s\r\n"
        ),
        "STORED\r\nHD\r\nHD s5 t-1 f7\r\nHD f7 s5\r\nEN\r\n",
    )
}

/// A value that is no text, and one that is long.
pub fn ch23_a_value_follows_its_line(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let values = [b"\xff\x00\r\n".to_vec(), vec![b'x'; 300_000]];
    for value in values {
        let length = value.len();
        let set = format!("set {key} 0 0 {length}\r\n").into_bytes();
        let sent = [&set, &value[..], b"\r\n"].concat();
        exchange(&mut connection, sent, b"STORED\r\n")?;
        let line = format!("VA {length} s{length}\r\n").into_bytes();
        let expected = [&line, &value[..], b"\r\n"].concat();
        exchange(&mut connection, format!("mg {key} v s\r\n"), &expected)?;
    }
    Ok(())
}

pub fn ch23_every_answer_says_whose_it_is(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "set {key} 0 0 1\r\nx\r\nmg {key}x v O1\r\nmg {key} v Otwo k\r\nmg {key}x k O3 s\r\n"
        ),
        &format!("STORED\r\nEN O1\r\nVA 1 Otwo k{key}\r\nx\r\nEN k{key}x O3\r\n"),
    )
}

pub fn ch23_a_quiet_miss_is_silent(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "set {key} 0 0 1\r\nx\r\nmg {key}a v q\r\nmg {key} v q\r\nmg {key}b q k O1\r\nmn\r\n"
        ),
        "STORED\r\nVA 1\r\nx\r\nMN\r\n",
    )
}

pub fn ch23_a_look_is_answered_before_it_counts(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "set {key} 0 0 1\r\nx\r\nmg {key} u h\r\nmg {key} h\r\nmg {key} h t T100\r\nmg {key} T200 t\r\n"
        ),
        "STORED\r\nHD h0\r\nHD h0\r\nHD h1 t-1\r\nHD t200\r\n",
    )
}

pub fn ch23_a_wrong_letter_is_told_so(peer: &Peer) -> Verdict {
    let (key, mark) = (random_key(), "m".repeat(32));
    for (flags, expected) in [
        ("s s", "CLIENT_ERROR duplicate flag\r\n"),
        ("s Y", "CLIENT_ERROR invalid flag\r\n"),
        (
            "Tsoon s",
            "CLIENT_ERROR bad token in command line format\r\n",
        ),
        (
            &format!("O{mark}"),
            "CLIENT_ERROR opaque token too long\r\n",
        ),
        ("s t O7", "HD s1 t-1 O7\r\n"),
    ] {
        says(
            peer,
            &format!("set {key} 0 0 1\r\nx\r\nmg {key} {flags}\r\n"),
            &format!("STORED\r\n{expected}"),
        )?;
    }
    Ok(())
}
