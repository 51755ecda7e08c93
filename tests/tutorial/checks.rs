//! What a tutorial must keep, each as a list of the faults found; the tests and their proof call these.

use crate::common::project;
use crate::prose::{self, Code, Fault, Kind, Mode, Place, Role};
use crate::replay::{Desk, Peer};
use crate::steps::{self, Chapter, Exercise, Step, Which};
use crate::tree::{self, Tree};
use crate::workshop::{self, Complaint, Workshop};
use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle};

/// Lines a reader types in a block, in a chapter, and the median over all blocks.
const STEP: [usize; 3] = [40, 240, 12];
/// Sessions of a chapter that nothing replays, such as an installation.
const SHOWN: usize = 3;

pub type Faults = Vec<Fault>;

/// Where a fault of the whole tutorial is reported.
pub fn contents() -> Place {
    let file = "tutorial/README.md".into();
    Place { file, line: 1 }
}

/// The faults of every chapter; if the prose cannot be read, those alone.
pub fn each(root: &Path, check: impl FnMut(&Chapter) -> Faults) -> Faults {
    match steps::read(root) {
        Ok(chapters) => chapters.iter().flat_map(check).collect(),
        Err(faults) => faults,
    }
}

/// Each chapter's folder is what the prose says, and the last one's end is `src/`; with `bless` they are written instead.
pub fn rebuild(root: &Path, bless: bool) -> Faults {
    let orphans = orphans(root).into_iter().filter_map(|folder| {
        let what = format!(
            "{} belongs to no chapter; BLESS=1 removes it",
            folder.display()
        );
        match bless {
            true => fs::remove_dir_all(&folder)
                .err()
                .map(|error| Fault::at(&contents(), error.to_string())),
            false => Some(Fault::at(&contents(), what)),
        }
    });
    let mut faults: Faults = orphans.collect();
    faults.extend(each(root, |chapter| {
        let misquoted = |step| misquoted(chapter, step);
        let mut faults: Faults = chapter.steps.iter().filter_map(misquoted).collect();
        let folder = root.join("tutorial").join(&chapter.name);
        match bless {
            true => workshop::write_beside_pictures(&folder, &chapter.folder()),
            false => faults.extend(differs(chapter, root, &folder, &chapter.folder())),
        }
        if chapter.is_the_product {
            let (source, product) = (root.join("src"), chapter.product());
            match bless {
                true => workshop::write(&source, &product),
                false => faults.extend(differs(chapter, root, &source, &product)),
            }
        }
        faults
    }));
    faults
}

/// Every block compiles or says that it does not, and nothing is left to warn about at a chapter's end.
pub fn blocks(root: &Path, which: Which) -> Faults {
    in_lanes(root, which, |workshop, _, chapter| {
        let mut faults: Faults = Vec::new();
        for (number, step) in chapter.steps.iter().enumerate() {
            if !is_copied_with_the_next(step, &chapter.steps[number + 1..]) {
                faults.extend(compiles(workshop, step));
            }
        }
        let pairs = chapter.steps.windows(2);
        faults.extend(pairs.filter_map(|pair| misreported(workshop, &pair[0], &pair[1])));
        let clean = faults.is_empty();
        let ends = chapter
            .exercises
            .iter()
            .filter_map(|exercise| exercise.solution.as_ref());
        for end in ends.chain(clean.then_some(&chapter.tree)) {
            let complaints = workshop.complaints(end, true);
            faults.extend(
                complaints
                    .iter()
                    .map(|complaint| at_its_line(chapter, end, complaint)),
            );
        }
        faults
    })
}

/// Folders `tutorial/NN-…` whose chapter is gone.
fn orphans(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("tutorial")).into_iter().flatten();
    let of_a_chapter = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && name.starts_with(|first: char| first.is_ascii_digit())
    };
    let folders = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(of_a_chapter);
    folders
        .filter(|path| !path.with_extension("md").exists())
        .collect()
}

/// Blocks that are given or moved one behind the other are copied together: the program compiles after the last.
fn is_copied_with_the_next(step: &Step, later: &[Step]) -> bool {
    let copied = |step: &Step| match &step.block.kind {
        Kind::Code(code) => matches!(code.role, Role::Given | Role::Moved),
        _ => false,
    };
    copied(step) && later.first().is_some_and(copied)
}

fn compiles(workshop: &mut Workshop, step: &Step) -> Option<Fault> {
    let (tree, broken) = match &step.block.kind {
        Kind::Code(code) => (step.tree.clone(), code.role == Role::Broken),
        Kind::Illustration => {
            let mut lines = step.block.lines.clone();
            if !tree::text(&lines).contains("fn main") {
                let (mut first, mut last) = (lines.first()?.clone(), lines.last()?.clone());
                (first.text, last.text) = ("fn main() {".into(), "}".into());
                lines.insert(0, first);
                lines.push(last);
            }
            (Tree::from([("main.rs".to_string(), lines)]), false)
        }
        _ => return None,
    };
    let complaint = workshop.complaints(&tree, false).into_iter().next();
    let what = match complaint {
        None if broken => "this block is said to be broken, but the program compiles".into(),
        Some(complaint) if !broken => complaint.what,
        _ => return None,
    };
    Some(Fault::at(&step.block.place, what))
}

/// Below a block that does not compile, an error that the compiler does not report.
fn misreported(workshop: &mut Workshop, step: &Step, below: &Step) -> Option<Fault> {
    let Kind::Code(Code {
        role: Role::Broken, ..
    }) = step.block.kind
    else {
        return None;
    };
    let shown = below.block.lines.first()?;
    let complaint = workshop.complaints(&step.tree, false).into_iter().next()?;
    let wrong = shown.text.starts_with("error") && !complaint.what.contains(&shown.text);
    wrong.then(|| {
        Fault::at(
            &shown.from,
            format!("the compiler says `{}`", complaint.what),
        )
    })
}

/// A quotation that does not stand in its file.
fn misquoted(chapter: &Chapter, step: &Step) -> Option<Fault> {
    let Kind::Quote(file) = &step.block.kind else {
        return None;
    };
    let quoted = tree::text(&step.block.lines);
    let found = step.tree.get(file).or_else(|| chapter.scripts.get(file));
    let stands = found.is_some_and(|lines| tree::text(lines).contains(&quoted));
    (!stands).then(|| Fault::at(&step.block.place, format!("{file} has no such lines")))
}

/// The fault at the line of prose that this line of the program comes from.
fn at_its_line(chapter: &Chapter, tree: &Tree, complaint: &Complaint) -> Fault {
    let lines = tree.get(&complaint.file).filter(|lines| !lines.is_empty());
    let line = lines.map(|lines| &lines[complaint.line.clamp(1, lines.len()) - 1]);
    let (file, start) = (chapter.file.clone(), 1);
    let place = line.map_or(Place { file, line: start }, |line| line.from.clone());
    Fault::at(&place, complaint.what.clone())
}

/// Where the folder does not hold these files, and these alone.
fn differs(chapter: &Chapter, root: &Path, folder: &Path, files: &Tree) -> Faults {
    let found = workshop::folder_texts(folder);
    let shown = folder.strip_prefix(root).unwrap_or(folder);
    let name = |file: &str| shown.join(file).display().to_string();
    let foreign = found
        .iter()
        .filter(|(file, _)| !files.contains_key(file) && !workshop::is_picture(file));
    let complain = |file: &str, line, what| {
        let file = file.to_string();
        at_its_line(chapter, files, &Complaint { file, line, what })
    };
    let mut faults: Faults = foreign
        .map(|(file, _)| complain(file, 1, format!("the prose never makes {}", name(file))))
        .collect();
    for (file, lines) in files {
        let prose = tree::text(lines);
        let Some((_, text)) = found.iter().find(|(found, _)| found == file) else {
            faults.push(complain(
                file,
                1,
                format!("there is no {}; BLESS=1 writes it", name(file)),
            ));
            continue;
        };
        if *text != prose {
            let same = text
                .lines()
                .zip(prose.lines())
                .take_while(|(a, b)| a == b)
                .count();
            let there = text.lines().nth(same).unwrap_or("(the end)");
            let what = format!("{}:{} has `{there}` instead", name(file), same + 1);
            faults.push(complain(file, same + 1, what));
        }
    }
    faults
}

/// Every chapter's end, and every solution, is as rustfmt writes it.
pub fn formatted(root: &Path) -> Faults {
    let workshop = Workshop::new();
    let mut faults = each(root, |chapter| {
        let solutions = chapter
            .exercises
            .iter()
            .filter_map(|exercise| exercise.solution.as_ref());
        let mut faults = Vec::new();
        for tree in solutions.chain([&chapter.tree]) {
            let complaints = workshop.unformatted(tree);
            faults.extend(
                complaints
                    .iter()
                    .map(|complaint| at_its_line(chapter, tree, complaint)),
            );
        }
        faults
    });
    // What is not mended stays so in every chapter that follows.
    faults.sort();
    faults.dedup();
    faults
}

/// Chapters that are replayed at the same time: most of a session is waiting.
const LANES: usize = 8;

/// The faults of every chapter, several at a time, each in a lane's workshop and with the chapters before it.
fn in_lanes(
    root: &Path,
    which: Which,
    check: impl Fn(&mut Workshop, &[Chapter], &Chapter) -> Faults + Sync,
) -> Faults {
    let chapters = match steps::read(root) {
        Ok(chapters) => chapters,
        Err(faults) => return faults,
    };
    let lane = |lane: usize| -> Faults {
        let mut workshop = Workshop::new();
        let own = chapters.iter().enumerate().skip(lane).step_by(LANES);
        let own = own.filter(|(_, chapter)| chapter.is_wanted(which));
        own.flat_map(|(number, chapter)| check(&mut workshop, &chapters[..number], chapter))
            .collect()
    };
    let lane = &lane;
    let mut faults: Faults = thread::scope(|scope| {
        let start = |number| scope.spawn(move || lane(number));
        let lanes: Vec<_> = (0..LANES).map(start).collect();
        let join = |lane: ScopedJoinHandle<Faults>| lane.join().expect("no panic");
        lanes.into_iter().flat_map(join).collect()
    });
    faults.sort();
    faults
}

/// Every session replays; with `python` also those that need pymemcache.
pub fn sessions(root: &Path, peer: Peer, python: bool, which: Which) -> Faults {
    in_lanes(root, which, |workshop, before, chapter| {
        let mut desk = Desk::new(workshop, peer, python);
        before.iter().for_each(|chapter| desk.remember(chapter));
        let mut faults = desk.chapter(chapter);
        if root == project() {
            // Not `println!`: a newcomer is to see it while it happens.
            let title = chapter.text.lines().next().unwrap_or_default();
            let _ = writeln!(
                stderr(),
                "sessions replayed: {}",
                title.trim_start_matches("# ")
            );
        }
        if peer == Peer::Memcached {
            let own = |exercise: &&Exercise| !exercise.needs_memcached();
            let exercises = chapter.exercises.iter().filter(own);
            faults.extend(exercises.flat_map(|exercise| desk.exercise(exercise, &chapter.tree)));
        }
        faults
    })
}

/// The check of an exercise fails before its solution and passes after it; of those exercises this peer can judge.
pub fn solutions(root: &Path, peer: Peer, which: Which) -> Faults {
    in_lanes(root, which, |workshop, _, chapter| {
        let mut faults = Vec::new();
        let memcached = peer == Peer::Memcached;
        let own = |exercise: &&Exercise| exercise.needs_memcached() == memcached;
        for exercise in chapter.exercises.iter().filter(own) {
            let mut desk = Desk::new(workshop, peer, false);
            if desk.exercise(exercise, &chapter.tree).is_empty() {
                let what = "this exercise's check passes before it is solved";
                faults.push(Fault::at(&exercise.place, what));
            }
            let solution = exercise.solution.as_ref();
            faults.extend(solution.map_or(Vec::new(), |tree| desk.exercise(exercise, tree)));
        }
        faults
    })
}

/// Few sessions are only shown; how many is printed.
pub fn shown(root: &Path) -> Faults {
    each(root, |chapter| {
        let only_shown = |step: &&Step| match &step.block.kind {
            Kind::Session(session) => session.mode == Mode::Shown,
            _ => false,
        };
        let shown: Vec<&Step> = chapter.steps.iter().filter(only_shown).collect();
        println!("{}: {} sessions are only shown", chapter.name, shown.len());
        let over = shown.iter().skip(SHOWN);
        over.map(|step| {
            Fault::at(
                &step.block.place,
                format!("more than {SHOWN} are only shown"),
            )
        })
        .collect()
    })
}

/// Where a program has several source files, a line of its own above each block names the one that it changes: a reader
/// does not see the info string.
pub fn captions(root: &Path) -> Faults {
    each(root, |chapter| {
        let sources = chapter.tree.keys().filter(|file| !file.contains('/'));
        if sources.count() < 2 {
            return Faults::new();
        }
        let lines: Vec<&str> = chapter.text.lines().collect();
        let caption = |place: &Place| {
            lines[..place.line - 1]
                .iter()
                .rfind(|line| !line.is_empty())
        };
        let (blocks, _) = prose::blocks(&chapter.file, &chapter.text);
        let uncaptioned = blocks.iter().filter_map(|block| {
            let Kind::Code(code) = &block.kind else {
                return None;
            };
            let name = format!("`src/{}`", code.file);
            let named = caption(&block.place) == Some(&&*name);
            (!named).then(|| Fault::at(&block.place, format!("above this block belongs {name}")))
        });
        uncaptioned.collect()
    })
}

/// No block, no chapter and not the median asks for too much typing; the numbers are printed.
pub fn small_steps(root: &Path) -> Faults {
    let [block, whole, median] = STEP;
    let mut all = Vec::new();
    let mut faults = each(root, |chapter| {
        let steps = chapter.steps.iter().filter(|step| step.typed > 0);
        let sizes: Vec<(usize, &Place)> =
            steps.map(|step| (step.typed, &step.block.place)).collect();
        let sum: usize = sizes.iter().map(|(size, _)| size).sum();
        println!("{}: {} blocks, {sum} lines", chapter.name, sizes.len());
        all.extend(sizes.iter().map(|(size, _)| *size));
        let large = sizes.iter().filter(|(size, _)| *size > block);
        let mut faults: Faults = large
            .map(|(size, place)| Fault::at(place, format!("adds {size} lines, over {block}")))
            .collect();
        if sum > whole {
            let place = sizes.last().map(|(_, place)| (*place).clone());
            let what = format!("the chapter adds {sum} lines, over {whole}");
            faults.push(Fault::at(&place.unwrap_or_else(contents), what));
        }
        faults
    });
    all.sort();
    let middle = all.get(all.len() / 2).copied().unwrap_or(0);
    println!("median of {} blocks: {middle} lines", all.len());
    if middle > median {
        faults.push(Fault::at(
            &contents(),
            format!("the median block adds {middle} lines, over {median}"),
        ));
    }
    faults
}
