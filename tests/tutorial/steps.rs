//! The tutorial as its reader goes through it: chapter by chapter, the files after each block, the exercises.

use crate::common::project;
use crate::program;
use crate::prose::{self, Against, Block, Fault, Kind, Mode, Place, Role};
use crate::tree::{self, Tree};
use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub struct Chapter {
    /// As the folder is called: `01-shouts`.
    pub name: String,
    pub file: Arc<str>,
    pub text: String,
    pub steps: Vec<Step>,
    pub exercises: Vec<Exercise>,
    /// The program at the chapter's end.
    pub tree: Tree,
    /// It is the last chapter that changes the program, so its end is `src/` itself.
    pub is_the_product: bool,
    /// The scripts that this chapter shows or runs: they are in its folder too.
    pub scripts: Tree,
}

impl Chapter {
    /// What belongs into the chapter's folder, pictures apart. A chapter that changes no program has none there, and that of
    /// the last one that does is in `src/`.
    pub fn folder(&self) -> Tree {
        let mut files = match self.has_code() && !self.is_the_product {
            true => self.tree.clone(),
            false => Tree::new(),
        };
        files.extend(self.scripts.clone());
        files
    }

    /// The program without its tests: what belongs into `src/`.
    pub fn product(&self) -> Tree {
        let mut files = self.tree.clone();
        files.retain(|file, _| !file.starts_with("tests/"));
        files
    }

    fn has_code(&self) -> bool {
        let code = |step: &Step| matches!(step.block.kind, Kind::Code(_));
        self.steps.iter().any(code)
    }
}

pub struct Step {
    pub block: Block,
    /// The files once this block is applied.
    pub tree: Tree,
    /// How many lines a reader types, blank ones not counted: none that are given, and none that only move.
    pub typed: usize,
    /// What the program was last started with in this chapter: the words behind `$ cargo run --`.
    pub arguments: Vec<String>,
}

pub struct Exercise {
    pub place: Place,
    pub checks: Vec<Block>,
    /// The chapter's program with the solution applied.
    pub solution: Option<Tree>,
}

impl Exercise {
    /// Its checks run a test against memcached, so the program alone cannot judge it.
    pub fn needs_memcached(&self) -> bool {
        self.checks.iter().any(|check| match &check.kind {
            Kind::Session(words) => {
                words.mode == Mode::CargoTest && words.against != Against::Program
            }
            _ => false,
        })
    }
}

/// To compile every block and to replay every session takes minutes, too many of them for a newcomer's first `cargo test`.
#[derive(Clone, Copy, PartialEq)]
pub enum Which {
    /// The article's four steps.
    First,
    All,
}

impl Chapter {
    /// Whoever writes on a few chapters has only these compiled, replayed and judged: `CHAPTERS=05,06 cargo test --test
    /// tutorial`.
    pub fn is_wanted(&self, which: Which) -> bool {
        let chosen = std::env::var("CHAPTERS").unwrap_or_default();
        let number = &self.name[..2];
        let is_seed = !project().join(&*self.file).exists();
        match chosen.as_str() {
            _ if is_seed => true,
            "" => which == Which::All || number <= "04",
            chosen => chosen.split(',').any(|chosen| chosen == number),
        }
    }
}

/// Every chapter below `root/tutorial`, or all that cannot be read or applied. Those of the project are read once, whatever
/// test asks.
pub fn read(root: &Path) -> Result<Arc<[Chapter]>, Vec<Fault>> {
    static OURS: OnceLock<Result<Arc<[Chapter]>, Vec<Fault>>> = OnceLock::new();
    match root == project() {
        true => OURS.get_or_init(|| read_anew(root)).clone(),
        false => read_anew(root),
    }
}

fn read_anew(root: &Path) -> Result<Arc<[Chapter]>, Vec<Fault>> {
    let (mut faults, mut tree) = (Vec::new(), Tree::new());
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut known = Tree::new();
    for name in chapter_names(root) {
        let file: Arc<str> = format!("tutorial/{name}.md").into();
        let text = fs::read_to_string(root.join(&*file)).expect("a chapter in UTF-8");
        let (blocks, unread) = prose::blocks(&file, &text);
        faults.extend(unread);
        let steps = steps(&mut tree, &blocks, &mut faults);
        chapters.push(Chapter {
            exercises: exercises(&tree, &blocks, &mut faults),
            tree: tree.clone(),
            is_the_product: false,
            scripts: scripts(&mut known, &blocks),
            name,
            file,
            text,
            steps,
        });
    }
    if root.join("src").exists()
        && let Some(last) = chapters.iter_mut().rfind(|chapter| chapter.has_code())
    {
        last.is_the_product = true;
    }
    if chapters.is_empty() {
        let (file, line) = ("tutorial/README.md".into(), 1);
        faults.push(Fault::at(&Place { file, line }, "there are no chapters"));
    }
    match faults.is_empty() {
        true => Ok(chapters.into()),
        false => Err(faults),
    }
}

/// The names of the chapters' files without `.md`, in order: those that begin with a digit.
fn chapter_names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("tutorial")).into_iter().flatten();
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".md")?.to_string()))
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    names.sort();
    names
}

fn steps(tree: &mut Tree, blocks: &[Block], faults: &mut Vec<Fault>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut arguments = Vec::new();
    for block in blocks {
        let mut typed = 0;
        match &block.kind {
            Kind::Code(code) if code.role == Role::Solution => continue,
            Kind::Session(session) if session.exercise => continue,
            Kind::Code(code) => {
                let before = tree.clone();
                let added = tree::apply(tree, code, block);
                let added = added.unwrap_or_else(|fault| {
                    faults.push(fault);
                    0
                });
                typed = match code.role {
                    Role::Given => 0,
                    Role::Moved => tree::new_lines(&before, tree),
                    _ => added,
                };
            }
            Kind::Python(script) if !script.given => typed = tree::written(&block.lines),
            Kind::Session(session) if session.mode == Mode::Server => {
                let run = block.lines.iter().find(|line| line.text.starts_with("$ "));
                if let Some(run) = run {
                    let typed = run.text.trim_start_matches("$ ");
                    arguments = program::arguments(typed).unwrap_or_default();
                }
            }
            _ => {}
        }
        let (block, tree) = (block.clone(), tree.clone());
        steps.push(Step {
            block,
            tree,
            typed,
            arguments: arguments.clone(),
        });
    }
    steps
}

/// The scripts that these blocks show, as they are after the last block of each, and the `known` ones that they run.
fn scripts(known: &mut Tree, blocks: &[Block]) -> Tree {
    let script = |block: &Block| match &block.kind {
        Kind::Python(script) => Some((script.file.clone(), block.lines.clone())),
        _ => None,
    };
    let own: Tree = blocks.iter().filter_map(script).collect();
    let run = |file: &str| {
        let typed = blocks.iter().flat_map(|block| &block.lines);
        let command = format!("$ python3 {file}");
        own.contains_key(file) || typed.clone().any(|line| line.text.starts_with(&command))
    };
    known.extend(own.clone());
    let scripts = known.iter().filter(|(file, _)| run(file));
    scripts
        .map(|(file, lines)| (file.clone(), lines.clone()))
        .collect()
}

/// Checks that follow each other belong to one exercise, and so do the solution's blocks that follow them.
fn exercises(tree: &Tree, blocks: &[Block], faults: &mut Vec<Fault>) -> Vec<Exercise> {
    let mut exercises: Vec<Exercise> = Vec::new();
    for block in blocks {
        match &block.kind {
            Kind::Session(session) if session.exercise => match exercises.last_mut() {
                Some(open) if open.solution.is_none() => open.checks.push(block.clone()),
                _ => exercises.push(Exercise {
                    place: block.place.clone(),
                    checks: vec![block.clone()],
                    solution: None,
                }),
            },
            Kind::Code(code) if code.role == Role::Solution => match exercises.last_mut() {
                None => faults.push(Fault::at(&block.place, "a solution without an exercise")),
                Some(exercise) => {
                    let solution = exercise.solution.get_or_insert_with(|| tree.clone());
                    faults.extend(tree::apply(solution, code, block).err());
                }
            },
            _ => {}
        }
    }
    let unsolved = exercises.iter().filter(|one| one.solution.is_none());
    faults.extend(unsolved.map(|one| Fault::at(&one.place, "an exercise without a solution")));
    exercises
}
