//! Folders to build in: writes a tree to disk and asks rustc and rustfmt what they think of it.

use crate::common;
use crate::tree::{self, Tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A place to work in, removed when dropped.
pub struct Workshop {
    pub folder: PathBuf,
}

/// Whoever asks for something second waits for the first one's answer: what is asked once is not built again by any test.
struct Answers<Answer>(Mutex<BTreeMap<String, Arc<OnceLock<Answer>>>>);

impl<Answer: Clone> Answers<Answer> {
    const fn new() -> Answers<Answer> {
        Answers(Mutex::new(BTreeMap::new()))
    }

    fn get(&self, question: String, find: impl FnOnce() -> Answer) -> Answer {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = Arc::clone(known.entry(question).or_default());
        drop(known);
        place.get_or_init(find).clone()
    }
}

static VERDICTS: Answers<Option<Complaint>> = Answers::new();
static PROGRAMS: Answers<Result<PathBuf, String>> = Answers::new();

/// A new folder for something that is compiled, below one that the next run of the tests empties.
fn bench() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = FOLDER.get_or_init(|| common::scratch("programs"));
    folder.join(count.to_string())
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
        }
    }

    /// What rustc has against the program and its tests; warnings too when `strict`.
    pub fn complaints(&self, tree: &Tree, strict: bool) -> Vec<Complaint> {
        let of = |root| complaint(&compiled_with(root, tree), root, strict);
        roots(tree).filter_map(of).collect()
    }

    /// Builds the program, or with its path one of the tests (`tests/conversation.rs`).
    pub fn build(&self, tree: &Tree, root: &str) -> Result<PathBuf, String> {
        let tree = compiled_with(root, tree);
        PROGRAMS.get(format!("{root} {}", joined(&tree)), || {
            let folder = bench();
            write(&folder, &tree);
            let test: &[&str] = if root == "main.rs" { &[] } else { &["--test"] };
            let arguments = ["-C", "debuginfo=0", "-C", "strip=symbols", "-A", "warnings"];
            rustc(
                &folder,
                &[&arguments, test, &["-o", "program", root]].concat(),
            )?;
            Ok(folder.join("program"))
        })
    }

    /// Where rustfmt would write something else.
    pub fn unformatted(&self, tree: &Tree) -> Vec<Complaint> {
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

fn complaint(tree: &Tree, root: &str, strict: bool) -> Option<Complaint> {
    VERDICTS.get(format!("{strict} {root} {}", joined(tree)), || {
        let folder = bench();
        write(&folder, tree);
        let lints = if strict { "-D" } else { "-A" };
        let test: &[&str] = if root == "main.rs" { &[] } else { &["--test"] };
        let metadata = ["--emit=metadata", "-o", "checked.rmeta", lints, "warnings"];
        let said = rustc(&folder, &[&metadata, test, &[root]].concat()).err();
        let _ = fs::remove_dir_all(&folder);
        said.map(|text| first_error(root, &text))
    })
}

/// The files that this root may use: a test knows nothing of the program.
fn compiled_with(root: &str, tree: &Tree) -> Tree {
    let of_a_test = |file: &str| file.starts_with("tests/");
    let files = tree
        .iter()
        .filter(|(file, _)| of_a_test(file) == of_a_test(root));
    files
        .map(|(file, lines)| (file.clone(), lines.clone()))
        .collect()
}

/// What is compiled by itself: the program and each of its tests.
fn roots(tree: &Tree) -> impl Iterator<Item = &str> {
    let tests = tree.keys().filter(|file| file.starts_with("tests/"));
    let tests = tests.filter(|file| file.matches('/').count() == 1);
    ["main.rs"].into_iter().chain(tests.map(String::as_str))
}

/// Two compilers at a time, and behind all others: they are not to take the processor from the servers that are judged
/// meanwhile.
fn rustc(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    static DESKS: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let desk = &DESKS[COUNT.fetch_add(1, Ordering::Relaxed) % DESKS.len()];
    let _turn = desk.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new("nice")
        .args(["-n", "5", "rustc", "--edition", "2024"])
        .args(["--error-format=short", "--crate-name", "program"])
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
