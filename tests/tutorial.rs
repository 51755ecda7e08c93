//! The tutorial cannot lie: its prose, applied block by block, is the programs of its chapters, and every terminal
//! session it shows is replayed.
//!
//! A fault is reported with the line of Markdown to mend. `BLESS=1 cargo test --test tutorial` writes the chapters'
//! folders, and `src/`, from the prose. The format of the blocks is told where it is read, in `tutorial/prose.rs`.

mod common;

#[path = "tutorial/catch_up.rs"]
mod catch_up;
#[path = "chapters/checkpoints.rs"]
mod checkpoints;
#[path = "tutorial/checks.rs"]
mod checks;
#[path = "tutorial/contents.rs"]
mod contents;
#[path = "tutorial/handout.rs"]
mod handout;
#[path = "tutorial/items.rs"]
mod items;
#[path = "tutorial/judged.rs"]
mod judged;
#[path = "tutorial/ladder.rs"]
mod ladder;
#[path = "tutorial/leader.rs"]
mod leader;
#[path = "tutorial/pairs.rs"]
mod pairs;
#[allow(dead_code)] // the tests of the chapters use all of it
#[path = "chapters/peer.rs"]
mod peer;
#[path = "tutorial/program.rs"]
mod program;
#[path = "tutorial/prose.rs"]
mod prose;
#[allow(dead_code)]
#[path = "chapters/readers.rs"]
mod readers;
#[path = "tutorial/readme.rs"]
mod readme;
#[path = "tutorial/replay.rs"]
mod replay;
#[path = "tutorial/rungs.rs"]
mod rungs;
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
use handout::HANDOUT;
use leader::{LEADER, Page};
use prose::Fault;
use replay::Peer;
use std::fs;
use std::process::Command;
use steps::Which;

const README: &str = "README.md";

/// The chapters that are told as ladders.
const LADDERS: &[&str] = &[
    "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23", "24", "25",
];

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
fn every_block_of_the_first_chapters_compiles() {
    none(checks::blocks(project(), Which::First));
}

#[test]
#[ignore = "takes a minute"]
fn every_block_compiles() {
    none(checks::blocks(project(), Which::All));
}

#[test]
#[ignore = "needs rustfmt: rustup component add rustfmt"]
fn chapters_are_formatted() {
    none(checks::formatted(project()));
}

#[test]
fn sessions_of_the_first_chapters_replay() {
    none(checks::sessions(
        project(),
        Peer::Program,
        false,
        Which::First,
    ));
}

#[test]
#[ignore = "takes a minute"]
fn sessions_replay() {
    none(checks::sessions(
        project(),
        Peer::Program,
        false,
        Which::All,
    ));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn sessions_replay_against_memcached() {
    let peer = Peer::Memcached;
    none(checks::sessions(project(), peer, false, Which::All));
}

#[test]
#[ignore = "needs memcached and pymemcache: apt-get install memcached, pip install pymemcache"]
fn python_sessions_replay() {
    for peer in [Peer::Program, Peer::Memcached] {
        none(checks::sessions(project(), peer, true, Which::All));
    }
}

#[test]
#[ignore = "takes half a minute"]
fn solutions_solve_their_exercises() {
    none(checks::solutions(project(), Peer::Program, Which::All));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn solutions_solve_their_exercises_against_memcached() {
    none(checks::solutions(project(), Peer::Memcached, Which::All));
}

#[test]
fn minutes_add_up() {
    none(contents::minutes(project()));
}

#[test]
fn the_book_has_every_chapter() {
    none(contents::summary(project()));
}

/// Each page that a workshop is led by, and each that leads to it.
const PAGES: &[&str] = &[
    "README.md",
    "tutorial/README.md",
    "tutorial/SUMMARY.md",
    LEADER,
];

#[test]
fn the_leader_asks_what_the_chapters_ask() {
    let chapters = steps::read(project()).unwrap_or_default();
    let page = Page::read(project(), LEADER);
    none(leader::questions(&page, &chapters));
    none(leader::rung_minutes(&page, &chapters));
    none(leader::plans(&page, &chapters));
}

#[test]
fn links_lead_somewhere() {
    let links = |file: &&'static str| leader::links(project(), &Page::read(project(), file));
    none(PAGES.iter().flat_map(links).collect());
}

#[test]
fn ours_takes_the_place_of_a_missing_memcached() {
    none(leader::stands_in(project()));
}

#[test]
fn steps_are_small() {
    none(checks::small_steps(project()));
}

/// Prints what is counted; `cargo test --test tutorial ladders -- --nocapture` shows it.
#[test]
fn ladders_have_small_rungs() {
    let checks: Vec<&str> = checkpoints::NAMED.iter().map(|(name, _)| *name).collect();
    println!("{}", ladder::table(project(), LADDERS, &checks));
    none(ladder::faults(project(), LADDERS, &ladder::LIMITS, &checks));
}

fn judge_checks(which: Which) {
    let named = |name: &str| checkpoints::NAMED.iter().find(|(known, _)| *known == name);
    none(judged::faults(project(), which, |name| {
        named(name).map(|(_, check)| *check)
    }));
}

#[test]
fn checks_of_the_first_chapters_are_red_before_their_rung_and_green_after() {
    judge_checks(Which::First);
}

#[test]
#[ignore = "takes a minute"]
fn checks_are_red_before_their_rung_and_green_after() {
    judge_checks(Which::All);
}

/// What a workshop ticks off: `cargo test --test tutorial the_list_of_checkpoints -- --nocapture`.
#[test]
fn the_list_of_checkpoints() {
    println!("{}", judged::list(project()));
}

/// For whoever fell behind: `CHECKPOINT=NAME cargo test --test tutorial the_program_at_a_checkpoint -- --nocapture` writes
/// the program as it stands there to a folder, and says to which. It must build, whichever it is.
#[test]
fn the_program_at_a_checkpoint() {
    let named = std::env::var("CHECKPOINT").ok();
    let checkpoint = named.as_deref().unwrap_or("ch05_only_a_space_separates");
    let files = catch_up::project_at(project(), checkpoint);
    let files = files.unwrap_or_else(|| panic!("no rung ends in the checkpoint {checkpoint}"));
    let folder = common::scratch("checkpoint");
    workshop::write(&folder, &files);
    println!("written to {}", folder.display());
    let built = workshop::Workshop::new().build(&files, "src/main.rs");
    assert!(built.is_ok(), "{built:?}");
}

#[test]
fn red_sessions_turn_green() {
    none(pairs::faults(project()));
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
    none(readme::sessions(project(), README, &Server::ours(&[])));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_readme_replays_against_memcached() {
    none(readme::sessions(project(), README, &Server::memcached(&[])));
}

#[test]
fn the_handout_fits_on_a_sheet_and_shows_every_reply() {
    let page = Page::read(project(), HANDOUT);
    none(handout::on_one_sheet(&page));
    none(handout::shown_replies(&page));
}

#[test]
fn the_handout_replays() {
    none(readme::sessions(project(), HANDOUT, &Server::ours(&[])));
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_handout_replays_against_memcached() {
    let memcached = Server::memcached(&[]);
    none(readme::sessions(project(), HANDOUT, &memcached));
}

/// What a cache is for, on a clock: the second visitor waits less than a tenth of the first one's time.
#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn the_slow_page_becomes_fast() {
    let ours = peer::Peer::own("04").own.expect("a program of ours");
    let script = project().join("tutorial/04-under-fifty-lines/slow.py");
    let script = fs::read_to_string(script).expect("slow.py");
    let script = script.replace("11211", &ours.address.port().to_string());
    let visit = || -> f64 {
        let mut python = Command::new("python3");
        let output = python.args(["-c", &script]).output().expect("python3");
        let said = String::from_utf8_lossy(&output.stdout);
        let seconds = said.trim().strip_suffix(" seconds");
        let seconds = seconds.and_then(|said| said.rsplit(' ').next()?.parse().ok());
        seconds.unwrap_or_else(|| panic!("slow.py said {output:?}"))
    };
    let (first, second) = (visit(), visit());
    assert!(second * 10.0 < first, "{first} seconds, then {second}");
}

/// The article's promise, kept in Python; and the slow page fits on a screen.
#[test]
fn the_scripts_of_chapter_4_are_short() {
    for (file, most) in [("server.py", 49), ("slow.py", 25)] {
        let path = project().join("tutorial/04-under-fifty-lines").join(file);
        let count = fs::read_to_string(path).expect(file).lines().count();
        assert!(count <= most, "{file} has {count} lines");
    }
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
    let chapters = steps::read(project()).expect("chapters that can be read");
    let given = |step: &&steps::Step| matches!(&step.block.kind, prose::Kind::Python(script) if script.file == "slow.py");
    let mut all = chapters.iter().flat_map(|chapter| &chapter.steps);
    let before = all.find(given).expect("slow.py");
    let told = format!(
        "says\n{}. The article",
        tree::written(&before.tree["main.rs"])
    );
    let chapter = text("tutorial/04-under-fifty-lines.md");
    assert!(chapter.contains(&told), "chapter 4 does not say {told:?}");
    let wide = program.lines().find(|line| line.chars().count() > 100);
    assert_eq!(wide, None, "over 100 columns");
}
