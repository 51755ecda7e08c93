//! Chapter 5: lines of bytes.

use super::{client, exchange};
use crate::peer::{Peer, Verdict, random_key};
use std::io::{ErrorKind, Read, Write};

pub fn ch05_a_key_need_not_be_text(peer: &Peer) -> Verdict {
    let name = [random_key().as_bytes(), b"\xff\xfe"].concat();
    let set = [b"set ", &name[..], b" 5 0 5\r\nhello\r\n"].concat();
    let get = [b"get ", &name[..], b"\r\n"].concat();
    let hit = [b"VALUE ", &name[..], b" 5 5\r\nhello\r\nEND\r\n"].concat();
    let mut connection = client(peer)?;
    exchange(&mut connection, set, b"STORED\r\n")?;
    exchange(&mut connection, get, &hit)
}

pub fn ch05_only_a_space_separates(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let set = format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(&mut connection, set, b"STORED\r\n")?;
    exchange(&mut connection, format!("get b\t{key}\r\n"), b"END\r\n")
}

pub fn ch05_a_line_without_an_end_is_hung_up_on(peer: &Peer) -> Verdict {
    let mut connection = client(peer)?;
    let _ = connection.stream.write_all(&[b'x'; 3000]);
    let reset = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionReset;
    match connection.stream.read(&mut [0; 100]) {
        Ok(0) => Ok(()),
        Ok(_) => Err("a line without an end was answered".into()),
        Err(error) if reset(&error) => Ok(()),
        Err(_) => Err("after 3000 bytes without the end of a line the server still waits".into()),
    }
}

pub fn ch05_a_get_may_ask_for_many_keys(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let set = format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(&mut connection, set, b"STORED\r\n")?;
    let hit = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    let get = format!("get {}{key}\r\n", "none ".repeat(4000));
    exchange(&mut connection, get, hit.as_bytes())
}

pub fn ch05_a_client_that_counts_wrong_is_told_so(peer: &Peer) -> Verdict {
    let key = random_key();
    let mut connection = client(peer)?;
    let set = format!("set {key} 5 0 5\r\nhello\r\n");
    exchange(&mut connection, set, b"STORED\r\n")?;
    let wrong = format!("set {key} 5 0 2\r\nlong\r\n");
    let told = b"CLIENT_ERROR bad data chunk\r\nERROR\r\n";
    exchange(&mut connection, wrong, told)?;
    let kept = format!("VALUE {key} 5 5\r\nhello\r\nEND\r\n");
    exchange(&mut connection, format!("get {key}\r\n"), kept.as_bytes())
}
