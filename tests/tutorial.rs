//! The tutorial cannot lie: its prose, applied block by block, is the programs of its chapters, and every terminal
//! session it shows is replayed.
//!
//! A fault is reported with the line of Markdown to mend. `BLESS=1 cargo test --test tutorial` writes the chapters'
//! folders from the prose. The format of the blocks is told where it is read, in `tutorial/prose.rs`.

mod common;

#[path = "tutorial/checks.rs"]
mod checks;
#[path = "tutorial/contents.rs"]
mod contents;
#[path = "tutorial/items.rs"]
mod items;
#[path = "tutorial/program.rs"]
mod program;
#[path = "tutorial/prose.rs"]
mod prose;
#[path = "tutorial/readme.rs"]
mod readme;
#[path = "tutorial/replay.rs"]
mod replay;
#[path = "tutorial/seeds.rs"]
mod seeds;
#[path = "tutorial/session.rs"]
mod session;
#[path = "tutorial/steps.rs"]
mod steps;
#[path = "tutorial/terminal.rs"]
mod terminal;
#[path = "tutorial/tree.rs"]
mod tree;
#[path = "tutorial/workshop.rs"]
mod workshop;

use common::{Server, project};
use prose::Fault;
use replay::Peer;
use std::fs;

#[track_caller]
fn none(faults: Vec<Fault>) {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(
        lines.is_empty(),
        "{} faults:\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn the_prose_rebuilds_every_chapter() {
    let bless = std::env::var_os("BLESS").is_some();
    none(checks::rebuild(project(), bless));
}

#[test]
#[ignore = "needs rustfmt: rustup component add rustfmt"]
fn chapters_are_formatted() {
    none(checks::formatted(project()));
}

#[test]
fn sessions_replay() {
    none(checks::sessions(project(), Peer::Program, false));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn sessions_replay_against_memcached() {
    none(checks::sessions(project(), Peer::Memcached, false));
}

#[test]
#[ignore = "needs memcached and pymemcache: apt-get install memcached, pip install pymemcache"]
fn python_sessions_replay() {
    none(checks::sessions(project(), Peer::Program, true));
    none(checks::sessions(project(), Peer::Memcached, true));
}

#[test]
fn solutions_solve_their_exercises() {
    none(checks::solutions(project(), Peer::Program));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn solutions_solve_their_exercises_against_memcached() {
    none(checks::solutions(project(), Peer::Memcached));
}

#[test]
fn minutes_add_up() {
    none(contents::minutes(project()));
}

#[test]
fn steps_are_small() {
    none(checks::small_steps(project()));
}

#[test]
fn blocks_name_their_file() {
    none(checks::captions(project()));
}

#[test]
fn nearly_all_sessions_are_replayed() {
    none(checks::shown(project()));
}

#[test]
fn the_readme_replays() {
    none(readme::sessions(project(), Server::ours(&[]).address));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_readme_replays_against_memcached() {
    none(readme::sessions(project(), Server::memcached(&[]).address));
}

/// The chapter's name is a promise, and so is the number that the text tells.
#[test]
fn under_fifty_lines_is_under_fifty_lines() {
    let text = |file| fs::read_to_string(project().join(file)).expect(file);
    let program = text("tutorial/04-under-fifty-lines/main.rs");
    let lines = program.lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let count = code.count();
    assert!((1..50).contains(&count), "{count} lines of code");
    for file in ["README.md", "tutorial/04-under-fifty-lines.md"] {
        let told = format!("a memcached in {count} lines");
        assert!(text(file).contains(&told), "{file} does not say {told:?}");
    }
    let wide = program.lines().find(|line| line.chars().count() > 100);
    assert_eq!(wide, None, "over 100 columns");
}
