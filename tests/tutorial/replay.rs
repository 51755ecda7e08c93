//! Replays the sessions of a chapter in their order, against its program and against a real memcached.

use crate::common::Server;
use crate::program::{self, PORTS, Program};
use crate::prose::{Against, Block, Colour, Fault, Kind, Mode, Session};
use crate::session::{self, Command};
use crate::steps::{Chapter, Exercise};
use crate::terminal::{self, Host};
use crate::tree::{self, Tree};
use crate::workshop::Workshop;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process;

/// Where a memcached listens that is alone, and where it does while a program of ours has that port.
const MEMCACHED: u16 = 11211;
const BESIDE_OURS: u16 = 11212;

/// The script that is a server, and where it listens.
const SERVER: &str = "server.py";
const PYTHON: u16 = 9999;

/// Which server the sessions meet.
#[derive(Clone, Copy, PartialEq)]
pub enum Peer {
    Program,
    Memcached,
}

/// The reader's desk: the server that runs, and the Python files saved so far, which stay from chapter to chapter.
pub struct Desk<'a> {
    peer: Peer,
    /// Whether Python and pymemcache are there; without them their sessions are left out.
    python: bool,
    workshop: &'a mut Workshop,
    program: Option<Program>,
    memcached: Option<Server>,
    python_server: Option<Server>,
    scripts: Vec<(String, String)>,
    /// What the program was started with, and memcached is, too, where it knows such options.
    arguments: Vec<String>,
    /// A Python session was left out: what the program has printed since cannot be as shown.
    left_out: bool,
}

impl<'a> Desk<'a> {
    pub fn new(workshop: &'a mut Workshop, peer: Peer, python: bool) -> Desk<'a> {
        Desk {
            peer,
            python,
            workshop,
            program: None,
            memcached: None,
            python_server: None,
            scripts: Vec::new(),
            arguments: Vec::new(),
            left_out: false,
        }
    }

    /// All sessions of the chapter that concern this peer, the exercises' apart.
    pub fn chapter(&mut self, chapter: &Chapter) -> Vec<Fault> {
        self.stop();
        let mut faults = Vec::new();
        for step in &chapter.steps {
            match &step.block.kind {
                Kind::Code(_) => self.stop(),
                Kind::Python(script) => self.save(&script.file, &step.block),
                Kind::Session(words) => {
                    faults.extend(self.session(*words, &step.block, &step.tree));
                }
                Kind::Illustration | Kind::Quote(_) | Kind::Unchecked => {}
            }
        }
        faults
    }

    /// A chapter that the reader has behind them: its scripts are there.
    pub fn remember(&mut self, chapter: &Chapter) {
        for step in &chapter.steps {
            if let Kind::Python(script) = &step.block.kind {
                self.save(&script.file, &step.block);
            }
        }
    }

    /// An exercise's checks, on a program of their own.
    pub fn exercise(&mut self, exercise: &Exercise, tree: &Tree) -> Vec<Fault> {
        self.stop();
        let mut faults = Vec::new();
        for check in &exercise.checks {
            if let Kind::Session(words) = check.kind {
                faults.extend(self.session(words, check, tree));
            }
        }
        faults
    }

    /// The store is forgotten with the process.
    fn stop(&mut self) {
        (self.program, self.memcached, self.python_server) = (None, None, None);
        self.arguments.clear();
        self.left_out = false;
    }

    pub fn save(&mut self, file: &str, block: &Block) {
        self.scripts.retain(|(known, _)| known != file);
        self.scripts
            .push((file.to_string(), tree::text(&block.lines)));
    }

    fn session(&mut self, words: Session, block: &Block, tree: &Tree) -> Vec<Fault> {
        let program = self.peer == Peer::Program;
        let concerned = match (words.mode, words.against) {
            (Mode::Shown | Mode::Servers { .. }, _) => false,
            (Mode::CargoTest, against) => {
                program == (against != Against::Both && against != Against::Memcached)
            }
            (_, Against::Both) => true,
            (_, against) => program == (against != Against::Memcached),
        };
        if words.mode == Mode::Server {
            return self.first_terminal(block, tree);
        }
        if !concerned {
            return Vec::new();
        }
        let for_python = words.mode == Mode::Python || words.against == Against::Python;
        if for_python && !self.python {
            self.left_out = true;
            return Vec::new();
        }
        let (above, commands) = session::commands(&block.lines);
        if let Some(line) = above.first() {
            return vec![Fault::at(&line.from, "output without a command")];
        }
        let host = match self.host_of(words.against, tree) {
            Ok(host) => host,
            Err(what) => return vec![Fault::at(&block.place, what)],
        };
        match words.mode {
            Mode::Python => {
                self.in_shell(&commands, host.address, words.colour == Some(Colour::Red))
            }
            Mode::CargoTest => {
                self.cargo_test(&commands, &self.ports(words, tree), tree, host.address)
            }
            _ => {
                // Of a program that did not start, or has ended, a client hears nothing.
                let coloured = words.colour.is_some();
                terminal::clients(&commands, host, &self.ports(words, tree), coloured)
            }
        }
    }

    fn host_of(&mut self, against: Against, tree: &Tree) -> Result<Host, String> {
        if against != Against::Python {
            return self.host(tree);
        }
        if self.python_server.is_none() {
            let folder = self.python_folder(&|text| text.to_string());
            let script = folder.join(SERVER);
            if !script.exists() {
                return Err(format!("no {SERVER} has been written"));
            }
            let arguments = [script.to_str().expect("a path in UTF-8"), "127.0.0.1:0"];
            self.python_server = Some(Server::program("python3", &arguments));
        }
        Ok(self.python_server.as_ref().expect("started above").into())
    }

    /// Where the peer listens; it is started if it does not run.
    fn host(&mut self, tree: &Tree) -> Result<Host, String> {
        if self.peer == Peer::Memcached {
            let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            let start = || Server::memcached(program::shown(&arguments).0);
            let memcached = self.memcached.get_or_insert_with(start);
            return Ok((&*memcached).into());
        }
        if self.program.is_none() {
            let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            let mut program = Program::start(self.workshop, tree, &arguments)?;
            program.skip_greeting()?;
            self.program = Some(program);
        }
        Ok(self.program.as_ref().expect("started above").host())
    }

    /// The ports a command may name; those of a `memcached` session are the program's or memcached's own.
    fn ports(&self, words: Session, tree: &Tree) -> Vec<u16> {
        match (&self.program, words.against) {
            (_, Against::Python) => vec![PYTHON],
            (Some(program), _) => vec![program.port],
            (None, Against::Memcached) => vec![MEMCACHED, BESIDE_OURS],
            (None, _) => {
                let known = program::named_port(tree).into_iter().chain(PORTS);
                known.filter(|port| *port != BESIDE_OURS).collect()
            }
        }
    }

    fn first_terminal(&mut self, block: &Block, tree: &Tree) -> Vec<Fault> {
        let (above, commands) = session::commands(&block.lines);
        let lines = match &commands[..] {
            [] => above,
            [run] if above.is_empty() => {
                if let Err(what) = self.cargo_run(run, tree) {
                    return vec![Fault::at(&run.line.from, what)];
                }
                run.output.clone()
            }
            _ => {
                return vec![Fault::at(
                    &block.place,
                    "one `$ cargo run` at the top, or none",
                )];
            }
        };
        if self.peer == Peer::Memcached || self.left_out {
            return Vec::new();
        }
        let Some(program) = &mut self.program else {
            return vec![Fault::at(&block.place, "no program runs here")];
        };
        for line in lines {
            let got = program.next_line().into_iter().collect::<Vec<_>>();
            let fault = terminal::compare(&line, std::slice::from_ref(&line), &got);
            if fault.is_some() {
                return fault.into_iter().collect();
            }
        }
        Vec::new()
    }

    fn cargo_run(&mut self, run: &Command, tree: &Tree) -> Result<(), String> {
        self.stop();
        let Some(arguments) = program::arguments(run.typed()) else {
            let typed = run.typed();
            return Err(format!(
                "a server session begins `$ cargo run`, not `{typed}`"
            ));
        };
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let is_option = arguments.first().is_some_and(|word| word.starts_with('-'));
        if is_option && !arguments.iter().any(|word| ["-l", "-p"].contains(word)) {
            self.arguments = arguments.iter().map(ToString::to_string).collect();
        }
        if self.peer == Peer::Program {
            self.program = Some(Program::start(self.workshop, tree, &arguments)?);
        }
        Ok(())
    }

    /// Where a script fails Python tells the way there, with line numbers of its own: of that only some lines are shown.
    fn in_shell(&mut self, commands: &[Command], address: SocketAddr, fails: bool) -> Vec<Fault> {
        let port = address.port().to_string();
        let moved = |text: &str| {
            PORTS.iter().fold(text.to_string(), |text, known| {
                text.replace(&known.to_string(), &port)
            })
        };
        let folder = self.python_folder(&moved);
        let known = self
            .program
            .as_ref()
            .map_or(MEMCACHED, |program| program.port)
            .to_string();
        let mut faults = Vec::new();
        for command in commands {
            let mut shell = process::Command::new("sh");
            shell
                .arg("-c")
                .arg(moved(command.typed()))
                .current_dir(&folder);
            match terminal::run(&mut shell) {
                Err(what) => faults.push(Fault::at(&command.line.from, what)),
                Ok(lines) => {
                    let got: Vec<String> = lines
                        .iter()
                        .map(|line| line.replace(&port, &known))
                        .collect();
                    let compare = match fails {
                        true => terminal::compare_in_order,
                        false => terminal::compare,
                    };
                    faults.extend(compare(&command.line, &command.output, &got));
                }
            }
        }
        faults
    }

    fn python_folder(&self, moved: &dyn Fn(&str) -> String) -> PathBuf {
        let folder = self.workshop.folder.join("python");
        let _ = fs::remove_dir_all(&folder);
        for (file, text) in &self.scripts {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("create a folder");
            fs::write(path, moved(text)).expect("write a script");
        }
        fs::create_dir_all(&folder).expect("create a folder");
        folder
    }

    fn cargo_test(
        &mut self,
        commands: &[Command],
        ports: &[u16],
        tree: &Tree,
        to: SocketAddr,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        for command in commands {
            match self.test_output(command, ports, tree, to) {
                Err(what) => faults.push(Fault::at(&command.line.from, what)),
                Ok(got) => faults.extend(terminal::compare_in_order(
                    &command.line,
                    &command.output,
                    &got,
                )),
            }
        }
        faults
    }

    fn test_output(
        &mut self,
        command: &Command,
        ports: &[u16],
        tree: &Tree,
        address: SocketAddr,
    ) -> Result<Vec<String>, String> {
        let typed = command.typed();
        let (given, cargo) = typed.split_once("cargo test").unwrap_or((typed, ""));
        let known = |port: &u16| [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let address_given = given.trim().strip_prefix("ADDR=").unwrap_or(given.trim());
        if !given.is_empty()
            && !ports
                .iter()
                .flat_map(known)
                .any(|known| known == address_given)
        {
            return Err(format!(
                "`{given}` is no ADDR=127.0.0.1:PORT with a port of {ports:?}"
            ));
        }
        let name = cargo.strip_prefix(" --test ").unwrap_or_default();
        let root = format!("tests/{name}.rs");
        if !tree.contains_key(&root) {
            return Err(format!(
                "`{typed}` names no file of tests/: there is no {root}"
            ));
        }
        let test = self.workshop.build(&program::moved(tree, address), &root)?;
        terminal::run(
            process::Command::new(&test)
                .arg("--test-threads=1")
                .env("ADDR", address.to_string())
                .current_dir(test.parent().expect("a folder")),
        )
    }
}
