//! Several servers and one cache: the sessions of chapter 26, and what the chapter claims with them.
//!
//! Its scripts start their servers and proxies themselves, on the ports that the chapter names: which server has which
//! key hangs on them. So one command runs at a time, also where two of these tests run, and each runs once.

mod common;

#[allow(dead_code)] // the tutorial's own tests use all of it
#[path = "tutorial/prose.rs"]
mod prose;
#[allow(dead_code)]
#[path = "tutorial/session.rs"]
mod session;

use common::{project, scratch};
use prose::{Against, Kind, Mode};
use std::collections::HashMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const CHAPTER: &str = "tutorial/26-more-than-one-server";

/// The chapter's ports begin behind this one; who listens here may use them.
const TURN: (&str, u16) = ("127.0.0.1", 21209);

/// How long a command may take, or wait for its turn, on the busiest machine.
const LONG: Duration = Duration::from_secs(300);

/// What this command of the chapter prints, errors too; it is run once.
fn said(command: &str) -> Arc<Vec<String>> {
    static SAID: Mutex<Option<HashMap<String, Arc<Vec<String>>>>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let said = said.get_or_insert_default();
    let lines = said
        .entry(command.to_string())
        .or_insert_with(|| run(command).into());
    Arc::clone(lines)
}

fn run(command: &str) -> Vec<String> {
    let turn = soon(|| TcpListener::bind(TURN).ok());
    assert!(turn.is_some(), "{TURN:?} is never free");
    let printed = scratch("scaling").join("printed");
    let output = File::create(&printed).expect("a file for what is printed");
    let errors = output.try_clone().expect("the same file");
    let mut shell = Command::new("sh")
        .args(["-c", command])
        .current_dir(project().join(CHAPTER))
        .env("SERVER", assert_cmd::cargo::cargo_bin!("mini-memcached"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .expect("run sh");
    let ended = soon(|| shell.try_wait().expect("ask for sh"));
    // A script ends its servers. One that was ended itself could not.
    let group = format!("kill -KILL -{} 2>/dev/null", shell.id());
    let _ = Command::new("sh").args(["-c", &group]).status();
    let _ = shell.wait();
    let text = fs::read_to_string(&printed).expect("what was printed");
    assert!(
        ended.is_some(),
        "`{command}` does not end, and said: {text}"
    );
    text.lines().map(str::to_string).collect()
}

/// What is there in the end; none if that takes too long.
fn soon<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + LONG;
    loop {
        let found = look();
        if found.is_some() || Instant::now() > deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The numbers of a line, and what stands between them; how many spaces there are depends on the numbers.
fn numbers(line: &str) -> (Vec<usize>, String) {
    let digit = |c: char| c.is_ascii_digit();
    let found = line.split(|c| !digit(c)).filter(|word| !word.is_empty());
    let between = line.replace(digit, " ");
    let between: Vec<&str> = between.split_whitespace().collect();
    (
        found.map(|word| word.parse().expect("a number")).collect(),
        between.join(" "),
    )
}

/// A number is about another if both are zero or neither, and one is at most four times the other: how often something
/// happens depends on the machine, whether it happens does not.
fn alike(shown: &str, got: &str) -> bool {
    let ((shown, shown_words), (got, words)) = (numbers(shown), numbers(got));
    let about = |(a, b): (&usize, &usize)| (*a == 0) == (*b == 0) && *a <= 4 * b && *b <= 4 * a;
    shown_words == words && shown.len() == got.len() && shown.iter().zip(&got).all(about)
}

/// Whether the memcached that is installed can be a proxy: since 1.6.23, where it was built so.
fn memcached_is_a_proxy() -> bool {
    let help = Command::new("memcached").arg("-h").output();
    let help = help.expect("memcached is needed here").stdout;
    String::from_utf8_lossy(&help).contains("proxy_config")
}

/// The chapter's sessions with this proxy; how many commands there were.
fn replay(proxy: Against) -> usize {
    let file: Arc<str> = format!("{CHAPTER}.md").into();
    let text = fs::read_to_string(project().join(&*file)).expect("the chapter");
    let (blocks, mut faults) = prose::blocks(&file, &text);
    let mut replayed = 0;
    for block in &blocks {
        let Kind::Session(words) = block.kind else {
            continue;
        };
        let Mode::Servers { about } = words.mode else {
            continue;
        };
        if words.against != proxy {
            continue;
        }
        for command in session::commands(&block.lines).1 {
            let got = said(command.typed());
            let same = |(shown, got): (&prose::Line, &String)| {
                session::matches(&shown.text, got) || about && alike(&shown.text, got)
            };
            if command.output.len() != got.len() || !command.output.iter().zip(&*got).all(same) {
                let what = format!("`{}` really says\n{}", command.typed(), got.join("\n"));
                faults.push(prose::Fault::at(&command.line.from, what));
            }
            replayed += 1;
        }
    }
    let faults: Vec<String> = faults.iter().map(prose::Fault::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    replayed
}

#[test]
#[ignore = "needs nutcracker, pymemcache, pylibmc: apt-get install nutcracker, pip install pymemcache pylibmc"]
fn the_sessions_of_chapter_26_replay() {
    assert!(
        replay(Against::Program) >= 10,
        "the chapter shows too little"
    );
}

#[test]
#[ignore = "needs pymemcache, and a memcached that can be a proxy: Debian 13 has one"]
fn the_sessions_with_memcached_as_the_proxy_replay() {
    match memcached_is_a_proxy() {
        true => assert!(replay(Against::Memcached) > 0, "none is shown"),
        false => println!("left out: the memcached that is installed cannot be a proxy"),
    }
}

/// The numbers of the one line of a command's output that begins so.
#[track_caller]
fn told(command: &str, start: &str) -> Vec<usize> {
    let said = said(command);
    let lines = said.iter().filter(|line| line.trim().starts_with(start));
    let lines: Vec<&String> = lines.collect();
    assert_eq!(lines.len(), 1, "`{start}` in {said:?} of {command}");
    numbers(lines[0]).0
}

#[test]
#[ignore = "needs nutcracker, pymemcache: apt-get install nutcracker, pip install pymemcache"]
fn no_server_has_twice_as_many_keys_as_another() {
    for command in [
        "python3 spread.py 30000",
        "python3 spread.py 30000 eject.yml",
    ] {
        let kept: Vec<usize> = ["port 21211", "port 21212", "port 21213"]
            .map(|port| told(command, port)[1])
            .into();
        let (least, most) = (kept.iter().min(), kept.iter().max());
        assert_eq!(kept.iter().sum::<usize>(), 30_000, "{command}");
        assert!(most <= least.map(|least| 2 * least).as_ref(), "{kept:?}");
    }
}

#[test]
#[ignore = "needs pymemcache, pylibmc: pip install pymemcache pylibmc"]
fn a_fourth_server_takes_a_quarter_of_the_keys_or_moves_three_quarters() {
    let lost = |way: &str| told(&format!("python3 fourth.py {way}"), "a client")[0];
    assert!((20_000..25_000).contains(&lost("modulo")), "three quarters");
    assert!((5_000..10_000).contains(&lost("ring")), "a quarter");
    assert!((5_000..10_000).contains(&lost("rendezvous")), "a quarter");
}

#[test]
#[ignore = "needs nutcracker, pymemcache: apt-get install nutcracker, pip install pymemcache"]
fn twenty_clients_read_nothing_wrong_through_the_proxy() {
    let answers = told("python3 mixed.py eject.yml", "40000 right");
    assert_eq!(answers, [40_000, 0]);
}

/// The keys of the three servers that were missed, and the errors of the four visitors, in one phase of an outage.
#[track_caller]
fn phase(command: &str, title: &str) -> (Vec<usize>, usize) {
    let numbers = told(command, title);
    let (missed, errors) = numbers.split_at(3);
    assert_eq!(errors.len(), 4, "{command}");
    (missed.to_vec(), errors.iter().sum())
}

#[test]
#[ignore = "needs nutcracker, pymemcache: apt-get install nutcracker, pip install pymemcache"]
fn a_killed_server_loses_its_own_keys_and_comes_back() {
    for command in ["python3 outage.py kill", "python3 outage.py kill eject.yml"] {
        let own = told(command, "keys of each server:")[1];
        let (missed, errors) = phase(command, "killed");
        assert_eq!(
            missed,
            [0, own, 0],
            "{command}: its own keys, and no others"
        );
        assert!(errors <= 40, "{command}: {errors} errors, for a moment");
        let (missed, _) = phase(command, "returned");
        assert_eq!(missed, [0, own, 0], "{command}: it comes back empty");
        let kept = told(command, "each keeps:");
        assert_eq!(kept[1], own, "{command}: and has all of them again");
    }
    let never_ejected = "python3 outage.py kill keep.yml";
    let (missed, errors) = phase(never_ejected, "killed");
    assert_eq!(missed, [0, 0, 0], "an error is no miss");
    assert!(errors > 400, "{errors} errors, until it is back");
}

#[test]
#[ignore = "needs nutcracker, pymemcache: apt-get install nutcracker, pip install pymemcache"]
fn a_hung_server_that_is_ejected_tells_old_values() {
    for command in ["python3 stale.py hang", "python3 stale.py hang eject.yml"] {
        let old = told(command, "stored as new, read as old:")[0];
        assert!((4..20).contains(&old), "{command}: {old} of about 10");
    }
    let never_ejected = "python3 stale.py hang keep.yml";
    let old = told(never_ejected, "stored as new, read as old:");
    assert_eq!(old, [0], "it promised nothing that it did not keep");
    let [_, errors] = told(never_ejected, "setting all to new:")[..] else {
        panic!("stored, and errors");
    };
    assert!((4..30).contains(&errors), "{errors} errors of about 10");
}

#[test]
fn a_number_is_about_another() {
    assert!(alike("errors of each: 2 1 0", "errors of  each: 1 1 0"));
    assert!(!alike("errors: 1", "errors: 0") && !alike("errors: 0", "errors: 1"));
    assert!(!alike("errors: 1", "errors: 5") && !alike("errors: 5", "errors: 1"));
    assert!(!alike("errors: 1", "wrong: 1") && !alike("errors: 1", "errors: 1 1"));
}
