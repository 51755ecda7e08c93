//! A memcached server that one person can read in an evening: listen, accept, one thread for each connection.
//!
//! ```text
//! socket ─► connection ─► command ─► server ─► store ─► reply bytes ─► socket
//!           a line,        words      what      under
//!           a data block   become     it does   the lock
//!                          meaning
//! ```
//!
//! Each file begins with a sentence saying what it is and what it may not know. A good order to read them stands in
//! README.md.

mod base64;
mod change;
mod clock;
mod command;
mod connection;
mod eviction;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;
mod index;
mod item;
mod meta;
mod options;
mod server;
mod stats;
mod store;

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clock::Clock;
use connection::Connection;
use options::{Options, Task};
use server::{Server, Session};
use stats::Stats;
use store::Cache;

/// The exit code for a command line that makes no sense, memcached's EX_USAGE.
const USAGE: u8 = 64;

/// How long to wait after a failed `accept`. What fails is mostly the number of file descriptors, and only clients
/// that leave can mend that.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    heap::be_one();
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let options = match options::parse(arguments) {
        Ok(Task::Serve(options)) => options,
        Ok(Task::Print(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(USAGE);
        }
    };
    match listen(&options) {
        Ok(listeners) => serve(listeners, options),
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Binds every address and says so on stdout.
fn listen(options: &Options) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for (host, port) in &options.listen {
        let port = port.unwrap_or(options.port);
        let problem = |error| format!("cannot listen on {host}:{port}: {error}");
        let listener = TcpListener::bind((host.as_str(), port)).map_err(problem)?;
        println!("listening on {}", listener.local_addr().map_err(problem)?);
        listeners.push(listener);
    }
    Ok(listeners)
}

/// A thread for each listener; they end with the process.
fn serve(listeners: Vec<TcpListener>, options: Options) -> ExitCode {
    let server = Arc::new(Server {
        cache: Cache::new(options.memory_limit, options.item_size_max),
        clock: Clock::start(),
        stats: Stats::default(),
        options,
    });
    server.stats.verbosity.set(server.options.verbosity);
    thread::scope(|scope| {
        for listener in &listeners {
            scope.spawn(|| accept(&server, listener));
        }
    });
    ExitCode::SUCCESS
}

fn accept(server: &Arc<Server>, listener: &TcpListener) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => welcome(server, stream),
            Err(_) => thread::sleep(ACCEPT_PAUSE),
        }
    }
}

/// Gives a client a thread of its own, or turns it away. A thread that cannot be had costs this client alone.
fn welcome(server: &Arc<Server>, mut stream: TcpStream) {
    let seat = Seat(Arc::clone(server));
    if server.stats.curr_connections.add(1) >= server.options.conn_limit {
        server.stats.rejected_connections.add(1);
        let _ = stream.write_all(b"ERROR Too many open connections\r\n");
        return;
    }
    let id = server.stats.total_connections.add(1);
    let _ = thread::Builder::new().spawn(move || talk(&seat.0, &stream, id));
}

fn talk(server: &Server, stream: &TcpStream, id: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let idle_timeout = Duration::from_secs(server.options.idle_timeout);
    stream.set_read_timeout(Some(idle_timeout).filter(|timeout| !timeout.is_zero()))?;
    let connection = Connection::new(stream, &server.clock, &server.stats, id);
    let farewell = Session { server, connection }.talk();
    if let Err(error) = &farewell
        && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
    {
        server.stats.idle_kicks.add(1);
    }
    farewell
}

/// One of the `-c` places; it is free again when this is dropped, even by a panic.
struct Seat(Arc<Server>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.stats.curr_connections.subtract_one();
    }
}
