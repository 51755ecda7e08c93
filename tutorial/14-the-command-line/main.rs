mod change;
mod clock;
mod command;
mod connection;
mod eviction;
mod item;
mod options;
mod server;
mod store;

use clock::Clock;
use options::{Options, Task};
use server::{Server, Session};
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
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
        options,
    });
    thread::scope(|scope| {
        for listener in listeners {
            scope.spawn(|| accept(&server, listener));
        }
    });
    SUCCESS.into()
}

fn accept(server: &Arc<Server>, listener: &TcpListener) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        let server = Arc::clone(server);
        let _ = thread::Builder::new().spawn(move || Session::new(&stream, &server).talk());
    }
}
