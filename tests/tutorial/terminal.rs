//! Plays the reader's second terminal: sends what `nc` would send, and compares what the terminal would show.

use crate::common::process::{comes_to_rest, eventually, signal};
use crate::common::{PATIENCE, Server};
use crate::prose::{Fault, Line};
use crate::session::{self, Client, Command, Part};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long one look for news may take.
const TICK: Duration = Duration::from_millis(1);

/// The server that the clients meet.
#[derive(Clone, Copy)]
pub struct Host {
    pub address: SocketAddr,
    pub pid: u32,
}

impl From<&Server> for Host {
    fn from(server: &Server) -> Host {
        Host {
            address: server.address,
            pid: server.child.id(),
        }
    }
}

impl Host {
    /// Until the server has done what it was told.
    fn await_rest(self) {
        eventually(|| comes_to_rest(self.pid));
    }
}

/// Whose turn it is: on a busy machine somebody may be behind the clock, so the clock alone does not say.
#[derive(Default)]
struct Schedule {
    /// When the next step of each is, in the time that the commands tell: of the shell, and of every client.
    next: Vec<Duration>,
    /// When the last one was.
    now: Duration,
}

/// Somebody who takes steps; none comes any more when this is dropped.
struct Walker {
    schedule: Arc<Mutex<Schedule>>,
    number: usize,
    host: Host,
}

impl Walker {
    fn new(schedule: &Arc<Mutex<Schedule>>, host: Host) -> Walker {
        let mut walker = Walker {
            schedule: Arc::clone(schedule),
            number: 0,
            host,
        };
        walker.number = walker.with(|schedule| {
            schedule.next.push(schedule.now);
            schedule.next.len() - 1
        });
        walker
    }

    fn with<Answer>(&self, work: impl FnOnce(&mut Schedule) -> Answer) -> Answer {
        work(&mut self.schedule.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A pause begins when the server has done what it was told before. It ends when its time is over, when all have taken
    /// the steps that come earlier, and when the server has done what it was told in them.
    fn pause(&self, time: Duration) {
        if time.is_zero() {
            return;
        }
        self.host.await_rest();
        let step = self.with(|schedule| {
            schedule.next[self.number] += time;
            schedule.next[self.number]
        });
        thread::sleep(time);
        eventually(|| self.with(|schedule| schedule.next.iter().all(|other| *other >= step)));
        self.with(|schedule| schedule.now = schedule.now.max(step));
        self.host.await_rest();
    }

    /// Lets all others go on meanwhile.
    fn wait(&self, happens: impl FnOnce()) {
        self.with(|schedule| schedule.next[self.number] = Duration::MAX);
        happens();
        self.with(|schedule| schedule.next[self.number] = schedule.now);
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        self.with(|schedule| schedule.next[self.number] = Duration::MAX);
    }
}

/// Runs the `nc` commands of a session against this server; `ports` are those the commands may name. A command that
/// shows nothing may find that nobody listens any more, if the session `may_be_refused`: `nc` says nothing then.
pub fn clients(
    commands: &[Command],
    host: Host,
    ports: &[u16],
    may_be_refused: bool,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut parsed = Vec::new();
    for command in commands {
        match session::client(command.typed()) {
            Err(what) => faults.push(Fault::at(&command.line.from, what)),
            Ok(client) if !ports.contains(&client.port) => {
                let what = format!("nobody listens on port {}, only on {ports:?}", client.port);
                faults.push(Fault::at(&command.line.from, what));
            }
            Ok(client) => parsed.push((command, client)),
        }
    }
    if faults.is_empty() {
        play(parsed, host, may_be_refused, &mut faults);
    }
    faults
}

fn play(
    clients: Vec<(&Command, Client)>,
    host: Host,
    may_be_refused: bool,
    faults: &mut Vec<Fault>,
) {
    let merged = clients.iter().any(|(_, client)| client.background);
    let (mut screen, mut open, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    let schedule = Arc::default();
    let shell = Walker::new(&schedule, host);
    for (command, client) in clients {
        last = Some(&command.line);
        let background = client.background;
        shell.wait(|| {
            while client.waits && open.iter().any(|nc: &Nc| nc.open) {
                watch(&mut open, &mut screen, faults);
            }
        });
        shell.pause(client.after);
        match Nc::start(&command.line, client.clone(), Walker::new(&schedule, host)) {
            Ok(nc) => open.push(nc),
            Err(_) if may_be_refused && command.output.is_empty() => continue,
            Err(what) => faults.push(Fault::at(&command.line.from, what)),
        }
        shell.wait(|| {
            while !background && open.last().is_some_and(|nc| nc.open) {
                watch(&mut open, &mut screen, faults);
            }
        });
        if !merged {
            let mut shown = visible(&std::mem::take(&mut screen));
            shown.retain(|line| client.shows(line));
            faults.extend(compare(&command.line, &command.output, &shown));
        }
        expected.extend_from_slice(&command.output);
    }
    drop(shell);
    while open.iter().any(|nc| nc.open) {
        watch(&mut open, &mut screen, faults);
    }
    if let Some(last) = last.filter(|_| merged) {
        faults.extend(compare(last, &expected, &visible(&screen)));
    }
}

/// One round over all clients. The last is read first but shown last: so whatever had come to an earlier client
/// when something came to a later one is shown before it, however slow this side is.
fn watch(clients: &mut [Nc], screen: &mut Vec<u8>, faults: &mut Vec<Fault>) {
    let feeding = clients.iter().any(|nc| !nc.feeder.is_finished());
    let mut news = Vec::new();
    for nc in clients.iter_mut().rev().filter(|nc| nc.open) {
        match nc.news(feeding) {
            Ok(bytes) => news.push(bytes),
            Err(what) => faults.push(Fault::at(&nc.line.from, what)),
        }
    }
    screen.extend(news.into_iter().rev().flatten());
}

/// An `nc` that runs: what it sends comes from a thread, what it shows is asked for.
struct Nc<'a> {
    line: &'a Line,
    host: Host,
    stream: TcpStream,
    feeder: JoinHandle<()>,
    newest: Instant,
    /// How many lines more it may show.
    lines: Option<usize>,
    end_of_line: bool,
    open: bool,
}

impl Nc<'_> {
    /// Connects before it returns, so that clients are accepted in the order of their commands.
    fn start(line: &Line, client: Client, walker: Walker) -> Result<Nc<'_>, String> {
        let host = walker.host;
        let refused = |error| format!("nobody answers ({error}): has the program ended?");
        let stream = TcpStream::connect(host.address).map_err(refused)?;
        let settings = stream.set_nodelay(true);
        settings
            .and(stream.set_read_timeout(Some(TICK)))
            .map_err(|error| error.to_string())?;
        let writer = stream.try_clone().map_err(|error| error.to_string())?;
        Ok(Nc {
            line,
            host,
            stream,
            feeder: thread::spawn(move || feed(writer, client.parts, &walker)),
            newest: Instant::now(),
            lines: client.lines,
            end_of_line: true,
            open: true,
        })
    }

    /// What has come since the last time; an error when all is sent and the server neither answers nor closes. While
    /// any client is still `feeding` the server, it may let the others wait.
    fn news(&mut self, feeding: bool) -> Result<Vec<u8>, String> {
        let mut buffer = vec![0; 64 * 1024];
        let count = match self.stream.read(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if feeding {
                    self.newest = Instant::now();
                }
                // A server that works has more to do than it has processor, and lives.
                self.open = self.newest.elapsed() < PATIENCE || !comes_to_rest(self.host.pid);
                return match self.open {
                    true => Ok(Vec::new()),
                    false => Err("nc would hang here: the server does not close".into()),
                };
            }
            read => read.unwrap_or(0),
        };
        buffer.truncate(count);
        self.newest = Instant::now();
        self.open = count > 0 && !self.is_full(&mut buffer);
        if !self.open && !self.end_of_line {
            // The prompt, or another client's output, must not look like this client's.
            buffer.push(b'\n');
        }
        self.end_of_line = buffer.last().is_none_or(|byte| *byte == b'\n');
        Ok(buffer)
    }
}

impl Nc<'_> {
    /// Whether all lines have come that it may show; what is behind them is cut off, and the server hung up on.
    fn is_full(&mut self, buffer: &mut Vec<u8>) -> bool {
        let Some(left) = &mut self.lines else {
            return false;
        };
        let ends = (1..).zip(buffer.iter());
        let ends = ends.filter(|(_, byte)| **byte == b'\n');
        let ends: Vec<usize> = ends.map(|(end, _)| end).take(*left).collect();
        *left -= ends.len();
        if *left > 0 {
            return false;
        }
        buffer.truncate(ends.last().copied().unwrap_or(0));
        let _ = self.stream.shutdown(Shutdown::Both);
        true
    }
}

fn feed(mut stream: TcpStream, parts: Vec<Part>, walker: &Walker) {
    for part in parts {
        match part {
            Part::Sleep(time) => walker.pause(time),
            // A server may close before it has read everything; nc would end, and so does this.
            Part::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
    }
}

/// The lines a terminal shows for these bytes: a carriage return at the end of a line is not seen.
pub fn visible(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .map(|line| line.trim_end_matches('\r').to_string())
        .collect()
}

/// The first line that is not as the prose shows it.
pub fn compare(command: &Line, expected: &[Line], got: &[String]) -> Option<Fault> {
    for (line, got) in expected.iter().zip(got) {
        if !session::matches(&line.text, got) {
            return Some(Fault::at(
                &line.from,
                format!("it says `{}`, really comes `{got}`", line.text),
            ));
        }
    }
    if let Some(missing) = expected.get(got.len()) {
        return Some(Fault::at(
            &missing.from,
            format!("`{}` does not come", missing.text),
        ));
    }
    let more = got.get(expected.len())?;
    let place = &expected.last().unwrap_or(command).from;
    Some(Fault::at(place, format!("after this also comes `{more}`")))
}

/// The shown lines must all come in this order, with anything in between: cargo's own lines vary.
pub fn compare_in_order(command: &Line, expected: &[Line], got: &[String]) -> Option<Fault> {
    let mut rest = got.iter();
    let missing = expected.iter().find(|line| {
        let found = rest.any(|got| session::matches(&line.text, got));
        !found
    })?;
    let what = format!(
        "`{}` does not come (in this order) from `{}`:\n{}",
        missing.text,
        command.text,
        got.join("\n")
    );
    Some(Fault::at(&missing.from, what))
}

/// Everything a program prints, errors too; killed after five minutes, with all that it has started.
pub fn run(program: &mut process::Command) -> Result<Vec<String>, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    program
        .stdin(process::Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .process_group(0);
    let mut child = program.spawn().map_err(|error| error.to_string())?;
    // This side's ends of the pipe are in the command; the reader waits for the last of them.
    program
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null());
    let collector = thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        bytes
    });
    let deadline = Instant::now() + Duration::from_secs(300);
    while !collector.is_finished() {
        if Instant::now() > deadline {
            signal(format!("-{}", child.id()), "KILL");
            let _ = child.wait();
            return Err("still running after five minutes".into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.wait();
    Ok(visible(&collector.join().expect("no panic while reading")))
}
