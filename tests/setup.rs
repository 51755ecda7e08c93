//! `cargo run --example check-setup` on laptops where something is missing: the programs in `PATH` are made up.

mod common;

use common::{Server, free_address, project, scratch};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock};

/// Made-up programs, by name, each a script.
type Programs<'a> = &'a [(&'a str, &'a str)];

/// All that the chapters need. `nc` is not among them: ours, which the project gives, is put beside them.
const ALL: Programs = &[
    ("rustc", "echo 'rustc 1.88.0 (6b00bc388 2025-06-23)'"),
    ("memcached", "echo 'memcached 1.6.18'"),
    (
        "python3",
        "case $1 in --version) echo 'Python 3.10.0';; *) echo 4.0.0;; esac",
    ),
];

/// A script that a thread writes must not be open in a program that another thread starts meanwhile: the system would
/// refuse to run it. So nothing is started while this is locked for writing.
static SCRIPTS: RwLock<()> = RwLock::new(());

fn start(command: &mut Command) -> Child {
    let _nobody_writes = SCRIPTS.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn().expect("start a program")
}

fn server() -> Server {
    let _nobody_writes = SCRIPTS.read().unwrap_or_else(PoisonError::into_inner);
    Server::ours(&[])
}

/// An example in `tutorial/check-setup/`, built once.
fn built(name: &str, built: &'static OnceLock<PathBuf>) -> &'static Path {
    built.get_or_init(|| {
        let program = scratch(&format!("setup-{name}")).join("program");
        let source = project().join(format!("tutorial/check-setup/{name}.rs"));
        let mut rustc = Command::new("rustc");
        rustc
            .args(["--edition", "2024", "--crate-name", "program", "-o"])
            .args([&program, &source])
            .env("CARGO_PKG_RUST_VERSION", env!("CARGO_PKG_RUST_VERSION"));
        let status = start(&mut rustc).wait();
        assert!(status.is_ok_and(|status| status.success()), "{source:?}");
        program
    })
}

fn check_setup() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    built("main", &BUILT)
}

fn our_nc() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    built("nc", &BUILT)
}

/// A folder with these programs and nothing else, to be the whole `PATH`.
fn folder(name: &str, programs: Programs) -> PathBuf {
    let folder = scratch(&format!("setup-path-{name}"));
    let _nobody_starts = SCRIPTS.write().unwrap_or_else(PoisonError::into_inner);
    for (program, script) in programs {
        let file = folder.join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("write a script");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&file, executable).expect("make it a program");
    }
    folder
}

/// The same, with our `nc`.
fn folder_with_nc(name: &str, programs: Programs) -> PathBuf {
    let folder = folder(name, programs);
    symlink(our_nc(), folder.join("nc")).expect("link nc");
    folder
}

/// What it says about a laptop with this `PATH`, and its exit code.
fn run(path: &Path, port: u16) -> (String, Option<i32>) {
    let mut command = Command::new(check_setup());
    command
        .arg(port.to_string())
        .env("PATH", path)
        .stdout(Stdio::piped());
    let output = start(&mut command).wait_with_output().expect("its output");
    let said = String::from_utf8(output.stdout).expect("text");
    (said, output.status.code())
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    free_address().port()
}

fn missing(said: &str) -> Vec<&str> {
    let lines = said.lines();
    lines
        .filter_map(|line| line.strip_prefix("MISSING  "))
        .collect()
}

/// With everything but one thing there, exactly that is missing, and said with these words.
#[track_caller]
fn only(path: &Path, words: &str) {
    let (said, code) = run(path, free_port());
    let missing = missing(&said);
    assert!(
        missing.len() == 1 && missing[0].contains(words),
        "{words:?} and nothing else is missing, but it says\n{said}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn where_nothing_is_everything_is_missing_and_how_to_install_it_is_said() {
    let (said, code) = run(&folder("empty", &[]), free_port());
    let names = ["Rust", "nc", "memcached", "Python", "pymemcache"];
    let missing = missing(&said);
    assert_eq!(missing.len(), names.len(), "{said}");
    for (line, name) in missing.iter().zip(names) {
        assert!(line.starts_with(name), "{name} in\n{said}");
    }
    for line in [
        "Debian, Ubuntu: sudo apt-get install netcat-openbsd memcached python3 python3-venv",
        "Fedora: sudo dnf install nmap-ncat memcached python3",
        "a Mac: brew install memcached python",
    ] {
        assert!(said.lines().any(|said| said == line), "{line} in\n{said}");
    }
    assert!(said.lines().count() <= 12, "ten lines or so, not\n{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn where_everything_is_nothing_is_missing() {
    let (said, code) = run(&folder_with_nc("full", ALL), free_port());
    assert_eq!(missing(&said), Vec::<&str>::new());
    for found in [
        "Rust 1.88.0",
        "memcached 1.6.18",
        "Python 3.10.0",
        "pymemcache 4.0.0",
    ] {
        assert!(
            said.contains(&format!("ok       {found}\n")),
            "{found} in\n{said}"
        );
    }
    assert_eq!(code, Some(0), "{said}");
}

/// What is too old, or fails, or only has the right name, is as good as missing.
#[test]
fn what_does_not_work_is_missing() {
    let no_client = "case $1 in --version) echo 'Python 3.13.1';; *) exit 1;; esac";
    let old = "case $1 in --version) echo 'Python 3.9.18';; *) echo 4.0.0;; esac";
    for (number, (program, script, words)) in [
        (
            "rustc",
            "echo 'rustc 1.9.0 (abc 2016-05-24)'",
            "Rust 1.9.0 is too old",
        ),
        (
            "rustc",
            "echo 'rustc 1.88.0'; exit 1",
            "Rust, 1.88 or newer",
        ),
        ("python3", old, "Python 3.9.18 is too old"),
        ("python3", no_client, "pymemcache"),
        ("memcached", "echo hello", "memcached"),
    ]
    .into_iter()
    .enumerate()
    {
        let others = ALL.iter().copied().filter(|(name, _)| *name != program);
        let programs: Vec<_> = others.chain([(program, script)]).collect();
        only(
            &folder_with_nc(&format!("broken-{number}"), &programs),
            words,
        );
    }
}

/// It must bring an answer: not end before it comes, not shout itself, not wait for ever.
#[test]
fn an_nc_that_brings_no_answer_is_missing() {
    for (number, script) in ["exit 0", "echo hello", "exec /bin/sleep 600"]
        .iter()
        .enumerate()
    {
        let programs = [ALL, &[("nc", script)]].concat();
        only(
            &folder(&format!("nc-{number}"), &programs),
            "nc: yours does not bring a server's answer",
        );
    }
}

#[test]
fn a_known_system_is_told_its_own_line() {
    let (said, _) = run(&folder("fedora", &[("dnf", "")]), free_port());
    assert!(said.contains("\nFedora: "), "{said}");
    assert!(
        !said.contains("Debian") && !said.contains("a Mac:"),
        "{said}"
    );
}

#[test]
fn a_port_in_use_is_said_and_by_whom_if_it_is_a_memcached() {
    let path = folder_with_nc("ports", ALL);
    let said_of = |port: u16, words: &str| {
        let (said, code) = run(&path, port);
        let expected = format!("MISSING  port {port} is in use: {words}");
        assert!(
            said.lines().any(|line| line.starts_with(&expected)),
            "{expected} in\n{said}"
        );
        assert_eq!(code, Some(1));
    };
    said_of(server().address.port(), "a memcached answers there");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    said_of(port, "lsof");
    drop(silent);
    assert_eq!(run(&path, port).1, Some(0), "free again");
}

#[test]
fn a_word_that_is_no_port_is_refused() {
    let mut command = Command::new(check_setup());
    let status = start(command.arg("memcached")).wait();
    assert_eq!(status.expect("its end").code(), Some(2));
}

/// Ours is a client like any other: what comes slowly is waited for, and a port without a server ends it.
#[test]
fn our_nc_holds_a_conversation() {
    let server = server();
    let talk = |port: u16, said: &[u8]| {
        let mut command = Command::new(our_nc());
        command
            .args(["localhost", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut nc = start(&mut command);
        let mut stdin = nc.stdin.take().expect("stdin is piped");
        let _ = stdin.write_all(said);
        drop(stdin);
        let output = nc.wait_with_output().expect("what it prints");
        (output.stdout, output.status.code())
    };
    let said = b"set k 0 0 2\r\na\xff\r\nget k\r\nquit\r\n";
    let (answer, code) = talk(server.address.port(), said);
    assert_eq!(answer, b"STORED\r\nVALUE k 0 2\r\na\xff\r\nEND\r\n");
    assert_eq!(code, Some(0));
    assert_eq!(talk(free_port(), said), (Vec::new(), Some(1)));
}
