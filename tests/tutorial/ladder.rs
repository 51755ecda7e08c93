//! A chapter as a ladder: every rung sees the reader's own server fail, asks a question, changes a little, and shows
//! the same session right. What a ladder keeps within is counted here, and printed.

use crate::checks::Faults;
use crate::prose::{Against, Fault, Kind, Mode, Place, Role, Session};
use crate::rungs::{GUESS, Rung, at, code, prose, rungs, words};
use crate::steps::{self, Chapter, Step};
use crate::workshop;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// What a ladder keeps within.
pub struct Limits {
    pub rungs: RangeInclusive<usize>,
    /// Lines typed between two runs of one's own program: the most, and the median.
    pub typed: [usize; 2],
    /// One block of so many may leave the program broken.
    pub compiling: usize,
    pub checks: RangeInclusive<usize>,
    /// Bytes of a picture.
    pub picture: usize,
}

pub const LIMITS: Limits = Limits {
    rungs: 3..=6,
    typed: [40, 20],
    compiling: 10,
    checks: 3..=12,
    picture: 8 * 1024,
};

/// What there is to count in a chapter.
struct Counts {
    rungs: usize,
    questions: usize,
    /// Lines typed between two runs of one's own program, each with the last block of them.
    typed: Vec<(usize, Place)>,
    blocks: usize,
    broken: usize,
    pictures: usize,
    checks: usize,
}

fn counts(chapter: &Chapter, checks: &[&str]) -> Counts {
    let codes = || chapter.steps.iter().filter_map(code);
    Counts {
        rungs: rungs(chapter).len(),
        questions: prose(chapter)
            .filter(|(_, line)| line.starts_with(GUESS))
            .count(),
        typed: between_runs(chapter),
        blocks: codes().count(),
        broken: codes().filter(|code| code.role == Role::Broken).count(),
        pictures: pictures(chapter).len(),
        checks: of_chapter(checks, chapter),
    }
}

/// How much is typed between two runs of one's own program, or of one's own test.
fn between_runs(chapter: &Chapter) -> Vec<(usize, Place)> {
    let (mut all, mut sum, mut last) = (Vec::new(), 0, at(chapter, 1));
    for step in &chapter.steps {
        if step.typed > 0 {
            (sum, last) = (sum + step.typed, step.block.place.clone());
        }
        let own = |words: Session| {
            words.mode != Mode::Shown && matches!(words.against, Against::Program | Against::Both)
        };
        if sum > 0 && words(step).is_some_and(own) {
            all.push((std::mem::take(&mut sum), last.clone()));
        }
    }
    all.extend((sum > 0).then_some((sum, last)));
    all
}

fn median(typed: &[(usize, Place)]) -> usize {
    let mut sizes: Vec<usize> = typed.iter().map(|(size, _)| *size).collect();
    sizes.sort();
    sizes.get(sizes.len() / 2).copied().unwrap_or(0)
}

/// The pictures that a chapter shows, each on a line of its own, with their alternative texts.
fn pictures(chapter: &Chapter) -> Vec<(Place, &str, &str)> {
    let text = &chapter.text;
    let picture = |(start, mark): (usize, &str)| {
        let (alt, rest) = text[start + mark.len()..].split_once("](")?;
        let (file, _) = rest.split_once(')')?;
        let line = text[..=start].matches('\n').count() + 1;
        Some((at(chapter, line), alt, file))
    };
    text.match_indices("\n![").filter_map(picture).collect()
}

/// How many of these checks belong to the chapter: `ch04_…` to chapter 4.
fn of_chapter(checks: &[&str], chapter: &Chapter) -> usize {
    let start = format!("ch{}_", &chapter.name[..2]);
    let own = checks.iter().filter(|check| check.starts_with(&start));
    own.count()
}

/// The table of all chapters; those named in `ladders` are told as ladders.
pub fn table(root: &Path, ladders: &[&str], checks: &[&str]) -> String {
    let mut table = "chapter                      rungs  guesses  typed at once (median)  broken  checks  pictures\n".to_string();
    for chapter in steps::read(root).unwrap_or_default().iter() {
        let name = &chapter.name;
        let Counts {
            rungs,
            questions,
            typed,
            blocks,
            broken,
            pictures,
            checks,
        } = counts(chapter, checks);
        let (most, middle) = (
            typed.iter().map(|(size, _)| size).max().unwrap_or(&0),
            median(&typed),
        );
        let not_yet = match ladders.contains(&&name[..2]) {
            true => "",
            false if blocks == 0 => "  types nothing",
            false => "  not yet a ladder",
        };
        table += &format!(
            "{name:28} {rungs:5}  {questions:7}  {most:13} ({middle:6})  {broken:2}/{blocks:2}  {checks:7}  {pictures:8}{not_yet}\n"
        );
    }
    table
}

/// The faults of every chapter that is told as a ladder.
pub fn faults(root: &Path, ladders: &[&str], limits: &Limits, checks: &[&str]) -> Faults {
    let chapters = match steps::read(root) {
        Ok(chapters) => chapters,
        Err(faults) => return faults,
    };
    let told = |chapter: &&Chapter| ladders.contains(&&chapter.name[..2]);
    let mut faults: Faults = chapters
        .iter()
        .flat_map(|chapter| picture_faults(root, chapter, limits))
        .collect();
    for chapter in chapters.iter().filter(told) {
        faults.extend(
            rungs(chapter)
                .iter()
                .flat_map(|rung| rung_faults(chapter, rung, checks)),
        );
        faults.extend(count_faults(chapter, &counts(chapter, checks), limits));
        faults.extend(
            chapter
                .steps
                .iter()
                .filter_map(|step| unsaid(chapter, step)),
        );
    }
    faults
}

/// A rung has its four steps, in their order, and its check has its name.
fn rung_faults(chapter: &Chapter, rung: &Rung, checks: &[&str]) -> Faults {
    let fault = |what: &str| vec![Fault::at(&rung.place, what)];
    let (Some(red), Some(green)) = (rung.red, rung.green) else {
        return fault("this rung has no `red` session with a `green` one of the same commands");
    };
    let between = red.block.place.line..green.block.place.line;
    let changes = |step: &&Step| code(step).is_some() && between.contains(&step.block.place.line);
    let changes = chapter.steps.iter().filter(changes);
    let changes: Vec<usize> = changes.map(|step| step.block.place.line).collect();
    let [first, ..] = changes[..] else {
        return fault("nothing changes between this rung's sessions");
    };
    let [question, ..] = rung.guesses[..] else {
        return fault("this rung asks no question: `> **Guess.** …`");
    };
    // The first question comes before all code, and behind each of the others there is code that answers it.
    let late = |guess: &&usize| changes.iter().all(|change| *guess > change);
    let late = rung.guesses.iter().find(late);
    if let Some(guess) = late.or((question > first).then_some(&question)) {
        return vec![Fault::at(
            &at(chapter, *guess),
            "the question comes after the code that answers it",
        )];
    }
    if !checks.contains(&&*rung.check) {
        return fault(&format!("tests/chapters has no {}", rung.check));
    }
    Vec::new()
}

fn count_faults(chapter: &Chapter, counts: &Counts, limits: &Limits) -> Faults {
    let mut faults = Vec::new();
    let mut expect = |right: bool, what: String| {
        faults.extend((!right).then(|| Fault::at(&at(chapter, 1), what)));
    };
    let Counts {
        rungs,
        blocks,
        broken,
        pictures,
        checks,
        ..
    } = counts;
    expect(
        limits.rungs.contains(rungs),
        format!("{rungs} rungs, not {:?}", limits.rungs),
    );
    expect(
        limits.checks.contains(checks),
        format!("{checks} named checks, not {:?}", limits.checks),
    );
    expect(
        broken * limits.compiling <= *blocks,
        format!("{broken} of {blocks} blocks do not compile"),
    );
    expect(*pictures > 0, "no picture".into());
    let [most, middle] = limits.typed;
    let median = median(&counts.typed);
    expect(
        median <= middle,
        format!("the median between two runs is {median} lines, over {middle}"),
    );
    let large = counts.typed.iter().filter(|(size, _)| *size > most);
    faults.extend(large.map(|(size, place)| {
        Fault::at(
            place,
            format!("{size} lines are typed without a run, over {most}"),
        )
    }));
    faults
}

/// Above a block that does not compile, or is given, the text says so.
fn unsaid(chapter: &Chapter, step: &Step) -> Option<Fault> {
    let given = matches!(&step.block.kind, Kind::Python(script) if script.given);
    let word = match code(step).map(|code| code.role) {
        Some(Role::Broken) => "compile",
        Some(Role::Given) => "cop", // copy, copies, copied
        _ if given => "cop",
        _ => return None,
    };
    let above_block = prose(chapter).take_while(|(line, _)| *line < step.block.place.line);
    let lines: Vec<&str> = above_block.map(|(_, line)| line).collect();
    // Between the text and the block there may be the name of the file, and blocks that are copied together with it.
    let caption = |line: &&&str| line.is_empty() || line.starts_with("`src/");
    let above = lines.iter().rev().skip_while(caption);
    let said = above
        .take_while(|line| !line.is_empty())
        .any(|line| line.to_lowercase().contains(word));
    (!said).then(|| {
        Fault::at(
            &step.block.place,
            format!("the sentence above this block does not say `{word}`"),
        )
    })
}

/// Every picture is there, small, readable on light and on dark, told in words; and every picture that is there is shown.
fn picture_faults(root: &Path, chapter: &Chapter, limits: &Limits) -> Faults {
    let shown = pictures(chapter);
    let mut faults = Vec::new();
    for (place, alt, file) in &shown {
        let what = match fs::read_to_string(root.join("tutorial").join(file)) {
            Err(_) => format!("there is no picture {file}"),
            Ok(text) if text.len() > limits.picture => {
                format!("{file} has {} bytes, over {}", text.len(), limits.picture)
            }
            Ok(text) if !text.contains("prefers-color-scheme") => {
                format!("{file} does not look to `prefers-color-scheme`")
            }
            Ok(_) if alt.split_whitespace().count() < 5 => {
                format!("the words in the place of {file} do not tell what it shows")
            }
            Ok(_) => continue,
        };
        faults.push(Fault::at(place, what));
    }
    let folder = root.join("tutorial").join(&chapter.name);
    for (file, _) in workshop::folder_texts(&folder) {
        let path = format!("{}/{file}", chapter.name);
        if workshop::is_picture(&file) && !shown.iter().any(|(_, _, shown)| *shown == path) {
            faults.push(Fault::at(
                &at(chapter, 1),
                format!("the picture {path} is not shown"),
            ));
        }
    }
    faults
}
