//! The servers that are compared, where they run, and the processor time they use.

use crate::common::Server;
use crate::script::{filling, key_space};
use crate::{floor, load};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, io, process};

/// A server under load.
pub struct Contestant {
    pub name: String,
    pub address: SocketAddr,
    /// It knows key 0 and no other.
    one_key: bool,
    /// None for a server that somebody else started.
    server: Option<Server>,
}

/// What all others are compared with.
pub const MEASURE: &str = "memcached -t 4";

/// All that can be asked for, in the order of the table.
pub const NAMES: [&str; 4] = ["mini-memcached", MEASURE, "memcached -t 1", "floor"];

/// More than the picture needs; the same for every server that has such a limit.
const ROOM: [&str; 2] = ["-c", "2048"];

impl Contestant {
    pub fn start(name: &str) -> Contestant {
        let server = match name {
            "memcached -t 4" => Server::memcached(&[&ROOM[..], &["-t", "4"]].concat()),
            "memcached -t 1" => Server::memcached(&[&ROOM[..], &["-t", "1"]].concat()),
            "floor" => Server::program(env::current_exe().expect("own path"), &[floor::ARGUMENT]),
            _ => Server::ours(&ROOM),
        };
        Contestant {
            name: name.into(),
            address: server.address,
            one_key: name == "floor",
            server: Some(server),
        }
    }

    /// A program of somebody's own, which takes memcached's options and says where it listens, as ours does.
    pub fn program(path: &Path) -> Contestant {
        let options = [&["-p", "0"], &ROOM[..]].concat();
        let server = Server::program(path, &options);
        Contestant {
            name: path.display().to_string(),
            address: server.address,
            one_key: false,
            server: Some(server),
        }
    }

    /// A server that is running already, here or elsewhere.
    pub fn at(address: SocketAddr) -> Contestant {
        Contestant {
            name: address.to_string(),
            address,
            one_key: false,
            server: None,
        }
    }

    pub fn keys(&self, bytes: usize) -> usize {
        if self.one_key { 1 } else { key_space(bytes) }
    }

    pub fn fill(&self, bytes: usize) -> io::Result<()> {
        load::fill(self.address, &filling(bytes, self.keys(bytes)))
    }

    /// The processor time its threads have used. Threads that have ended are not in it: take two readings while the
    /// connections are open.
    pub fn processor_time(&self) -> Option<Duration> {
        let process = self.server.as_ref()?.child.id();
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{process}/task")).ok()? {
            let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            nanoseconds += text.split(' ').next()?.parse::<u64>().ok()?;
        }
        Some(Duration::from_nanos(nanoseconds))
    }
}

/// Keeps this process, and every process it starts from now on, on one processor. False where that cannot be done.
pub fn pin(processor: &str) -> bool {
    Command::new("taskset")
        .args(["-a", "-c", "-p", processor, &process::id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What an installed memcached calls itself.
pub fn memcached_version() -> Option<String> {
    let output = Command::new("memcached").arg("-V").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().into())
}
