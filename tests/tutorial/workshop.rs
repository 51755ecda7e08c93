//! A folder to build in: writes a tree to disk and asks rustc and rustfmt what they think of it.

use crate::common;
use crate::tree::{self, Tree};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Removed with all that was built when dropped; what was asked once is not built again.
pub struct Workshop {
    pub folder: PathBuf,
    verdicts: HashMap<String, Vec<Complaint>>,
    programs: HashMap<String, PathBuf>,
}

/// What a tool says, and the line of the tree it says it about.
#[derive(Clone, Debug)]
pub struct Complaint {
    pub file: String,
    pub line: usize,
    pub what: String,
}

impl Workshop {
    pub fn new() -> Workshop {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Workshop {
            folder: common::scratch(&format!("workshop-{}-{count}", process::id())),
            verdicts: HashMap::new(),
            programs: HashMap::new(),
        }
    }

    /// What rustc has against the program and its tests; warnings too when `strict`.
    pub fn complaints(&mut self, tree: &Tree, strict: bool) -> Vec<Complaint> {
        let key = format!("{strict} {}", joined(tree));
        if let Some(known) = self.verdicts.get(&key) {
            return known.clone();
        }
        let folder = self.folder.join("check");
        write(&folder, tree);
        let lints: &[&str] = if strict {
            &["-D", "warnings"]
        } else {
            &["-A", "warnings"]
        };
        let mut complaints = Vec::new();
        for root in roots(tree) {
            let test: &[&str] = if root == "main.rs" { &[] } else { &["--test"] };
            let metadata = ["--emit=metadata", "-o", "checked.rmeta", root];
            let said = rustc(&folder, &[&metadata, lints, test].concat()).err();
            complaints.extend(said.map(|text| first_error(root, &text)));
        }
        self.verdicts.insert(key, complaints.clone());
        complaints
    }

    /// Builds the program, or with its path one of the tests (`tests/conversation.rs`).
    pub fn build(&mut self, tree: &Tree, root: &str) -> Result<PathBuf, String> {
        let key = format!("{root} {}", joined(tree));
        if let Some(known) = self.programs.get(&key) {
            return Ok(known.clone());
        }
        let folder = self.folder.join(format!("build{}", self.programs.len()));
        write(&folder, tree);
        let test: &[&str] = if root == "main.rs" { &[] } else { &["--test"] };
        let arguments = ["-C", "debuginfo=0", "-A", "warnings", "-o", "program", root];
        rustc(&folder, &[&arguments, test].concat())?;
        let program = folder.join("program");
        self.programs.insert(key, program.clone());
        Ok(program)
    }

    /// Where rustfmt would write something else.
    pub fn unformatted(&mut self, tree: &Tree) -> Vec<Complaint> {
        let folder = self.folder.join("format");
        write(&folder, tree);
        let mut complaints = Vec::new();
        for file in tree.keys() {
            let output = Command::new("rustfmt")
                .args(["--edition", "2024", "--check", file])
                .current_dir(&folder)
                .output()
                .expect("rustfmt is needed here: rustup component add rustfmt");
            let said = String::from_utf8_lossy(&output.stdout);
            complaints.extend(first_difference(&said).map(|line| Complaint {
                file: file.clone(),
                line,
                what: "rustfmt would write this differently".into(),
            }));
            if !output.status.success() && said.is_empty() {
                let text = String::from_utf8_lossy(&output.stderr);
                complaints.push(first_error(file, &text));
            }
        }
        complaints
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The files of a folder, text only, as a tree has them; nothing when there is no folder.
pub fn folder_texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "__pycache__" {
            continue; // Python's own, if somebody has run a script there
        }
        if entry.path().is_dir() {
            let inside = folder_texts(&entry.path()).into_iter();
            found.extend(inside.map(|(file, text)| (format!("{name}/{file}"), text)));
        } else {
            let bytes = fs::read(entry.path()).expect("a readable file");
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found.sort();
    found
}

/// Makes the folder hold this tree and nothing else.
pub fn write(folder: &Path, tree: &Tree) {
    let _ = fs::remove_dir_all(folder);
    for (file, lines) in tree {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("create a folder");
        fs::write(path, tree::text(lines)).expect("write a file");
    }
}

/// Makes the folder hold this tree and its own pictures, and nothing else.
pub fn write_beside_pictures(folder: &Path, tree: &Tree) {
    let pictures: Vec<(String, String)> = folder_texts(folder)
        .into_iter()
        .filter(|(file, _)| is_picture(file))
        .collect();
    write(folder, tree);
    for (file, text) in pictures {
        fs::write(folder.join(file), text).expect("write a picture");
    }
}

/// Pictures are drawn by hand beside the prose, which only shows them.
pub fn is_picture(file: &str) -> bool {
    file.ends_with(".svg")
}

fn joined(tree: &Tree) -> String {
    let file = |(name, lines)| format!("{name}\0{}\0", tree::text(lines));
    tree.iter()
        .map(|(name, lines)| file((name, lines)))
        .collect()
}

/// What is compiled by itself: the program and each of its tests.
fn roots(tree: &Tree) -> impl Iterator<Item = &str> {
    let tests = tree.keys().filter(|file| file.starts_with("tests/"));
    let tests = tests.filter(|file| file.matches('/').count() == 1);
    ["main.rs"].into_iter().chain(tests.map(String::as_str))
}

fn rustc(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "--error-format=short",
            "--crate-name",
            "program",
        ])
        .args(arguments)
        // Of a new project, as cargo tells it.
        .env("CARGO_PKG_VERSION", "0.1.0")
        .current_dir(folder)
        .output()
        .expect("rustc is needed here: it comes with cargo");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// `main.rs:3:5: error[E0425]: cannot find …`, taken apart.
fn first_error(root: &str, text: &str) -> Complaint {
    let said = text
        .lines()
        .find(|line| line.contains("error"))
        .unwrap_or(text);
    let mut parts = said.splitn(3, ':');
    let (file, line) = (parts.next().unwrap_or(root), parts.next());
    Complaint {
        file: file.to_string(),
        line: line.and_then(|line| line.parse().ok()).unwrap_or(1),
        what: said.to_string(),
    }
}

/// rustfmt writes `Diff in PATH:LINE:`, some lines as they are, then what it would change.
fn first_difference(said: &str) -> Option<usize> {
    let mut lines = said
        .lines()
        .skip_while(|line| !line.starts_with("Diff in "));
    let (_, start) = lines.next()?.trim_end_matches(':').rsplit_once(':')?;
    let unchanged = lines.take_while(|line| line.starts_with(' ')).count();
    Some(start.parse::<usize>().ok()? + unchanged)
}
