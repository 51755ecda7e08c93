//! Plays the reader's second terminal: sends what `nc` would send, and compares what the terminal would show.

use crate::common::PATIENCE;
use crate::prose::{Fault, Line};
use crate::session::{self, Client, Command, Part};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What has come, in the order in which it came.
type Screen = Arc<Mutex<Vec<u8>>>;

/// Runs the `nc` commands of a session against this address; `ports` are those the commands may name.
pub fn clients(commands: &[Command], address: SocketAddr, ports: &[u16]) -> Vec<Fault> {
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
        play(parsed, address, &mut faults);
    }
    faults
}

fn play(clients: Vec<(&Command, Client)>, address: SocketAddr, faults: &mut Vec<Fault>) {
    let screen = Screen::default();
    let merged = clients.iter().any(|(_, client)| client.background);
    let (mut open, mut expected) = (Vec::new(), Vec::new());
    let last = clients.last().map(|(command, _)| &command.line);
    for (command, client) in &clients {
        let nc = start(client, address, screen.clone());
        match nc {
            Ok(nc) if client.background => open.push((&command.line, nc)),
            Ok(nc) => faults.extend(end(&command.line, nc)),
            Err(what) => faults.push(Fault::at(&command.line.from, what)),
        }
        if !merged {
            let shown = std::mem::take(&mut *screen.lock().unwrap_or_else(PoisonError::into_inner));
            faults.extend(compare(&command.line, &command.output, &visible(&shown)));
        }
        expected.extend_from_slice(&command.output);
    }
    faults.extend(open.into_iter().filter_map(|(line, nc)| end(line, nc)));
    if let Some(last) = last.filter(|_| merged) {
        let shown = screen.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(compare(last, &expected, &visible(&shown)));
    }
}

fn end(line: &Line, nc: JoinHandle<Result<(), String>>) -> Option<Fault> {
    let ended = nc.join().expect("no panic in a client");
    ended.err().map(|what| Fault::at(&line.from, what))
}

/// Connects now, so that clients are accepted in the order of their commands; the rest happens in threads.
fn start(
    client: &Client,
    address: SocketAddr,
    screen: Screen,
) -> Result<JoinHandle<Result<(), String>>, String> {
    let refused = |error| format!("nobody answers ({error}): has the program ended?");
    let stream = TcpStream::connect(address).map_err(refused)?;
    let _ = stream.set_nodelay(true);
    let writer = stream.try_clone().map_err(|error| error.to_string())?;
    let parts = client.parts.iter().map(|part| match part {
        Part::Send(bytes) => Part::Send(bytes.clone()),
        Part::Sleep(time) => Part::Sleep(*time),
    });
    let parts: Vec<Part> = parts.collect();
    Ok(thread::spawn(move || {
        let typing = thread::spawn(move || feed(writer, parts));
        let ended = watch(&stream, &typing, &screen);
        let _ = stream.shutdown(Shutdown::Both);
        typing.join().expect("no panic while sending");
        ended
    }))
}

fn feed(mut stream: TcpStream, parts: Vec<Part>) {
    for part in parts {
        match part {
            Part::Sleep(time) => thread::sleep(time),
            // A server may close before it has read everything; nc would end, and so does this.
            Part::Send(bytes) => match stream.write_all(&bytes) {
                Ok(()) => {}
                Err(_) => return,
            },
        }
    }
}

/// Shows what comes until the server closes; gives up when all is sent and nothing comes any more.
fn watch(stream: &TcpStream, typing: &JoinHandle<()>, screen: &Screen) -> Result<(), String> {
    let mut stream = stream;
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let mut buffer = vec![0; 64 * 1024];
    let mut newest = Instant::now();
    let mut end_of_line = true;
    loop {
        let count = match stream.read(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if !typing.is_finished() {
                    newest = Instant::now();
                }
                if newest.elapsed() > PATIENCE {
                    return Err("nc would hang here: the server does not close".into());
                }
                continue;
            }
            read => read.unwrap_or(0),
        };
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        if count == 0 {
            // The prompt, or another client's output, must not look like this client's.
            screen.extend((!end_of_line).then_some(b'\n'));
            return Ok(());
        }
        screen.extend_from_slice(&buffer[..count]);
        end_of_line = buffer[count - 1] == b'\n';
        newest = Instant::now();
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

/// Everything a program prints, errors too; killed after a minute.
pub fn run(program: &mut process::Command) -> Result<Vec<String>, String> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    program
        .stdin(process::Stdio::null())
        .stdout(writer)
        .stderr(errors);
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
    let deadline = Instant::now() + Duration::from_secs(60);
    while !collector.is_finished() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            return Err("still running after a minute".into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.wait();
    Ok(visible(&collector.join().expect("no panic while reading")))
}
