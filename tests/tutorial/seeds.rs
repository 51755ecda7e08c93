//! The proof that the harness catches faults: a tutorial of two small chapters is right, then one thing in it is made
//! wrong, and the fault must be reported at the line of the prose that has to be mended.

use crate::checkpoints::Check as Named;
use crate::checks;
use crate::common::{self, Server};
use crate::contents;
use crate::judged;
use crate::ladder::{self, LIMITS, Limits};
use crate::pairs;
use crate::peer::{self, Verdict};
use crate::prose::Fault;
use crate::readme;
use crate::replay::Peer;
use crate::session::{self, Part, printf};
use crate::steps::Which;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

type Check = fn(&Path) -> Vec<Fault>;

/// One thing made wrong.
struct Seed {
    name: &'static str,
    file: &'static str,
    /// What is replaced; it must be there once.
    old: &'static str,
    new: &'static str,
    check: Check,
    /// The file and the first line in it that has this text: where the fault must be reported.
    at: (&'static str, &'static str),
    says: &'static str,
}

const ONE: &str = "tutorial/01-shout.md";
const TWO: &str = "tutorial/02-miss.md";
const CONTENTS: &str = "tutorial/README.md";
const README: &str = "README.md";

const REBUILD: Check = |root| {
    let mut faults = checks::rebuild(root, false);
    faults.extend(checks::blocks(root, Which::All));
    faults
};
const SESSIONS: Check = |root| checks::sessions(root, Peer::Program, false, Which::All);
const MEMCACHED: Check = |root| checks::sessions(root, Peer::Memcached, false, Which::All);
const SOLUTIONS: Check = |root| checks::solutions(root, Peer::Program, Which::All);
const TESTS_SOLVED: Check = |root| checks::solutions(root, Peer::Memcached, Which::All);
const PYTHON: Check = |root| checks::sessions(root, Peer::Program, true, Which::All);
const LADDER: Check = |root| ladder::faults(root, &["02"], &SHORT, &["ch02_a_miss_is_a_miss"]);
const GREEN_BEFORE: Check =
    |root| judged::faults(root, Which::All, |_| Some(Named::Server(|_| Ok(()))));
const RED_AFTER: Check = |root| {
    judged::faults(root, Which::All, |_| {
        Some(Named::Server(|_| Err("so".into())))
    })
};
const JUDGED: Check =
    |root| judged::faults(root, Which::All, |_| Some(Named::Server(a_miss_is_a_miss)));
const PAIRS: Check = pairs::faults;
const OURS: Check = |root| readme::sessions(root, "README.md", &Server::ours(&[]));

macro_rules! thirteen {
    ($line:literal) => {
        concat!(
            $line, $line, $line, $line, $line, $line, $line, $line, $line, $line, $line, $line,
            $line
        )
    };
}

/// The fixture's ladder has one rung.
const SHORT: Limits = Limits {
    rungs: 1..=1,
    checks: 1..=1,
    ..LIMITS
};

#[rustfmt::skip]
const SEEDS: &[Seed] = &[
    Seed { name: "a word changed in the folder only", file: "tutorial/01-shout/main.rs", old: "wrote:", new: "said:",
        check: REBUILD, at: (ONE, r#"    println!("{} wrote:""#), says: "tutorial/01-shout/main.rs:19 has" },
    Seed { name: "a word changed in the prose only", file: TWO, old: "Whatever is wanted", new: "What is wanted",
        check: REBUILD, at: (TWO, "/// What is wanted"), says: "/// Whatever is wanted" },
    Seed { name: "a line left out of the prose", file: ONE, old: "/// Answers one line.\n", new: "",
        check: REBUILD, at: (ONE, "fn serve"), says: "has `/// Answers one line.` instead" },
    Seed { name: "a line left out of the folder", file: "tutorial/01-shout/main.rs", old: "/// Answers one line.\n", new: "",
        check: REBUILD, at: (ONE, "/// Answers one line."), says: "has `fn serve" },
    Seed { name: "a wrong transcript", file: ONE, old: "localhost 9999\nHELLO\n$ (", new: "localhost 9999\nHALLO\n$ (",
        check: SESSIONS, at: (ONE, "HALLO"), says: "really comes `HELLO`" },
    Seed { name: "output that is not shown", file: TWO, old: "END\nERROR\n", new: "END\n",
        check: SESSIONS, at: (TWO, "END @2"), says: "also comes `ERROR`" },
    Seed { name: "output that does not come", file: TWO, old: "END\nERROR\n", new: "END\nERROR\nNEVER\n",
        check: SESSIONS, at: (TWO, "NEVER"), says: "`NEVER` does not come" },
    Seed { name: "a wrong line of the running program", file: ONE, old: "127.0.0.1:[..] wrote:\nhello", new: "127.0.0.1:[..] wrote:\nhallo",
        check: SESSIONS, at: (ONE, "hallo"), says: "really comes `hello`" },
    Seed { name: "a session that would hang", file: TWO, old: "quit\\r\\n' | nc localhost 11211\nEND\nERROR", new: "' | nc localhost 11211\nEND\nERROR",
        check: SESSIONS, at: (TWO, "nonsense @2"), says: "nc would hang here" },
    Seed { name: "a port nobody listens on", file: ONE, old: "printf 'you\\n' | nc localhost 9999", new: "printf 'you\\n' | nc localhost 11211",
        check: SESSIONS, at: (ONE, "printf 'you"), says: "nobody listens on port 11211" },
    Seed { name: "a command nobody can replay", file: ONE, old: "printf 'you\\n'", new: "echo you",
        check: SESSIONS, at: (ONE, "echo you"), says: "`echo you` is no printf" },
    Seed { name: "a test that is said to fail", file: TWO, old: "ok. 1 passed; [..]", new: "FAILED. [..]",
        check: SESSIONS, at: (TWO, "FAILED"), says: "does not come (in this order)" },
    Seed { name: "a diff that matches nowhere", file: TWO, old: "-//! A server that shouts.", new: "-//! A server that whispers.",
        check: REBUILD, at: (TWO, "```diff main.rs @2"), says: "matches 0 times" },
    Seed { name: "a diff that matches twice", file: TWO, old: "-//! A server that shouts.\n+//! A server that has nothing.", new: " }\n+",
        check: REBUILD, at: (TWO, "```diff main.rs @2"), says: "matches 2 times" },
    Seed { name: "a block said to be broken that compiles", file: TWO, old: "```rust tests/conversation.rs\n", new: "```rust tests/conversation.rs broken\n",
        check: REBUILD, at: (TWO, "```rust tests/conversation.rs broken"), says: "but the program compiles" },
    Seed { name: "a block that does not compile", file: ONE, old: "```rust main.rs broken", new: "```rust main.rs",
        check: REBUILD, at: (ONE, "```rust main.rs"), says: "cannot find function `serve`" },
    Seed { name: "an error that the compiler does not report", file: ONE, old: "    Ok(())\n}\n```\n", new: "    Ok(())\n}\n```\n\n```text\nerror[E0000]: no such name\n```\n",
        check: REBUILD, at: (ONE, "error[E0000]"), says: "cannot find function `serve`" },
    Seed { name: "an illustration that does not compile", file: ONE, old: "let shout: String", new: "let shout: usize",
        check: REBUILD, at: (ONE, "```rust @3"), says: "mismatched types" },
    Seed { name: "a warning at the end", file: TWO, old: "    Ok(())\n}\n```\n\n```console memcached", new: "    let unused = 1;\n    Ok(())\n}\n```\n\n```console memcached",
        check: REBUILD, at: (TWO, "let unused"), says: "unused variable" },
    Seed { name: "a block without a file", file: TWO, old: "```python miss.py given", new: "```python",
        check: REBUILD, at: (TWO, "```python"), says: "names no file" },
    Seed { name: "a block that does not name its file", file: ONE, old: "```rust main.rs broken", new: "```rust more.rs\nfn more() {}\n```\n\n```rust main.rs broken",
        check: checks::captions, at: (ONE, "```rust more.rs"), says: "`src/more.rs`" },
    Seed { name: "a quotation that is not in the file", file: ONE, old: "```rust\nlet shout", new: "```rust quote main.rs\nprintln!(\"hello\");\n```\n\n```rust\nlet shout",
        check: REBUILD, at: (ONE, "```rust quote"), says: "main.rs has no such lines" },
    Seed { name: "an unknown word", file: ONE, old: "```console exercise", new: "```console excercise",
        check: REBUILD, at: (ONE, "```console excercise"), says: "unknown word `excercise`" },
    Seed { name: "wrong minutes in the contents", file: CONTENTS, old: "| 7 minutes", new: "| 8 minutes",
        check: contents::minutes, at: (CONTENTS, "8 minutes"), says: "says 7 minutes" },
    Seed { name: "wrong minutes in the chapter", file: ONE, old: "5 minutes", new: "6 minutes",
        check: contents::minutes, at: (CONTENTS, "12 minutes"), says: "add up to 13" },
    Seed { name: "a chapter not listed", file: CONTENTS, old: "| 2 | [It misses](02-miss.md) | 7 minutes |\n", new: "",
        check: contents::minutes, at: (CONTENTS, "#"), says: "02-miss is not listed" },
    Seed { name: "a chapter missing in the book", file: "tutorial/SUMMARY.md", old: "- [It shouts](01-shout.md)\n", new: "",
        check: contents::summary, at: ("tutorial/SUMMARY.md", "- [It misses"), says: "here belongs `- [It shouts]" },
    Seed { name: "an exercise that is solved already", file: ONE, old: "HELLO!", new: "HELLO",
        check: SOLUTIONS, at: (ONE, "```console exercise"), says: "passes before it is solved" },
    Seed { name: "a solution that does not solve", file: ONE, old: "+ \"!\\n\"", new: "+ \"?\\n\"",
        check: SOLUTIONS, at: (ONE, "HELLO!"), says: "really comes `HELLO?`" },
    Seed { name: "a fourth session that is only shown", file: TWO, old: "```console shown\n", new: "```console shown\n```\n```console shown\n```\n```console shown\n```\n```console shown\n",
        check: checks::shown, at: (TWO, "```console shown @4"), says: "more than 3" },
    Seed { name: "our program at the port beside it", file: TWO, old: "nc localhost 11211\nEND\nERROR",
        new: "nc localhost 11212\nEND\nERROR",
        check: SESSIONS, at: (TWO, "nonsense @2"), says: "nobody listens on port 11212" },
    Seed { name: "a red session that is not what comes", file: TWO, old: "\nGET K\n", new: "\nGOT K\n",
        check: SESSIONS, at: (TWO, "GOT K"), says: "really comes `GET K`" },
    Seed { name: "a red session that is not red", file: TWO, old: "nonsense\\r\\nquit\\r\\n' | nc localhost 11211\nEND\nERROR\n",
        new: "nonsense\\r\\nquit\\r\\n' | nc localhost 11211\nGET K\n",
        check: PAIRS, at: (TWO, "```console red"), says: "this session is not red" },
    Seed { name: "a red session that never turns green", file: TWO, old: "```console memcached green", new: "```console memcached",
        check: PAIRS, at: (TWO, "```console red"), says: "no `green` session below" },
    Seed { name: "a green session that was never red", file: TWO, old: "```console red", new: "```console",
        check: PAIRS, at: (TWO, "```console memcached green"), says: "no `red` session above" },
    Seed { name: "a rung without a red session", file: TWO, old: "```console red", new: "```console",
        check: LADDER, at: (TWO, "**Checkpoint:**"), says: "no `red` session" },
    Seed { name: "a rung without a question", file: TWO, old: "> **Guess.** What will it say?\n", new: "",
        check: LADDER, at: (TWO, "**Checkpoint:**"), says: "asks no question" },
    Seed { name: "a question after its answer", file: TWO, old: "**Checkpoint:**", new: "> **Guess.** What did it say?\n\n**Checkpoint:**",
        check: LADDER, at: (TWO, "What did it say?"), says: "after the code that answers it" },
    Seed { name: "a check that nobody wrote", file: TWO, old: "`ch02_a_miss_is_a_miss`", new: "`ch02_a_hit_is_a_hit`",
        check: LADDER, at: (TWO, "**Checkpoint:**"), says: "tests/chapters has no ch02_a_hit_is_a_hit" },
    Seed { name: "a chapter without rungs", file: TWO, old: "**Checkpoint:**", new: "Checkpoint:",
        check: LADDER, at: (TWO, "#"), says: "0 rungs" },
    Seed { name: "41 lines typed without a run", file: TWO, old: "+//! A server that has nothing.\n",
        new: concat!("+//! A server that has nothing.\n", thirteen!("+//! It is still\n"), thirteen!("+//! the same\n"), thirteen!("+//! server.\n")),
        check: LADDER, at: (TWO, "```diff main.rs @2"), says: "41 lines are typed" },
    Seed { name: "the same 41 lines given without a word", file: TWO, old: "```diff main.rs\n-//! A server that shouts.", new: "```diff main.rs given\n-//! A server that shouts.",
        check: LADDER, at: (TWO, "```diff main.rs given"), says: "does not say `cop`" },
    Seed { name: "one of four blocks broken", file: TWO, old: "```rust tests/conversation.rs\n", new: "This does not compile.\n\n```rust tests/conversation.rs broken\n",
        check: LADDER, at: (TWO, "#"), says: "1 of 4 blocks" },
    Seed { name: "a check that is green before its rung", file: TWO, old: "What will it say?", new: "What does it say?",
        check: GREEN_BEFORE, at: (TWO, "**Checkpoint:**"), says: "is green before its rung" },
    Seed { name: "a check that is red after its rung", file: TWO, old: "What will it say?", new: "What does it say?",
        check: RED_AFTER, at: (TWO, "**Checkpoint:**"), says: "is red after its rung: so" },
    Seed { name: "a picture missing", file: TWO, old: "(02-miss/miss.svg)", new: "(02-miss/mess.svg)",
        check: LADDER, at: (TWO, "!["), says: "there is no picture 02-miss/mess.svg" },
    Seed { name: "a picture that nobody sees", file: TWO, old: "![A client", new: "A picture: ![A client",
        check: LADDER, at: (TWO, "#"), says: "miss.svg is not shown" },
    Seed { name: "a picture without words", file: TWO, old: "A client asks for k; the server says that it has nothing.", new: "miss",
        check: LADDER, at: (TWO, "!["), says: "do not tell what it shows" },
    Seed { name: "a picture for light rooms only", file: "tutorial/02-miss/miss.svg", old: "prefers-color-scheme", new: "prefers-contrast",
        check: LADDER, at: (TWO, "!["), says: "does not look to `prefers-color-scheme`" },
    Seed { name: "a script that is not in the folder", file: "tutorial/02-miss/miss.py", old: "some_key", new: "another_key",
        check: REBUILD, at: (TWO, "some_key"), says: "miss.py:2 has" },
    Seed { name: "a wrong transcript in the README", file: README, old: "VALUE k 0 1", new: "VALUE k 0 2",
        check: OURS, at: (README, "VALUE k 0 2"), says: "really comes `VALUE k 0 1`" },
    Seed { name: "a README without a session", file: README, old: "```console", new: "```text",
        check: OURS, at: (README, "#"), says: "no session is shown" },
];

#[rustfmt::skip]
const SEEDS_WITH_TOOLS: &[Seed] = &[
    Seed { name: "prose and program agree, memcached differs", file: TWO, old: "green\n$ printf 'get k", new: "green\n$ printf 'version",
        check: MEMCACHED, at: (TWO, "END @2"), says: "really comes `VERSION" },
    Seed { name: "both at the port beside ours", file: TWO, old: "nc localhost 11211\nEND\nERROR",
        new: "nc localhost 11212\nEND\nERROR",
        check: MEMCACHED, at: (TWO, "nonsense @2"), says: "nobody listens on port 11212" },
    Seed { name: "a wrong transcript of memcached alone", file: TWO, old: "VERSION [..]", new: "RELEASE [..]",
        check: MEMCACHED, at: (TWO, "RELEASE"), says: "really comes `VERSION" },
    Seed { name: "a test that memcached does not pass", file: TWO, old: "assert_eq!(reply, \"END", new: "assert_eq!(reply, \"OVER",
        check: MEMCACHED, at: (TWO, "test a_miss"), says: "does not come (in this order)" },
    Seed { name: "Python prints something else", file: TWO, old: "\nNone\n", new: "\nNothing\n",
        check: PYTHON, at: (TWO, "Nothing"), says: "really comes `None`" },
    Seed { name: "a test to write that is there already", file: TWO, old: "a_second_miss ... ok", new: "a_miss ... ok",
        check: TESTS_SOLVED, at: (TWO, "```console cargo-test only-memcached exercise"), says: "passes before it is solved" },
    Seed { name: "a test to write that memcached does not pass", file: TWO, old: "reply.is_empty()", new: "reply.is_ascii()",
        check: TESTS_SOLVED, at: (TWO, "a_second_miss ... ok"), says: "does not come (in this order)" },
    Seed { name: "unformatted code", file: ONE, old: "{} wrote:\",", new: "{} wrote:\" ,",
        check: checks::formatted, at: (ONE, "wrote:\" ,"), says: "rustfmt" },
];

/// What the one rung of the fixture brings.
fn a_miss_is_a_miss(peer: &peer::Peer) -> Verdict {
    let mut connection = peer.connect();
    connection.send("get k\r\nquit\r\n");
    peer::check("get k, quit", b"END\r\n", &connection.receive(1 << 10))
}

/// The fixture in a folder of its own, with its chapters' folders written.
fn fixture(name: &str) -> PathBuf {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    let written = WRITTEN.get_or_init(|| {
        let root = common::scratch("seed");
        copy(&common::project().join("tests/tutorial/fixture"), &root);
        assert_eq!(checks::rebuild(&root, true), []);
        root
    });
    let root = common::scratch(&format!("seed-{}", name.replace(' ', "-")));
    copy(written, &root);
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(from, to).expect("copy a file")),
        }
    }
}

/// The line of the text; `text @2` is its second one.
fn line_of(root: &Path, (file, text): (&str, &str)) -> String {
    let (text, nth) = text.split_once(" @").unwrap_or((text, "1"));
    let prose = fs::read_to_string(root.join(file)).expect("the prose");
    let line = (1..)
        .zip(prose.lines())
        .filter(|(_, line)| line.contains(text));
    let nth: usize = nth.parse().expect("a number");
    let line = line.map(|(line, _)| line).nth(nth - 1);
    format!(
        "{file}:{}",
        line.unwrap_or_else(|| panic!("{text:?} is not in {file}"))
    )
}

/// Why the seed is not caught as it should be.
fn missed(seed: &Seed) -> Option<String> {
    let root = fixture(seed.name);
    let file = root.join(seed.file);
    let text = fs::read_to_string(&file).expect("the file of the seed");
    assert_eq!(text.matches(seed.old).count(), 1, "{}", seed.name);
    fs::write(&file, text.replace(seed.old, seed.new)).expect("write the seed");
    let (faults, place) = ((seed.check)(&root), line_of(&root, seed.at));
    let caught = |fault: &Fault| fault.place.to_string() == place && fault.what.contains(seed.says);
    let caught = faults.iter().any(caught);
    let _ = fs::remove_dir_all(&root);
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    let (name, says, only) = (seed.name, seed.says, faults.join("\n  "));
    (!caught).then(|| format!("{name}: no fault at {place} says `{says}`, only\n  {only}\n"))
}

/// Four at a time: most of a seed's time is waiting, for rustc or for a server that does not close.
fn catch_all(seeds: &[Seed]) {
    let missed = |lane| {
        seeds
            .iter()
            .skip(lane)
            .step_by(4)
            .filter_map(missed)
            .collect()
    };
    let missed: Vec<String> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..4)
            .map(|lane| scope.spawn(move || missed(lane)))
            .collect();
        let join = |lane: thread::ScopedJoinHandle<Vec<String>>| lane.join().expect("no panic");
        lanes.into_iter().flat_map(join).collect()
    });
    assert!(missed.is_empty(), "{}", missed.concat());
}

/// Without a seed nothing is reported: the checks do not cry wolf.
#[test]
fn the_fixture_has_no_faults() {
    let root = fixture("none");
    for check in [
        REBUILD,
        SESSIONS,
        SOLUTIONS,
        contents::minutes,
        contents::summary,
        LADDER,
        PAIRS,
        JUDGED,
        OURS,
        checks::shown,
        checks::small_steps,
    ] {
        assert_eq!(check(&root), []);
    }
}

#[test]
#[ignore = "needs memcached, pymemcache, rustfmt: apt-get install memcached, pip install pymemcache, rustup component add rustfmt"]
fn the_fixture_has_no_faults_with_tools() {
    let root = fixture("none with tools");
    for check in [MEMCACHED, PYTHON, TESTS_SOLVED, checks::formatted] {
        assert_eq!(check(&root), []);
    }
}

#[test]
fn seeded_faults_are_caught() {
    catch_all(SEEDS);
}

#[test]
#[ignore = "needs memcached, pymemcache, rustfmt: apt-get install memcached, pip install pymemcache, rustup component add rustfmt"]
fn seeded_faults_are_caught_with_tools() {
    catch_all(SEEDS_WITH_TOOLS);
}

#[test]
fn a_folder_without_its_chapter_is_told_and_removed() {
    let root = fixture("orphan");
    fs::create_dir(root.join("tutorial/03-gone")).expect("create a folder");
    assert!(
        REBUILD(&root)[0]
            .what
            .contains("03-gone belongs to no chapter")
    );
    assert_eq!(checks::rebuild(&root, true), []);
    assert_eq!(REBUILD(&root), []);
}

/// A chapter that only runs something: what it gives is in its folder, and no program is.
#[test]
fn a_chapter_without_a_program_has_a_folder_of_what_it_gives() {
    let root = fixture("without a program");
    let chapter = "# 3. It waits\n\n```yaml wait.yml given\nwait: 1\n```\n\n```console servers\n$ wait\n```\n";
    fs::write(root.join("tutorial/03-wait.md"), chapter).expect("a chapter");
    let faults = REBUILD(&root);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0]
            .what
            .contains("there is no tutorial/03-wait/wait.yml")
    );
    assert_eq!(faults[0].place.to_string(), "tutorial/03-wait.md:4");
    assert_eq!(checks::rebuild(&root, true), []);
    fs::write(root.join("tutorial/03-wait/wait.yml"), "wait: 2\n").expect("another");
    assert!(
        REBUILD(&root)[0]
            .what
            .contains("wait.yml:1 has `wait: 2` instead")
    );
    assert_eq!(SESSIONS(&root), []);
}

#[test]
fn printf_writes_what_the_shell_writes() {
    assert_eq!(
        printf(r"a\r\n\t\\%%\0\x7fz\101").as_deref(),
        Ok(&b"a\r\n\t\\%\0\x7fzA"[..])
    );
    for wrong in [r"\q", "%s", "\\", r"\xg0", r"\400"] {
        assert!(printf(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_client_may_come_later_and_pause() {
    let typed = r"sleep 1; (printf 'a\n'; sleep 0.5; printf 'b\n') | nc localhost 9999 &";
    let client = session::client(typed).expect("a client");
    assert_eq!((client.after.as_secs(), client.parts.len()), (1, 3));
    assert!(client.background && client.port == 9999);
}

#[test]
fn a_client_may_say_a_word_again_and_again() {
    let words =
        r"(printf 'get '; yes key | head -n 2 | tr '\n' ' '; yes k | head -n 3 | tr -d '\n')";
    let client = session::client(&format!("{words} | nc localhost 9999")).expect("a client");
    let sent = Part::Send(b"get key key kkk".to_vec());
    assert_eq!((client.parts, client.lines), (vec![sent], None));
    assert!(session::client("(yes key | tr 'a' 'b') | nc localhost 9999").is_err());
}

#[test]
fn a_client_may_wait_for_others_and_repeat_a_line() {
    let typed =
        r"wait; (printf 'add k%s 0 0 1\r\n' $(seq 2); printf 'quit\r\n') | nc localhost 9999";
    let client = session::client(typed).expect("a client");
    let sent = b"add k1 0 0 1\r\nadd k2 0 0 1\r\nquit\r\n".to_vec();
    assert_eq!(client.parts, [session::Part::Send(sent)]);
    assert!(client.waits && !client.background);
}

#[test]
fn wildcards_match_within_a_line() {
    assert!(session::matches("VERSION [..]", "VERSION 1.6"));
    assert!(session::matches(
        "[..] wrote: [..]!",
        "127.0.0.1:9 wrote: a!b!"
    ));
    assert!(!session::matches("[..] wrote", "x wrote:"));
    assert!(!session::matches("ab[..]b", "ab"));
}
