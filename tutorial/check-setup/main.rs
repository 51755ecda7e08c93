//! What this laptop has of all that chapters 1 to 4 need, what is missing, and how to get it.
//!
//! `cargo run --example check-setup` prints a line for each thing, and its exit code is 0 if nothing is missing. A program
//! is not only looked for: it must say its version, and `nc` must bring the answer of a server, because there are several
//! programs of that name. Ports behind `--` are looked at in the place of those that the chapters use.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fmt, io, thread};

/// Chapters 1 to 3 listen on the first; a memcached, real or ours, on the second; both side by side need the third.
const PORTS: [u16; 3] = [9999, 11211, 11212];

/// The oldest Rust that builds this project, as `Cargo.toml` says it, and the oldest Python with a `match`.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");
const PYTHON: &str = "3.10";

/// How long a program or a server may take for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a system's own program is called, and how it is told to install something.
const SYSTEMS: [(&str, &str, &str); 3] = [
    ("apt-get", "Debian, Ubuntu", "sudo apt-get install"),
    ("dnf", "Fedora", "sudo dnf install"),
    ("brew", "a Mac", "brew install"),
];

/// The names of a package on each of [`SYSTEMS`]; empty where nothing is to be installed.
type Packages = [&'static str; 3];

const NO_PACKAGES: Packages = [""; 3];

/// One thing that the chapters need: what was found of it, or what is wrong and which packages mend that.
struct Check {
    found: Result<String, String>,
    packages: Packages,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.found {
            Ok(found) => write!(f, "ok       {found}"),
            Err(wrong) => write!(f, "MISSING  {wrong}"),
        }
    }
}

fn main() -> ExitCode {
    let Some(ports) = ports() else {
        eprintln!("usage: check-setup [PORT]...");
        return ExitCode::from(2);
    };
    let mut checks = vec![rust(), nc(), memcached(), python(), pymemcache()];
    checks.extend(ports.into_iter().map(port));
    for check in &checks {
        println!("{check}");
    }
    let missing: Vec<Check> = checks
        .into_iter()
        .filter(|one| one.found.is_err())
        .collect();
    println!();
    if missing.is_empty() {
        println!("All that chapters 1 to 4 need is here.");
        return ExitCode::SUCCESS;
    }
    for line in installations(&missing) {
        println!("{line}");
    }
    println!("Then run this again.");
    ExitCode::FAILURE
}

/// The ports of the command line, or those of the chapters; nothing if a word is no port.
fn ports() -> Option<Vec<u16>> {
    let words = env::args().skip(1);
    let ports: Vec<u16> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    Some(if ports.is_empty() {
        PORTS.to_vec()
    } else {
        ports
    })
}

/// A line for each system: this one's if its own program is found, all of them if none is.
fn installations(missing: &[Check]) -> Vec<String> {
    let known = SYSTEMS.iter().any(|(program, ..)| is_in_path(program));
    let systems = SYSTEMS.iter().enumerate();
    let here = systems.filter(|(_, (program, ..))| !known || is_in_path(program));
    let line = |(number, (_, system, install)): (usize, &(_, &str, &str))| {
        let packages = missing.iter().map(|check| check.packages[number]);
        let packages: Vec<&str> = packages.filter(|name| !name.is_empty()).collect();
        (!packages.is_empty()).then(|| format!("{system}: {install} {}", packages.join(" ")))
    };
    here.filter_map(line).collect()
}

fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn rust() -> Check {
    let found = at_least(RUST, "Rust", ask("rustc", &["--version"]));
    Check {
        found: found.map_err(|wrong| wrong + ": rustup update, or https://www.rust-lang.org"),
        packages: NO_PACKAGES,
    }
}

fn python() -> Check {
    Check {
        found: at_least(PYTHON, "Python", ask("python3", &["--version"])),
        packages: ["python3", "python3", "python"],
    }
}

fn memcached() -> Check {
    let version = ask("memcached", &["-V"]).and_then(|said| version(&said));
    Check {
        found: version
            .map(|version| format!("memcached {version}"))
            .ok_or("memcached: no program of this name tells its version".to_string()),
        packages: ["memcached"; 3],
    }
}

/// Python's client. Debian's Python cannot make a `venv` for it without one package more.
fn pymemcache() -> Check {
    let script = "import pymemcache; print(pymemcache.__version__)";
    let version = ask("python3", &["-c", script]).and_then(|said| version(&said));
    let wrong = "pymemcache: python3 -m venv venv && . venv/bin/activate && pip install pymemcache";
    Check {
        found: version
            .map(|version| format!("pymemcache {version}"))
            .ok_or(wrong.to_string()),
        packages: ["python3-venv", "", ""],
    }
}

/// What a program prints; nothing if there is none, or if it fails.
fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(said)
}

/// The first word that begins with a digit: programs put their names before it, and dates behind.
fn version(said: &str) -> Option<String> {
    let mut words = said.split_whitespace();
    let version = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(version.to_string())
}

fn at_least(oldest: &str, name: &str, said: Option<String>) -> Result<String, String> {
    match said.and_then(|said| version(&said)) {
        None => Err(format!("{name}, {oldest} or newer")),
        Some(found) if numbers(&found) < numbers(oldest) => Err(format!(
            "{name} {found} is too old, {oldest} or newer is needed"
        )),
        Some(found) => Ok(format!("{name} {found}")),
    }
}

/// As text, 1.9 would be newer than 1.88.
fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|letter: char| !letter.is_ascii_digit());
    parts.map_while(|part| part.parse().ok()).collect()
}

fn nc() -> Check {
    let own = "(cargo build --example nc makes one, in target/debug/examples)";
    let found = match brought_by_nc() {
        Ok(answer) if answer == b"HELLO\n" => Ok("nc brings a server's answer".to_string()),
        Ok(_) => Err(format!("nc: yours does not bring a server's answer {own}")),
        Err(_) => Err(format!("nc: no program of this name starts {own}")),
    };
    Check {
        found,
        packages: ["netcat-openbsd", "nmap-ncat", ""],
    }
}

/// What `nc` prints when it carries a word to a server of ours.
fn brought_by_nc() -> io::Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    // If nobody comes it waits until the program ends.
    thread::spawn(move || answer_one(&listener));
    let mut command = Command::new("nc");
    command.args(["localhost", &port]).stderr(Stdio::null());
    let mut nc = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = nc.stdin.take() {
        // An `nc` that ends before it has read is found by what it does not print.
        let _ = stdin.write_all(b"hello\n");
    }
    let answer = printed(&mut nc);
    let _ = nc.kill();
    let _ = nc.wait();
    Ok(answer)
}

/// All that a program prints until it ends, or nothing if that takes too long.
fn printed(program: &mut Child) -> Vec<u8> {
    let Some(mut stdout) = program.stdout.take() else {
        return Vec::new();
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes);
        sender.send(read.map(|_| bytes).unwrap_or_default())
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_default()
}

/// Shouts a line back at the first client, late enough to find out an `nc` that does not wait for it.
fn answer_one(listener: &TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    thread::sleep(Duration::from_millis(300));
    stream.write_all(line.to_uppercase().as_bytes())
}

fn port(port: u16) -> Check {
    let found = match listens(port) {
        None => Ok(format!("port {port} is free")),
        Some(who) => Err(format!("port {port} is in use: {who}")),
    };
    Check {
        found,
        packages: NO_PACKAGES,
    }
}

/// Who listens on a port of this machine, if anybody. Both names of `localhost` are asked, since `nc` takes the first that
/// answers; and asked first, because some systems let two programs listen on one port.
fn listens(port: u16) -> Option<String> {
    let addresses = [format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    let mut addresses = addresses.iter().filter_map(|address| address.parse().ok());
    let connected = |address: SocketAddr| TcpStream::connect_timeout(&address, PATIENCE).ok();
    if let Some(stream) = addresses.find_map(connected) {
        return Some(match says_a_version(&stream) {
            true => "a memcached answers there. End it: sudo systemctl stop memcached \
                     (a Mac: brew services stop memcached)"
                .to_string(),
            false => format!("lsof -i :{port} says by whom"),
        });
    }
    let refused = TcpListener::bind(("127.0.0.1", port)).err()?;
    Some(match refused.kind() {
        ErrorKind::AddrInUse => format!("lsof -i :{port} says by whom"),
        _ => refused.to_string(),
    })
}

fn says_a_version(mut stream: &TcpStream) -> bool {
    let mut start = [0; 8];
    let asked = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.write_all(b"version\r\n"))
        .and_then(|()| stream.read_exact(&mut start));
    asked.is_ok() && &start == b"VERSION "
}
