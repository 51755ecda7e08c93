//! Conversations as data: every file of `tests/transcripts/` is held with our server and, but for the few
//! exchanges that are marked with a reason, with a real memcached.
//! How the files are to be read is told in `transcripts/notation.rs`.
//! `FILE=incr cargo test --test transcripts` holds only the files whose name contains `incr`.

mod common;
#[path = "transcripts/matching.rs"]
mod matching;
#[path = "transcripts/notation.rs"]
mod notation;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Server, project, show};
use matching::{Names, follow, named, pick};
use notation::{Exchange, Line, Piece, Placed, Section, Step, parse, pieces};

/// How long to wait for more once a reply was found wrong: what came late belongs into the report.
const AFTERMATH: Duration = Duration::from_millis(200);

#[test]
fn transcripts_hold_here() {
    hold_all(&ours, true);
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn transcripts_hold_for_memcached() {
    hold_all(&memcached, false);
}

#[test]
fn a_wrong_a_missing_and_a_superfluous_reply_are_found() {
    for wrong in [
        "> quit\n< OK",
        "> get a\n< ENDE",
        "> get a\n< END\n< END",
        "> get a\n<closed",
        "> get a\n<~ STAT a",
        "> get a",
        "> get a\n> get b\n< END",
        "> get a\n< END {n}",
    ] {
        let failures = hold(Path::new("wrong.txt"), wrong, &ours, true);
        assert!(!failures.is_empty(), "nobody noticed: {wrong}");
    }
}

/// What starts the server of a section.
type Start = dyn Fn(&Section) -> Server + Sync;

fn ours(section: &Section) -> Server {
    let options: Vec<&str> = section.options.iter().map(String::as_str).collect();
    Server::ours(&options)
}

fn memcached(section: &Section) -> Server {
    let options = section.options.iter().chain(&section.memcached_options);
    let options: Vec<&str> = options.map(String::as_str).collect();
    Server::memcached(&options)
}

/// Holds every conversation, all files at once, and panics with whatever went otherwise; `marked` exchanges are optional.
fn hold_all(start: &Start, marked: bool) {
    let files = files();
    assert!(!files.is_empty(), "no transcript to hold");
    let failures: Vec<String> = thread::scope(|scope| {
        let conversations: Vec<_> = files
            .iter()
            .map(|path| {
                let conversation = scope.spawn(move || {
                    let text = fs::read_to_string(path).expect("a transcript in UTF-8");
                    hold(path, &text, start, marked)
                });
                (path, conversation)
            })
            .collect();
        conversations
            .into_iter()
            .flat_map(|(path, conversation)| {
                let broken_off = |_| vec![format!("{}: broken off, see above", path.display())];
                conversation.join().unwrap_or_else(broken_off)
            })
            .collect()
    });
    assert!(
        failures.is_empty(),
        "\n{}\n{} failures",
        failures.join("\n"),
        failures.len()
    );
}

fn files() -> Vec<PathBuf> {
    let only = std::env::var("FILE").unwrap_or_default();
    let mut files: Vec<PathBuf> = fs::read_dir(project().join("tests/transcripts"))
        .expect("the folder of transcripts")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .filter(|path| path.to_string_lossy().contains(&only))
        .collect();
    files.sort();
    files
}

/// Holds the conversations of one file, each section with a server of its own; returns what went otherwise.
fn hold(path: &Path, text: &str, start: &Start, marked: bool) -> Vec<String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut failures = Vec::new();
    for section in parse(&name, text) {
        let mut talk = Talk::with(start(&section));
        for exchange in section
            .exchanges
            .iter()
            .filter(|exchange| marked || !exchange.marked)
        {
            talk.hold(exchange);
        }
        talk.nothing_is_left();
        failures.extend(talk.failures.iter().map(|text| format!("{name}:{text}")));
    }
    failures
}

/// A conversation under way: the server, the connections to it, the numbers that have got a name.
struct Talk {
    server: Server,
    connections: HashMap<char, BufReader<TcpStream>>,
    names: Names,
    sent: Vec<u8>,
    /// The reply that lines are picked from.
    listing: Vec<u8>,
    failures: Vec<String>,
}

impl Talk {
    fn with(server: Server) -> Talk {
        Talk {
            server,
            connections: HashMap::new(),
            names: Names::new(),
            sent: Vec::new(),
            listing: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Sends what is to be sent, in as few writes as possible, and compares what comes back. Behind a difference
    /// nothing is in step any more, unless it is only a line missing in a list.
    fn hold(&mut self, exchange: &Exchange) {
        let mut unsent: Vec<u8> = Vec::new();
        self.sent.clear();
        self.listing.clear();
        for (index, placed) in exchange.steps.iter().enumerate() {
            if let Step::Send(line) = &placed.step {
                unsent.extend(self.bytes(line));
                let next = exchange.steps.get(index + 1);
                if !next.is_some_and(|next| {
                    matches!(next.step, Step::Send(_)) && next.connection == placed.connection
                }) {
                    self.send(placed.connection, std::mem::take(&mut unsent));
                }
            } else if let Err(got) = self.answer(placed) {
                self.report(placed, got);
                if self.listing.is_empty() {
                    return;
                }
            }
        }
    }

    fn send(&mut self, connection: char, bytes: Vec<u8>) {
        // A server that has closed is noticed where the reply is missing.
        let _ = self.connection(connection).get_mut().write_all(&bytes);
        self.sent.extend(bytes);
    }

    /// Reads what this step expects, or returns what came instead.
    fn answer(&mut self, placed: &Placed) -> Result<(), Vec<u8>> {
        let mut got = Vec::new();
        let mut names = std::mem::take(&mut self.names);
        let mut listing = std::mem::take(&mut self.listing);
        let reader = self.connection(placed.connection);
        let right = match &placed.step {
            Step::Expect(line) => follow(line, reader, &mut names, &mut got),
            Step::Pick(line) => pick(line, reader, &mut names, &mut listing, &mut got),
            Step::Closed => is_closed(reader),
            Step::Wait(seconds) => wait(&self.server, *seconds),
            Step::Send(_) => true,
        };
        self.names = names;
        self.listing = listing;
        if matches!(placed.step, Step::Closed) && right {
            self.connections.remove(&placed.connection);
        }
        if right { Ok(()) } else { Err(got) }
    }

    /// Notes the difference, and reads on until the server falls silent, so that the next exchange may still be in step.
    fn report(&mut self, placed: &Placed, mut got: Vec<u8>) {
        let in_step = !self.listing.is_empty();
        let reader = self.connection(placed.connection);
        let _ = reader.get_ref().set_read_timeout(Some(AFTERMATH));
        let ended = !in_step && reader.read_to_end(&mut got).is_ok();
        if ended {
            self.connections.remove(&placed.connection);
        }
        self.failures.push(format!(
            "{}\n    sent: {}\nexpected: {}\n     got: {}{}\n",
            placed.number,
            show(&self.sent),
            placed.text,
            show(&got),
            if ended { " and closed" } else { "" }
        ));
    }

    /// Ends the conversation from our side: whatever still comes was not in the transcript.
    fn nothing_is_left(&mut self) {
        for (connection, mut reader) in std::mem::take(&mut self.connections) {
            let _ = reader.get_ref().shutdown(Shutdown::Write);
            let mut rest = Vec::new();
            let _ = reader.read_to_end(&mut rest);
            if !rest.is_empty() {
                self.failures.push(format!(
                    "end\nleft over on connection {connection}: {}\n",
                    show(&rest)
                ));
            }
        }
    }

    fn connection(&mut self, connection: char) -> &mut BufReader<TcpStream> {
        self.connections.entry(connection).or_insert_with(|| {
            let stream = self.server.connect().stream;
            if !self.failures.is_empty() {
                let _ = stream.set_read_timeout(Some(AFTERMATH));
            }
            BufReader::new(stream)
        })
    }

    /// The bytes of a line to be sent.
    fn bytes(&self, line: &Line) -> Vec<u8> {
        line.iter()
            .flat_map(|piece| match piece {
                Piece::Bytes(bytes) => bytes.clone(),
                Piece::Named(name, more) => named(name, *more, &self.names).into_bytes(),
                _ => unreachable!("parse() lets no pattern into a line that is sent"),
            })
            .collect()
    }
}

fn is_closed(reader: &mut BufReader<TcpStream>) -> bool {
    match reader.fill_buf() {
        Ok(buffer) => buffer.is_empty(),
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Waits for the server's clock, whose ticks are all that its expiry knows of time.
fn wait(server: &Server, seconds: u64) -> bool {
    let mut connection = BufReader::new(server.connect().stream);
    let start = server_time(&mut connection);
    let deadline = Instant::now() + PATIENCE + Duration::from_secs(seconds);
    while Instant::now() < deadline {
        if server_time(&mut connection) >= start.map(|start| start + i128::from(seconds)) {
            return start.is_some();
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn server_time(connection: &mut BufReader<TcpStream>) -> Option<i128> {
    let mut names = Names::new();
    let line = pieces("STAT time {time}", false).ok()?;
    connection.get_mut().write_all(b"stats\r\n").ok()?;
    let (mut listing, mut got) = (Vec::new(), Vec::new());
    pick(&line, connection, &mut names, &mut listing, &mut got);
    names.remove("time")
}
