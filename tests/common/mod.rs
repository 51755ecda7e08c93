//! What the tests share: a server started on a free port, a real memcached beside it, a raw connection.
//!
//! Every server prints one line, `listening on ADDRESS`, as soon as clients may connect; waiting for that line
//! is all the waiting there is. Whatever was started is killed when its handle is dropped.

// Each file of tests is a program of its own and uses its own part of this module.
#![allow(dead_code)]

pub mod command_line;
pub mod process;
pub mod random;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a test waits for a reply before it calls it missing.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What makes our server take any free port of 127.0.0.1.
pub const ANY_PORT: [&str; 2] = ["-p", "0"];

/// A server process, killed when dropped.
pub struct Server {
    pub address: SocketAddr,
    pub child: Child,
    /// What the program prints after its first line; kept open so that it never meets a closed pipe.
    pub stdout: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts the finished server, `src/`, on a free port of 127.0.0.1 with these options.
    pub fn ours(options: &[&str]) -> Server {
        let program = assert_cmd::cargo::cargo_bin!("mini-memcached");
        Server::program(program, &[&ANY_PORT, options].concat())
    }

    /// Like [`Server::program`], with `setup` run first by the `sh` that then becomes the program.
    pub fn program_after(setup: &str, program: &Path, arguments: &[&str]) -> Server {
        let script = format!("{setup}\nexec \"$0\" \"$@\"");
        let program = program.to_str().expect("a path in UTF-8");
        Server::program("sh", &[&["-c", &script, program], arguments].concat())
    }

    /// Starts any program that prints `listening on ADDRESS` first.
    pub fn program(program: impl AsRef<OsStr>, arguments: &[&str]) -> Server {
        let mut child = Command::new(program.as_ref())
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {:?}: {error}", program.as_ref()));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout
            .read_line(&mut line)
            .expect("the server's first line");
        let address = line
            .trim_end()
            .strip_prefix("listening on ")
            .unwrap_or_else(|| panic!("{:?} said {line:?} first", program.as_ref()))
            .parse()
            .expect("the address the server listens on");
        Server {
            address,
            child,
            stdout: Some(stdout),
        }
    }

    /// Starts the memcached that is installed, on a free port of 127.0.0.1.
    pub fn memcached(options: &[&str]) -> Server {
        Server::on_a_free_port(|port| {
            let mut command = Command::new("memcached");
            command.args(["-l", "127.0.0.1", "-U", "0", "-u", "root", "-p", port]);
            command.args(options).stderr(Stdio::null());
            command
        })
    }

    /// Starts a program that does not say where it listens, or cannot, with a port that was free a moment ago.
    pub fn on_a_free_port(command: impl Fn(&str) -> Command) -> Server {
        for _ in 0..20 {
            let address = free_address();
            let mut command = command(&address.port().to_string());
            let child = command
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
            let mut server = Server {
                address,
                child,
                stdout: None,
            };
            let deadline = Instant::now() + PATIENCE;
            loop {
                if matches!(server.child.try_wait(), Ok(Some(_))) {
                    break; // somebody else took the port in between
                }
                if server.answers_itself() {
                    return server;
                }
                assert!(Instant::now() < deadline, "{command:?} does not serve");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        panic!("it ends at once, however often it is started");
    }

    /// Whether this very process answers at its address: two tests may have taken the same free port, and a connection
    /// to a port where nobody listens yet may, by chance, be its own other end.
    fn answers_itself(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else {
            return false;
        };
        let own = format!("STAT pid {}\r\n", self.child.id());
        let mut reply = vec![0; own.len()];
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let asked = stream.write_all(b"stats\r\n");
        asked.is_ok() && stream.read_exact(&mut reply).is_ok() && reply == own.as_bytes()
    }

    pub fn connect(&self) -> Connection {
        Connection::to(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of 127.0.0.1 that was free a moment ago, and that nobody here was given before: whoever asks at the address of
/// a server that has ended must not meet another one.
pub fn free_address() -> SocketAddr {
    static GIVEN: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port on 127.0.0.1");
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if given.insert(address) {
            return address;
        }
    }
}

/// A client that speaks bytes, and gives up after [`PATIENCE`].
pub struct Connection {
    pub stream: TcpStream,
}

impl Connection {
    pub fn to(address: impl ToSocketAddrs) -> Connection {
        let stream = TcpStream::connect(address).expect("connect");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("set a timeout");
        stream.set_nodelay(true).expect("set nodelay");
        Connection { stream }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("send");
    }

    /// As many bytes as asked for, or what had come when the server closed or fell silent.
    pub fn receive(&mut self, length: usize) -> Vec<u8> {
        let mut received = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while received.len() < length {
            let room = buffer.len().min(length - received.len());
            match self.stream.read(&mut buffer[..room]) {
                Ok(0) => break,
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        received
    }

    /// Sends, and insists on exactly this reply.
    #[track_caller]
    pub fn expect(&mut self, sent: impl AsRef<[u8]>, expected: impl AsRef<[u8]>) {
        self.send(&sent);
        let got = self.receive(expected.as_ref().len());
        assert!(
            got == expected.as_ref(),
            "\n    sent: {}\nexpected: {}\n     got: {}\n",
            show(sent.as_ref()),
            show(expected.as_ref()),
            show(&got)
        );
    }

    /// Everything until the server closes the connection; panics when it does not.
    #[track_caller]
    pub fn receive_until_closed(&mut self) -> Vec<u8> {
        let mut received = Vec::new();
        match self.stream.read_to_end(&mut received) {
            Ok(_) => received,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => received,
            Err(error) => panic!("still open after {}: {error}", show(&received)),
        }
    }
}

/// Bytes as a person can read them, shortened in the middle.
pub fn show(bytes: &[u8]) -> String {
    if bytes.len() > 400 {
        let (head, tail) = (&bytes[..200], &bytes[bytes.len() - 100..]);
        return format!(
            "{}[.. {} bytes ..]{}",
            head.escape_ascii(),
            bytes.len() - 300,
            tail.escape_ascii()
        );
    }
    bytes.escape_ascii().to_string()
}

/// The folder that holds `Cargo.toml`.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for what a test leaves behind, empty, below cargo's own.
pub fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}
