//! Reads the rungs of a chapter from its prose: all that stands between two lines `**Checkpoint:** …`.
//!
//! In a rung are a `red` session, a question (`> **Guess.** …`) before the code that follows it, that code, and a
//! `green` session with the same commands.

use crate::prose::{Block, Code, Colour, Kind, Place, Session};
use crate::session;
use crate::steps::{Chapter, Step};

/// What begins the line of a question, and the line that ends a rung.
pub const GUESS: &str = "> **Guess.**";
const CHECKPOINT: &str = "**Checkpoint:**";

/// A rung as it stands in the prose.
pub struct Rung<'a> {
    /// The heading above it.
    pub title: String,
    /// The name of its check in `tests/chapters`.
    pub check: String,
    pub place: Place,
    /// The last red session that the rung mends, and the green one that shows it.
    pub red: Option<&'a Step>,
    pub green: Option<&'a Step>,
    /// The lines of its questions.
    pub guesses: Vec<usize>,
}

/// The lines of a chapter outside its blocks, with their numbers.
pub fn prose(chapter: &Chapter) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    (1..).zip(chapter.text.lines()).filter(move |(_, line)| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

pub fn at(chapter: &Chapter, line: usize) -> Place {
    let file = chapter.file.clone();
    Place { file, line }
}

/// The rungs of a chapter; none if it is not told as a ladder.
pub fn rungs(chapter: &Chapter) -> Vec<Rung<'_>> {
    let (mut rungs, mut start, mut guesses, mut title) = (Vec::new(), 0, Vec::new(), "");
    for (line, text) in prose(chapter) {
        if let Some(heading) = text.strip_prefix("## ") {
            title = heading;
        }
        if text.starts_with(GUESS) {
            guesses.push(line);
        }
        if let Some(check) = text.strip_prefix(CHECKPOINT) {
            let inside = |step: &&Step| (start..line).contains(&step.block.place.line);
            let steps: Vec<&Step> = chapter.steps.iter().filter(inside).collect();
            let green = steps
                .iter()
                .rfind(|step| colour(step) == Some(Colour::Green));
            let pair = |red: &&&Step| green.is_some_and(|green| ties(red, green));
            rungs.push(Rung {
                title: title.to_string(),
                check: check.trim().trim_matches('`').to_string(),
                place: at(chapter, line),
                red: steps.iter().rfind(pair).copied(),
                green: green.copied(),
                guesses: std::mem::take(&mut guesses),
            });
            start = line;
        }
    }
    rungs
}

pub fn words(step: &Step) -> Option<Session> {
    match step.block.kind {
        Kind::Session(words) => Some(words),
        _ => None,
    }
}

pub fn colour(step: &Step) -> Option<Colour> {
    words(step)?.colour
}

/// What is typed in a session; a program that has moved from one port to the other is the same program.
fn typed(block: &Block) -> Vec<String> {
    let (_, commands) = session::commands(&block.lines);
    let [first, other] = [9999, 11211].map(|port: u16| port.to_string());
    let same = |command: &session::Command| command.typed().replace(&first, &other);
    commands.iter().map(same).collect()
}

pub fn ties(red: &Step, green: &Step) -> bool {
    colour(red) == Some(Colour::Red) && typed(&red.block) == typed(&green.block)
}

pub fn code(step: &Step) -> Option<&Code> {
    match &step.block.kind {
        Kind::Code(code) => Some(code),
        _ => None,
    }
}
