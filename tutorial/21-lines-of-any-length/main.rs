mod change;
mod clock;
mod command;
mod connection;
mod counters;
mod eviction;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;
mod item;
mod memory;
mod options;
mod place;
mod server;
mod session;
mod stats;
mod store;
mod table;

use clock::Clock;
use counters::{COUNT, VERBOSITY};
use options::{Options, Task};
use place::Place;
use server::Server;
use session::Session;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use store::Cache;

/// Exit codes; that of a command line that makes no sense is memcached's EX_USAGE.
const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;
const USAGE: u8 = 64;

/// How long to wait after a failed `accept`: what fails is mostly the number of open files, and only clients that leave
/// can mend that.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    heap::be_one();
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let options = match options::parse(arguments) {
        Ok(Task::Serve(options)) => options,
        Ok(Task::Print(text)) => return say(io::stdout(), &text, SUCCESS),
        Err(problem) => return say(io::stderr(), &problem, USAGE),
    };
    match listen(&options) {
        Ok(listeners) => serve(&listeners, options),
        Err(problem) => say(io::stderr(), &problem, FAILURE),
    }
}

/// The last words of the program. Unlike `println!` it does not panic when nobody takes the line.
fn say(mut to: impl Write, line: &str, code: u8) -> ExitCode {
    let _ = writeln!(to, "{line}");
    code.into()
}

/// Binds every address of every host and says so on stdout.
fn listen(options: &Options) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for (host, port) in &options.listen {
        let port = port.unwrap_or(options.port);
        let bound = bind_all(host, port);
        let bound = bound.map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
        listeners.extend(bound);
    }
    for listener in &listeners {
        if let Ok(address) = listener.local_addr() {
            let _ = writeln!(io::stdout(), "listening on {address}");
        }
    }
    Ok(listeners)
}

/// A name may stand for several addresses: `localhost` is often two. As in memcached one that this machine does not have
/// is passed over, unless there is no other; one that is in use is an error.
fn bind_all(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    if host == "*" {
        // The first one that can be had; `[::]` hears IPv4 as well.
        let any: [SocketAddr; 2] = [([0; 16], port).into(), ([0; 4], port).into()];
        return TcpListener::bind(&any[..]).map(|listener| vec![listener]);
    }
    let mut addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    addresses.dedup();
    let mut listeners = Vec::new();
    let mut failure = Ok(());
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(error),
            Err(error) => failure = Err(error),
        }
    }
    if listeners.is_empty() {
        failure?;
    }
    Ok(listeners)
}

/// A thread for each listener.
fn serve(listeners: &[TcpListener], options: Options) -> ExitCode {
    let server = Arc::new(Server {
        cache: Cache::new(options.limits),
        clock: Clock::start(),
        places: place::places(options.conn_limit),
        options,
    });
    VERBOSITY.set(server.options.verbosity);
    thread::scope(|scope| {
        for listener in listeners {
            scope.spawn(|| accept(&server, listener));
        }
    });
    SUCCESS.into()
}

fn accept(server: &Arc<Server>, listener: &TcpListener) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => welcome(server, stream),
            Err(_) => thread::sleep(ACCEPT_PAUSE),
        }
    }
}

/// Gives a client a place and a thread of its own, or turns it away.
fn welcome(server: &Arc<Server>, stream: TcpStream) {
    let stream = Arc::new(stream);
    let has_thread = Place::take(server.places).is_some_and(|place| {
        let (server, stream) = (Arc::clone(server), Arc::clone(&stream));
        let thread = thread::Builder::new().spawn(move || talk(&server, &stream, place));
        thread.is_ok()
    });
    if !has_thread {
        COUNT.rejected_connections.add(1);
        let _ = (&*stream).write_all(b"ERROR Too many open connections\r\n");
    }
}

fn talk(server: &Server, stream: &TcpStream, _place: Place) -> io::Result<()> {
    let idle_timeout = Duration::from_secs(server.options.idle_timeout);
    stream.set_read_timeout(Some(idle_timeout).filter(|timeout| !timeout.is_zero()))?;
    let farewell = Session::new(stream, server).talk();
    if let Err(error) = &farewell
        && matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
    {
        COUNT.idle_kicks.add(1);
    }
    farewell
}
