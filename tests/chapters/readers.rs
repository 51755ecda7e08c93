//! The reader's own tests, judged in their turn: an honest server must pass them, and a liar must not.
//!
//! `PROJECT=../my-memcached cargo test --test chapters ch03` asks the `tests/conversation.rs` of that project; without
//! `PROJECT` the one in chapter 3's folder is asked.

use crate::common::{project, scratch};
use crate::peer::{Verdict, say};
use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long the tests may take with a server that says nothing: they, too, must have an end.
const ENOUGH: Duration = Duration::from_secs(20);

/// What is not right about a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lie {
    None,
    /// Answers every line, in its own words.
    SaysAnything,
    SaysNothing,
    /// Stores nothing, and knows what the first test wants to hear.
    LearnedByHeart,
    LosesFlags,
    AnswersNoreply,
    CutsAtTheLine,
    KnowsEverything,
}

/// Whether all tests passed, and what they said; an error if they came to no end.
pub type Judgement = std::result::Result<(bool, String), String>;

/// Tests that judge the server at `ADDR`: a project's, or a program that has been built already.
pub enum Readers {
    Project(PathBuf),
    Built(PathBuf),
}

impl Readers {
    /// Those of `PROJECT` if that is set, else chapter 3's own.
    pub fn of_chapter_3() -> Readers {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        match env::var_os("PROJECT") {
            Some(folder) => {
                say(&format!("judging the tests of {}", folder.display()));
                Readers::Project(BUILT.get_or_init(|| built(folder.into())).clone())
            }
            None => {
                say("PROJECT is not set: judging our own tests of chapter 3, not yours");
                Readers::Built(BUILT.get_or_init(build).clone())
            }
        }
    }

    /// The tests are green for an honest server and red for this one.
    pub fn tell(&self, lie: Lie) -> Verdict {
        match self.judge(Lie::None)? {
            (true, _) => {}
            (false, said) => return Err(format!("an honest server does not pass:\n{said}")),
        }
        match self.judge(lie)? {
            (false, _) => Ok(()),
            (true, said) => Err(format!("a server passes that is a liar ({lie:?}):\n{said}")),
        }
    }

    /// Whether a server with this fault passes the tests, and what they said.
    pub fn judge(&self, lie: Lie) -> Judgement {
        let address = serve(lie).map_err(|error| error.to_string())?;
        self.judge_at(address)
    }

    /// Whether what listens there passes the tests, and what they said.
    pub fn judge_at(&self, address: SocketAddr) -> Judgement {
        let mut command = match self {
            Readers::Built(program) => Command::new(program),
            Readers::Project(folder) => cargo_test(folder),
        };
        command.env("ADDR", address.to_string());
        run(&mut command)
    }
}

fn cargo_test(folder: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--test", "conversation"]);
    cargo.current_dir(folder);
    cargo
}

/// Lets cargo build a project's tests, which may take longer than they do.
fn built(folder: PathBuf) -> PathBuf {
    let built = cargo_test(&folder).arg("--no-run").status();
    assert!(
        built.is_ok_and(|status| status.success()),
        "no tests/conversation.rs can be built in {folder:?}"
    );
    folder
}

/// Runs the tests to their end, or to [`ENOUGH`].
fn run(command: &mut Command) -> Judgement {
    let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
    let errors = writer.try_clone().map_err(|error| error.to_string())?;
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(errors);
    let mut child = child.spawn().map_err(|error| error.to_string())?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let said = thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let deadline = Instant::now() + ENOUGH;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status.success(), said.join().unwrap_or_default())),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the tests do not end within {ENOUGH:?}"));
            }
        }
    }
}

/// Builds the tests in chapter 3's folder.
fn build() -> PathBuf {
    let source = project().join("tutorial/03-a-test-before-the-server/tests/conversation.rs");
    let program = scratch("chapter-3-tests").join("program");
    let rustc = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "--test",
            "--crate-name",
            "conversation",
            "-o",
        ])
        .args([&program, Path::new(&source)])
        .status();
    assert!(
        rustc.is_ok_and(|status| status.success()),
        "{source:?} does not compile"
    );
    program
}

/// Flags and value by key.
type Items = Arc<Mutex<HashMap<String, (String, Vec<u8>)>>>;

/// Starts a server with this fault on a free port; it ends with the test program.
fn serve(lie: Lie) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, items) = (listener.local_addr()?, Items::default());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let items = Arc::clone(&items);
            thread::spawn(move || answer_all(lie, &stream, &items));
        }
    });
    Ok(address)
}

fn answer_all(lie: Lie, mut stream: &TcpStream, items: &Items) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words == ["quit"] {
            return Ok(());
        }
        let mut block = Vec::new();
        if let ["set", _, _, _, bytes, ..] = words[..] {
            block = vec![0; bytes.parse().unwrap_or(0) + 2];
            reader.read_exact(&mut block)?;
            block.truncate(block.len() - 2);
        }
        stream.write_all(&answer(lie, &words, block, items))?;
        line.clear();
    }
    Ok(())
}

fn answer(lie: Lie, words: &[&str], block: Vec<u8>, items: &Items) -> Vec<u8> {
    let mut items = items.lock().expect("no panic under the lock");
    match (lie, words) {
        (Lie::SaysAnything, _) => format!("you said {words:?}, which is fine\r\n").into_bytes(),
        (Lie::SaysNothing, _) => Vec::new(),
        (Lie::LearnedByHeart, ["get", ..]) => b"VALUE greeting 0 5\r\nhello\r\nEND\r\n".to_vec(),
        (_, ["set", key, flags, _, _, noreply @ ..]) => {
            items.insert(key.to_string(), (flags.to_string(), block));
            match noreply.is_empty() || lie == Lie::AnswersNoreply {
                true => b"STORED\r\n".to_vec(),
                false => Vec::new(),
            }
        }
        (_, ["get", keys @ ..]) => {
            let found = |key: &&str| Some(value(lie, key, items.get(*key)?));
            let mut reply = keys.iter().filter_map(found).collect::<Vec<_>>().concat();
            reply.extend_from_slice(b"END\r\n");
            reply
        }
        (_, ["delete", key, ..]) => match items.remove(*key) {
            Some(_) => b"DELETED\r\n".to_vec(),
            None => b"NOT_FOUND\r\n".to_vec(),
        },
        (Lie::KnowsEverything, _) => b"OK\r\n".to_vec(),
        _ => b"ERROR\r\n".to_vec(),
    }
}

fn value(lie: Lie, key: &str, (flags, value): &(String, Vec<u8>)) -> Vec<u8> {
    let flags = if lie == Lie::LosesFlags { "0" } else { flags };
    let line = value
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let value = if lie == Lie::CutsAtTheLine {
        line
    } else {
        value
    };
    let head = format!("VALUE {key} {flags} {}\r\n", value.len());
    [head.as_bytes(), value, b"\r\n"].concat()
}
