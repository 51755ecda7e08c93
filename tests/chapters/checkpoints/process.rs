//! What is seen of a server beside its replies: what its `stats` tells, and what Linux tells of its process, which must run
//! on this machine.

use crate::common::Connection;
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::process::Command;

/// What `stats` tells in whole numbers, by name; nothing, if it is no command yet.
pub fn stats(connection: &mut Connection) -> Result<HashMap<String, u64>, String> {
    let _ = connection.stream.write_all(b"stats\r\n");
    let mut got = Vec::new();
    while !got.ends_with(b"END\r\n") && !got.ends_with(b"ERROR\r\n") {
        match connection.receive(1) {
            byte if byte.is_empty() => return Err("`stats` is not answered to its END".into()),
            byte => got.extend(byte),
        }
    }
    let text = String::from_utf8_lossy(&got);
    let number = |line: &str| {
        let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
        Some((name.to_string(), value.parse().ok()?))
    };
    Ok(text.lines().filter_map(number).collect())
}

pub fn stat(connection: &mut Connection, name: &str) -> Result<u64, String> {
    let number = stats(connection)?.get(name).copied();
    number.ok_or(format!("`stats` tells no {name}"))
}

/// The resident memory of the server, in bytes.
pub fn resident(connection: &mut Connection) -> Result<u64, String> {
    let pid = stat(connection, "pid")?;
    let asked = |_| {
        let pid = pid.to_string();
        let ps = Command::new("ps").args(["-o", "rss=", "-p", &pid]).output();
        let size = ps.map_or(Vec::new(), |ps| ps.stdout);
        let kilobytes = String::from_utf8_lossy(&size).trim().parse();
        kilobytes.map_err(|_| format!("process {pid} is not on this machine"))
    };
    status(pid, "VmRSS:")
        .or_else(asked)
        .map(|size: u64| size * 1024)
}

/// A size that /proc tells of a process under this name, in kilobytes.
pub fn status(pid: u64, name: &str) -> Result<u64, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let size = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = size.and_then(|size| size.split_whitespace().next()?.parse().ok());
    kilobytes.ok_or(format!("no /proc here tells {name} of process {pid}"))
}

/// The process that listens at an address, before it has `stats` to tell.
pub fn listener(address: &str) -> Result<u64, String> {
    let addresses = address.to_socket_addrs();
    let first = addresses.ok().and_then(|mut all| all.next());
    let port = first.ok_or(format!("{address} is no address"))?.port();
    let port = format!(":{port:04X}");
    let listening = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = words.get(1)?.ends_with(&port) && words.get(3) == Some(&"0A");
        own.then(|| format!("socket:[{}]", words.get(9).unwrap_or(&"")))
    };
    let table = |file| fs::read_to_string(file).unwrap_or_default();
    let tables = table("/proc/net/tcp") + &table("/proc/net/tcp6");
    let sockets: Vec<String> = tables.lines().filter_map(listening).collect();
    let holds = |folder: &PathBuf| {
        let handles = fs::read_dir(folder.join("fd")).into_iter().flatten();
        let mut links = handles
            .flatten()
            .filter_map(|handle| fs::read_link(handle.path()).ok());
        links.any(|link| sockets.iter().any(|socket| link.as_os_str() == &**socket))
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut processes = processes.map(|entry| entry.path());
    let folder = processes.find(holds);
    let pid = folder.and_then(|folder| folder.file_name()?.to_str()?.parse().ok());
    pid.ok_or("only Linux tells which process listens, and only on the same machine".to_string())
}
