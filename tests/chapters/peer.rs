//! Who is asked: a chapter's own program, or whatever listens at `ADDR`.

use crate::common::process::eventually;
use crate::common::{ANY_PORT, Connection, PATIENCE, Server, free_address, project, scratch, show};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// Nothing, or what was sent, expected and got.
pub type Verdict = Result<(), String>;

pub struct Peer {
    pub address: String,
    /// A program of ours, which may be shown to break; somebody else's need not.
    pub own: Option<Server>,
    /// Somebody else's server is judged by one test at a time: some fill it, or throw out all that it has.
    _alone: Option<MutexGuard<'static, ()>>,
}

impl Peer {
    /// What listens at `ADDR` if that is set, else the chapter's own program.
    pub fn of(chapter: &str) -> Peer {
        Peer::with(chapter, &[])
    }

    /// The same; the chapter's own program is started with these options.
    pub fn with(chapter: &str, options: &[&str]) -> Peer {
        let Ok(address) = env::var("ADDR") else {
            say("ADDR is not set: judging our own program of each chapter, not yours");
            return match options {
                [] => Peer::own(chapter),
                _ => Peer::started(chapter, options),
            };
        };
        say(&format!("judging {address}"));
        static JUDGED: Mutex<()> = Mutex::new(());
        let alone = JUDGED.lock().unwrap_or_else(PoisonError::into_inner);
        Peer {
            _alone: Some(alone),
            ..Peer::at(address)
        }
    }

    pub fn at(address: String) -> Peer {
        Peer {
            address,
            own: None,
            _alone: None,
        }
    }

    /// The chapter's own program, freshly started on a free port. From chapter 14 on it reads options.
    pub fn own(chapter: &str) -> Peer {
        // From chapter 14 on the address is an option.
        let any_port = match chapter < "14" {
            true => &["127.0.0.1:0"][..],
            false => &ANY_PORT,
        };
        let mut server = Server::program(built(chapter), any_port);
        // A chapter that prints what it reads must not be stopped by a full pipe.
        let printed = server.stdout.take();
        thread::spawn(move || printed.map(|mut lines| io::copy(&mut lines, &mut io::sink())));
        Peer {
            address: server.address.to_string(),
            own: Some(server),
            _alone: None,
        }
    }

    /// The chapter's own program with these options. It may end at once, and then nobody listens.
    fn started(chapter: &str, options: &[&str]) -> Peer {
        let address = free_address();
        let port = address.port().to_string();
        let child = Command::new(built(chapter))
            .args(["-p", &port])
            .args(options)
            .stdout(Stdio::null())
            .spawn();
        let mut server = Server {
            address,
            child: child.expect("a program that starts"),
            stdout: None,
        };
        eventually(|| {
            let ended = matches!(server.child.try_wait(), Ok(Some(_)));
            ended || TcpStream::connect(address).is_ok()
        });
        Peer {
            address: address.to_string(),
            own: Some(server),
            _alone: None,
        }
    }

    pub fn connect(&self) -> Connection {
        Connection::to(&*self.address)
    }

    /// A connection, or why there is none: a server that does not accept soon lets its clients wait.
    pub fn try_connect(&self) -> Result<Connection, String> {
        let mut why = format!("{} is no address", self.address);
        for address in self.address.to_socket_addrs().into_iter().flatten() {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => return Ok(Connection { stream }),
                Err(error) => why = format!("cannot connect to {address}: {error}"),
            }
        }
        Err(why)
    }
}

/// Says once who is judged, past libtest, which keeps what passing tests print: green for the wrong server is worth nothing.
pub fn say(who: &str) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.iter().any(|known| known == who) {
        let _ = writeln!(io::stderr(), "{who}");
        said.push(who.to_string());
    }
}

/// Builds `tutorial/NN-…/main.rs`, once for all tests; chapter 25 ends with `src/`.
fn built(chapter: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, Arc<OnceLock<PathBuf>>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let program = Arc::clone(built.entry(chapter.to_string()).or_default());
    drop(built);
    program.get_or_init(|| build(chapter)).clone()
}

fn build(chapter: &str) -> PathBuf {
    let folders = fs::read_dir(project().join("tutorial")).expect("the folder tutorial");
    let own = |name: &str| name.starts_with(&format!("{chapter}-"));
    let source = folders
        .flatten()
        .filter(|entry| own(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path().join("main.rs"))
        .find(|path| path.exists())
        .or((chapter == "25").then(|| project().join("src/main.rs")))
        .unwrap_or_else(|| panic!("there is no tutorial/{chapter}-…/main.rs"));
    let program = scratch(&format!("chapter-{chapter}")).join("program");
    let rustc = Command::new("rustc")
        .args(["--edition", "2024", "-C", "debuginfo=0"])
        .args(["--crate-name", "program", "-o"])
        .args([&program, &source])
        .env("CARGO_PKG_VERSION", env!("CARGO_PKG_VERSION"))
        .status();
    assert!(
        rustc.is_ok_and(|status| status.success()),
        "{source:?} does not compile"
    );
    program
}

/// A key nobody else uses.
pub fn random_key() -> String {
    format!("test-{:016x}", RandomState::new().build_hasher().finish())
}

pub fn check(sent: impl AsRef<[u8]>, expected: &[u8], got: &[u8]) -> Verdict {
    if got == expected {
        return Ok(());
    }
    let (sent, expected, got) = (show(sent.as_ref()), show(expected), show(got));
    Err(format!(
        "\n    sent: {sent}\nexpected: {expected}\n     got: {got}\n"
    ))
}
