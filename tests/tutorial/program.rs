//! Plays the reader's first terminal: builds the program as it stands, runs it on a free port, reads what it prints.

use crate::common::process::eventually;
use crate::common::{PATIENCE, free_address};
use crate::terminal::Host;
use crate::tree::{self, Tree};
use crate::workshop::Workshop;
use std::io::{BufRead, BufReader, Write, pipe};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// The ports that chapters name, in programs and commands.
pub const PORTS: [u16; 3] = [9999, 11211, 11212];

/// A chapter's program, running; killed when dropped.
pub struct Program {
    pub address: SocketAddr,
    /// The port the reader believes it listens on.
    pub port: u16,
    child: Child,
    next: Option<String>,
    lines: Receiver<String>,
}

impl Program {
    /// Starts it as `cargo run -- ARGUMENTS` would; a program that ends at once is started all the same.
    pub fn start(
        workshop: &mut Workshop,
        tree: &Tree,
        arguments: &[&str],
    ) -> Result<Program, String> {
        for _ in 0..5 {
            let program = Program::start_once(workshop, tree, arguments)?;
            // Between asking for a free port and listening on it somebody else may have taken it.
            let taken = |line: &String| line.contains("in use");
            if !program.next.as_ref().is_some_and(taken) {
                return Ok(program);
            }
        }
        Err("the program finds its port in use, five times".into())
    }

    fn start_once(
        workshop: &mut Workshop,
        tree: &Tree,
        arguments: &[&str],
    ) -> Result<Program, String> {
        let (setup, arguments) = match arguments {
            [setup, rest @ ..] if setup.ends_with(';') => (*setup, rest),
            _ => ("", arguments),
        };
        let is_silent = arguments.contains(&">");
        let (arguments, shown) = shown(arguments);
        let address = free_address();
        let port = named_port(tree).ok_or("the program names neither 127.0.0.1:9999 nor :11211")?;
        let given = |port: &u16| {
            let port = port.to_string();
            let named = |word: &&str| word.ends_with(&port);
            arguments.iter().any(named)
        };
        let port = PORTS.into_iter().find(given).unwrap_or(port);
        let mut moved_arguments: Vec<String> = Vec::new();
        if has_options(tree) && !arguments.iter().any(|word| ["-l", "-p"].contains(word)) {
            moved_arguments.extend(["-p".into(), address.port().to_string()]);
        }
        moved_arguments.extend(arguments.iter().map(|text| moved_text(text, address)));
        let path = built_for(workshop, tree, address)?;
        let (reader, writer) = pipe().map_err(|error| error.to_string())?;
        let errors = writer.try_clone().map_err(|error| error.to_string())?;
        let mut probe = match shown {
            usize::MAX => None,
            _ => Some(writer.try_clone().map_err(|error| error.to_string())?),
        };
        // The shell takes off quotes, sends the output elsewhere, and then becomes the program.
        let script = format!("{setup} exec \"$0\" {}", moved_arguments.join(" "));
        let child = Command::new("sh")
            .args(["-c", &script])
            .arg(path)
            // A panic that tells its way takes seconds on a busy machine, and readers see none either.
            .env("RUST_BACKTRACE", "0")
            .stdout(writer)
            .stderr(errors)
            .spawn()
            .map_err(|error| error.to_string())?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(reader).lines();
            for left in (0..shown).rev() {
                let Some(Ok(line)) = lines.next() else {
                    return;
                };
                if left == 0 {
                    // Whoever hears the last line can count on it that nobody reads the next one. A process that
                    // another thread starts just now holds the reading end a moment longer, so the pipe is asked.
                    drop(lines);
                    let broken = || probe.as_mut().is_none_or(|pipe| pipe.write(b"\n").is_err());
                    eventually(broken);
                    let _ = sender.send(line);
                    return;
                }
                let _ = sender.send(line);
            }
        });
        let mut program = Program {
            address,
            port,
            child,
            next: None,
            lines,
        };
        match is_silent {
            true => program.await_start(),
            false => program.next = program.next_line(),
        }
        Ok(program)
    }

    pub fn host(&self) -> Host {
        Host {
            address: self.address,
            pid: self.child.id(),
        }
    }

    /// Until it serves, or has ended: one whose output goes elsewhere does not say so.
    fn await_start(&mut self) {
        let serves = || TcpStream::connect(self.address).is_ok();
        eventually(|| matches!(self.child.try_wait(), Ok(Some(_))) || serves());
    }

    /// The next line of its output, with the address the reader knows; none if it stays away.
    pub fn next_line(&mut self) -> Option<String> {
        let line = self
            .next
            .take()
            .or_else(|| self.lines.recv_timeout(PATIENCE).ok())?;
        let line = line.trim_end_matches('\r');
        let (port, known) = (self.address.port(), self.port);
        Some(line.replace(&format!(":{port}"), &format!(":{known}")))
    }

    /// Reads over the line that says where it listens; an error if that is not the first line.
    pub fn skip_greeting(&mut self) -> Result<(), String> {
        let line = self.next_line().unwrap_or_default();
        match line.starts_with("listening on ") {
            true => Ok(()),
            false => Err(format!(
                "the program first says `{line}`, not `listening on ADDRESS`"
            )),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stands in the source where an address does, as long as the one that takes its place in the program: so each program is
/// compiled once, however often and wherever it runs.
const SOMEWHERE: &str = "127.0.0.1:65535";

/// The program that listens there. `sed` writes it: a file that this process had open could not be run for a moment, while
/// another of its threads starts a program.
fn built_for(workshop: &Workshop, tree: &Tree, address: SocketAddr) -> Result<PathBuf, String> {
    let somewhere = SOMEWHERE.parse().expect("an address");
    let program = workshop.build(&moved(tree, somewhere), "main.rs")?;
    if has_options(tree) {
        return Ok(program);
    }
    let moved = workshop.folder.join(format!("program{}", address.port()));
    let script = format!("sed s/{SOMEWHERE}/{address}/g \"$0\" > \"$1\" && chmod +x \"$1\"");
    let mut shell = Command::new("sh");
    shell
        .env("LC_ALL", "C")
        .args(["-c", &script])
        .args([&program, &moved]);
    match shell.status() {
        Ok(status) if status.success() => Ok(moved),
        failed => Err(format!("cannot move {}: {failed:?}", program.display())),
    }
}

/// The words with which a program is started: those behind `cargo run --`, where its output goes, and before them, as one
/// word that ends in `;`, what the shell is told first in `(ulimit -Sn 64; cargo run)`. None, if nothing is started.
pub fn arguments(typed: &str) -> Option<Vec<String>> {
    let inside = typed
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let (before, behind) = inside.unwrap_or(typed).split_once("cargo run")?;
    let before = Some(before.trim()).filter(|before| !before.is_empty());
    if before.is_some_and(|before| !before.ends_with(';')) {
        return None;
    }
    let cargos = |word: &&str| ["--", "--release", "-q"].contains(word);
    let behind = behind.split_whitespace().filter(|word| !cargos(word));
    Some(before.into_iter().chain(behind).map(Into::into).collect())
}

/// The arguments before `2>&1 | head -n LINES`, and how many lines of its output are read until the pipe breaks.
pub fn shown<'a>(arguments: &'a [&'a str]) -> (&'a [&'a str], usize) {
    match arguments {
        [arguments @ .., "2>&1", "|", "head", "-n", lines] => {
            (arguments, lines.parse().unwrap_or(usize::MAX))
        }
        _ => (arguments, usize::MAX),
    }
}

fn named(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Whether the program reads memcached's options; where it listens is one of them, and no longer an address in its source.
fn has_options(tree: &Tree) -> bool {
    tree.contains_key("options.rs")
}

/// The port in the program's source.
pub fn named_port(tree: &Tree) -> Option<u16> {
    if has_options(tree) {
        return Some(11211);
    }
    let sources = || tree.iter().filter(|(file, _)| !file.starts_with("tests/"));
    let names = |port: u16| sources().any(|(_, lines)| tree::text(lines).contains(&named(port)));
    PORTS.into_iter().find(|port| names(*port))
}

fn moved_text(text: &str, address: SocketAddr) -> String {
    PORTS.iter().fold(text.to_string(), |text, port| {
        let text = match text == port.to_string() {
            true => address.port().to_string(), // the number behind `-p`
            false => text,
        };
        text.replace(&named(*port), &address.to_string())
    })
}

/// The same files, with another address in the place of those a chapter names.
pub fn moved(tree: &Tree, address: SocketAddr) -> Tree {
    let mut tree = tree.clone();
    for line in tree.values_mut().flatten() {
        line.text = moved_text(&line.text, address);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_started_with_what_the_shell_is_told() {
        for (typed, words) in [
            ("cargo run", &[][..]),
            ("cargo run --release -- -m 8", &["-m", "8"]),
            ("cargo run > /dev/full", &[">", "/dev/full"]),
            (
                "(ulimit -Sn 64; cargo run -- -v)",
                &["ulimit -Sn 64;", "-v"],
            ),
        ] {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            assert_eq!(arguments(typed), Some(words), "{typed}");
        }
        assert_eq!(arguments("cargo test"), None);
        assert_eq!(arguments("time cargo run"), None);
    }
}
