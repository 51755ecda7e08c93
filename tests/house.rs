//! The house has no circles: which file may use which stands at the head of `src/main.rs`, and this test keeps it true.

mod common;

use common::project;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The names of the table stand in so many characters of a line; what they are for stands behind.
const NAMES: usize = 33;

/// The rooms by name, each with its floor: 0 is the highest. A room is a file of `src/`, with the folder of the same name.
fn floors(main: &str) -> HashMap<String, usize> {
    let table = main.split("```text").nth(2).expect("a second picture");
    let table = table.split("```").next().expect("its end");
    let mut floors = HashMap::new();
    let lines = table.lines().filter_map(|line| line.strip_prefix("//! "));
    for (floor, line) in lines.enumerate() {
        let names = line.get(..NAMES).unwrap_or(line);
        for name in names.split_whitespace() {
            floors.insert(name.to_string(), floor);
        }
    }
    floors
}

/// What a room uses of the others: every name behind `crate::`, outside of comments and tests.
fn uses(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let rests = lines.flat_map(|line| line.split("crate::").skip(1));
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    rests
        .map(|rest| rest.split(|letter| !is_name(letter)).next().unwrap_or(rest))
        .collect()
}

/// Arrows that the table does not allow.
fn faults(floors: &HashMap<String, usize>, room: &str, text: &str) -> Vec<String> {
    let Some(floor) = floors.get(room) else {
        return vec![format!("{room} stands nowhere in the table")];
    };
    let others = uses(text).into_iter().filter(|other| *other != room);
    let wrong = others.filter(|other| floors.get(*other).is_none_or(|below| below <= floor));
    wrong
        .map(|other| format!("{room} uses {other}, which does not stand below it"))
        .collect()
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("src");
    let mut files = Vec::new();
    for entry in entries.map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files.extend(source_files(&entry));
        } else if entry.extension().is_some_and(|ending| ending == "rs") {
            files.push(entry);
        }
    }
    files
}

#[test]
fn knowledge_goes_one_way() {
    let source = project().join("src");
    let main = fs::read_to_string(source.join("main.rs")).expect("main.rs");
    let floors = floors(&main);
    let mut all = Vec::new();
    let files = source_files(&source);
    for file in &files {
        let inside = file.strip_prefix(&source).expect("below src");
        let room = inside.iter().next().expect("a name").to_string_lossy();
        let text = fs::read_to_string(file).expect("a source file");
        all.extend(faults(&floors, room.trim_end_matches(".rs"), &text));
    }
    assert!(
        files.len() > 15 && floors.len() > 15,
        "{} files, {} rooms",
        files.len(),
        floors.len()
    );
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn an_arrow_upwards_a_circle_and_a_room_without_a_place_are_found() {
    let rooms = ["main", "left  right", "below"].map(|names| format!("//! {names:<NAMES$}words\n"));
    let main = format!(
        "//! ```text\n//! a picture\n//! ```\n//! ```text\n{}//! ```\n",
        rooms.concat()
    );
    let floors = floors(&main);
    assert_eq!(floors.len(), 4);
    assert!(
        faults(
            &floors,
            "left",
            "use crate::below::Thing;\n// crate::main\n"
        )
        .is_empty()
    );
    for (room, text) in [
        ("below", "use crate::left::Thing;"),
        ("left", "use crate::right::Thing;"),
        ("left", "fn f() { crate::main::run() }"),
        ("left", "use crate::unknown::Thing;"),
        ("elsewhere", ""),
    ] {
        assert_eq!(faults(&floors, room, text).len(), 1, "{room}: {text}");
    }
}
