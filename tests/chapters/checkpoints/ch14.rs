//! Chapter 14: a server listens to its command line, and refuses one that makes no sense.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};

/// What memcached adds to a key and a value before it compares them with the largest size.
const HEADER: usize = 59;

/// Checks of a server that was started with options of its own.
pub const OPTIONS: &[(&str, &[&str])] = &[
    ("ch14_a_wrong_value_starts_no_server", &["-m", "1g"]),
    (
        "ch14_a_line_of_a_service_file_is_understood",
        &["-m64", "-u", "nobody", "--threads=4"],
    ),
    (
        "ch14_the_first_of_two_addresses_is_served",
        &["-l", "127.0.0.1", "-l", "127.0.0.2"],
    ),
];

/// Somebody listens there, and understands a `get`.
fn serves(peer: &Peer) -> Verdict {
    exchange(&mut client(peer)?, "get none\r\n", b"END\r\n")
}

pub fn ch14_the_port_is_an_option(peer: &Peer) -> Verdict {
    serves(peer)
}

/// Of a server that was told `-m 1g` and ended there is nothing to be seen.
pub fn ch14_a_wrong_value_starts_no_server(peer: &Peer) -> Verdict {
    match client(peer) {
        Ok(_) => Err(format!("somebody listens at {}", peer.address)),
        Err(_) => Ok(()),
    }
}

pub fn ch14_a_line_of_a_service_file_is_understood(peer: &Peer) -> Verdict {
    serves(peer)
}

pub fn ch14_an_item_is_more_than_its_value(peer: &Peer) -> Verdict {
    let key = random_key();
    let longest = 1024 * 1024 - HEADER - key.len();
    let set = |length: usize| {
        let value = "x".repeat(length);
        format!("set {key} 5 0 {length}\r\n{value}\r\n")
    };
    let mut connection = client(peer)?;
    exchange(&mut connection, set(longest), b"STORED\r\n")?;
    let refused = b"SERVER_ERROR object too large for cache\r\n";
    exchange(&mut connection, set(longest + 1), refused)
}

pub fn ch14_the_first_of_two_addresses_is_served(peer: &Peer) -> Verdict {
    serves(peer)
}

/// Its stdout takes nothing: it was started `> /dev/full`.
pub fn ch14_nobody_need_take_what_it_says(peer: &Peer) -> Verdict {
    serves(peer)
}
