//! Chapter 25: one of many fetches what is missing, old or about to expire; and keys of any bytes.

use super::ch23::says;
use super::client;
use crate::common::Connection;
use crate::peer::{Peer, Verdict, check, random_key};
use std::thread;

/// Many ask for what is not there: one has won, the others hear that somebody has, and what it stores is there for all.
pub fn ch25_one_of_the_herd_wins(peer: &Peer) -> Verdict {
    let key = random_key();
    let visit = || -> Result<Vec<u8>, String> {
        let mut connection = client(peer)?;
        connection.send(format!("mg {key} N30\r\n"));
        Ok(connection.receive("HD W\r\n".len()))
    };
    let answers: Result<Vec<_>, String> = thread::scope(|scope| {
        let visitors: Vec<_> = (0..50).map(|_| scope.spawn(visit)).collect();
        let join = |visitor: thread::ScopedJoinHandle<_>| visitor.join().expect("no panic");
        visitors.into_iter().map(join).collect()
    });
    let mut answers = answers?;
    answers.sort();
    let expected = [vec!["HD W"], vec!["HD Z"; 49]].concat().join("\r\n") + "\r\n";
    check(
        "mg KEY N30 by 50 clients, their answers sorted",
        expected.as_bytes(),
        &answers.concat(),
    )?;
    says(
        peer,
        &format!("ms {key} 4\r\npage\r\nmg {key} v N30\r\n"),
        "HD\r\nVA 4\r\npage\r\n",
    )
}

pub fn ch25_a_stale_page_is_served(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "ms {key} 3\r\nold\r\nmd {key} I\r\nmg {key} v\r\nmg {key} v\r\nmd {key} I\r\nmg {key}\r\nms {key} 3\r\nnew\r\nmg {key} v\r\nmd {key}x I\r\n"
        ),
        "HD\r\nHD\r\nVA 3 X W\r\nold\r\nVA 3 Z X\r\nold\r\nHD\r\nHD X W\r\nHD\r\nVA 3\r\nnew\r\nNF\r\n",
    )
}

pub fn ch25_a_late_page_is_stored_as_stale(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let mut ask =
        |sent: String, expected: &str| super::exchange(&mut connection, sent, expected.as_bytes());
    ask(
        format!("ms {key} 3\r\nold\r\nms {key} 3\r\nold\r\nmd {key} I\r\nms {key} 3 C1\r\nabc\r\n"),
        "HD\r\nHD\r\nHD\r\nEX\r\n",
    )?;
    ask(
        format!("ms {key} 3 C1 I\r\nabc\r\nmg {key} v\r\nmg {key} v\r\n"),
        "HD\r\nVA 3 X W\r\nabc\r\nVA 3 Z X\r\nabc\r\n",
    )?;
    ask(
        format!("ms {key} 3 C18446744073709551615 I\r\nxyz\r\nmg {key} v\r\n"),
        "EX\r\nVA 3 Z X\r\nabc\r\n",
    )
}

pub fn ch25_one_renews_it_early(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "ms {key} 3 T1000\r\nold\r\nmg {key} R30\r\nmg {key} v R2000\r\nmg {key} R2000\r\nms {key} 3 T0\r\nnew\r\nmg {key} R2000\r\n"
        ),
        "HD\r\nHD\r\nVA 3 W\r\nold\r\nHD Z\r\nHD\r\nHD\r\n",
    )
}

/// `AAEgDQpv` stands for the bytes 0, 1, a space, the two that end a line, and an `o`. With random digits behind them, in
/// whole groups of four, nobody else has this key.
pub fn ch25_any_bytes_are_a_key(peer: &Peer) -> Verdict {
    let random = random_key().replace("test-", "");
    let key = format!("AAEgDQpv{random}");
    let sent = format!(
        "ms {key} 2 b k\r\nhi\r\nmg {key} b k v\r\nma {key} b\r\nmg {key}\r\nmg {key}! b\r\n"
    );
    let expected = format!(
        "HD k{key} b\r\nVA 2 k{key} b\r\nhi\r\n{}\r\nEN\r\nCLIENT_ERROR error decoding key\r\n",
        "CLIENT_ERROR cannot increment or decrement non-numeric value"
    );
    says(peer, &sent, &expected)?;
    remembers(&mut client(peer)?)
}

/// A key that came as base64 goes back so to whoever asks, even when its value has been counted up.
fn remembers(connection: &mut Connection) -> Verdict {
    // Groups of three letters of the plain key are groups of four in base64.
    let random = random_key();
    let plain = format!("key{}", &random[random.len() - 6..]);
    let coded = encoded(plain.as_bytes());
    super::exchange(
        connection,
        format!("ms {coded} 1 b\r\n9\r\nma {coded} b v\r\nget {plain}\r\nmg {plain} k\r\n"),
        format!("HD\r\nVA 2\r\n10\r\nVALUE {plain} 0 2\r\n10\r\nEND\r\nHD k{coded} b\r\n")
            .as_bytes(),
    )
}

/// Base64 of whole groups of three bytes.
fn encoded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group
            .iter()
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}
