//! Chapter 24: the meta commands that change something.

use super::ch23::says;
use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};
use std::thread;

pub fn ch24_an_ms_takes_its_block_along(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "ms {key} 5 F7 O1 k\r\nhello\r\nms {key}x 1 T-1 q\r\nx\r\nmg {key} f v\r\nmg {key}x\r\n"
        ),
        &format!("HD O1 k{key}\r\nVA 5 f7\r\nhello\r\nEN\r\n"),
    )
}

pub fn ch24_a_refused_ms_swallows_its_block(peer: &Peer) -> Verdict {
    let key = random_key();
    let block = format!("delete {key}");
    let length = block.len();
    says(
        peer,
        &format!("ms {key} 4\r\nkeep\r\nms {key}x {length} s s\r\n{block}\r\nmg {key} v\r\n"),
        "HD\r\nCLIENT_ERROR duplicate flag\r\nVA 4\r\nkeep\r\n",
    )
}

pub fn ch24_a_mode_is_a_letter(peer: &Peer) -> Verdict {
    let key = random_key();
    let lines = [
        ("ms KEY 3 ME\r\none\r\n", "HD"),
        ("ms KEY 3 ME O1\r\ntwo\r\n", "NS O1"),
        ("ms KEY 1 MA\r\n!\r\n", "HD"),
        ("ms KEY 1 MP\r\n?\r\n", "HD"),
        ("ms KEYx 1 MR\r\nx\r\n", "NS"),
        ("ms KEYx 1 C99999999\r\nx\r\n", "NF"),
        ("ms KEY 1 C99999999\r\nx\r\n", "EX"),
        (
            "ms KEY 1 MX\r\nx\r\n",
            "CLIENT_ERROR invalid mode for ms M token",
        ),
        ("mg KEY v\r\n", "VA 5\r\n?one!"),
    ];
    let mut connection = client(peer)?;
    lines.iter().try_for_each(|(sent, reply)| {
        let sent = sent.replace("KEY", &key);
        exchange(&mut connection, sent, format!("{reply}\r\n").as_bytes())
    })
}

/// The cas unique that is told is the one that the item has.
pub fn ch24_an_append_can_be_compared(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let first = unique(&mut connection, &format!("ms {key} 1 c\r\na\r\n"))?;
    let sent = format!("ms {key} 1 MA C{first} c\r\nb\r\n");
    let second = unique(&mut connection, &sent)?;
    let expected = format!("EX\r\nHD c{second}\r\nHD\r\nVA 3\r\nabd\r\n");
    exchange(
        &mut connection,
        format!(
            "ms {key} 1 MP C{first}\r\nc\r\nmg {key} c\r\nms {key} 1 MA C0\r\nd\r\nmg {key} v\r\n"
        ),
        expected.as_bytes(),
    )
}

/// The number behind `HD c`.
fn unique(connection: &mut crate::common::Connection, sent: &str) -> Result<u64, String> {
    connection.send(sent);
    let mut got = Vec::new();
    while !got.ends_with(b"\n") {
        match connection.receive(1)[..] {
            [byte] => got.push(byte),
            _ => break,
        }
    }
    let got = String::from_utf8_lossy(&got);
    let number = got.trim_end().strip_prefix("HD c");
    number.and_then(|number| number.parse().ok()).ok_or(format!(
        "\n    sent: {sent:?}\nexpected: HD c and a number\n     got: {got:?}\n"
    ))
}

pub fn ch24_an_md_deletes_what_was_meant(peer: &Peer) -> Verdict {
    let key = random_key();
    says(
        peer,
        &format!(
            "ms {key} 1\r\nx\r\nmd {key} C99999999\r\nmg {key}\r\nmd {key} q\r\nmd {key} O1 k\r\n"
        ),
        &format!("HD\r\nEX\r\nHD\r\nNF O1 k{key}\r\n"),
    )
}

/// Many begin at once, and every one of them is counted.
pub fn ch24_a_counter_begins_by_itself(peer: &Peer) -> Verdict {
    let key = random_key();
    let visits = || -> Verdict {
        let sent = format!("ma {key} N0 J1\r\n").repeat(50);
        says(peer, &sent, &"HD\r\n".repeat(50))
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(visits)).collect();
        let mut clients = clients.into_iter();
        clients.try_for_each(|client| client.join().expect("no panic"))
    })?;
    says(
        peer,
        &format!("ma {key} v\r\nma {key} MD D5 v O1\r\nma {key}x\r\n"),
        "VA 3\r\n201\r\nVA 3 O1\r\n196\r\nNF\r\n",
    )
}
