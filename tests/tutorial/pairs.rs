//! The two showings of a session, red and green: each has the other, and they differ by what the program does.

use crate::checks::Faults;
use crate::prose::{Against, Block, Colour, Fault, Kind, Line, Mode, Session};
use crate::replay::{Desk, Peer};
use crate::rungs::{colour, ties, words};
use crate::steps::{self, Chapter, Step};
use crate::workshop::Workshop;
use std::path::Path;

/// Every red session is shown right later, every green one was red, and what the green one shows the program did not
/// answer where it was red. Those that run Python are left out unless it is there.
pub fn faults(root: &Path, python: bool) -> Faults {
    let chapters = match steps::read(root) {
        Ok(chapters) => chapters,
        Err(faults) => return faults,
    };
    let mut workshop = Workshop::new();
    let mut desk = Desk::new(&mut workshop, Peer::Program, python);
    let (mut open, mut faults): (Vec<&Step>, Faults) = (Vec::new(), Vec::new());
    for (step, wanted) in chapters.iter().flat_map(steps_of) {
        if let Kind::Python(script) = &step.block.kind {
            desk.save(&script.file, &step.block);
        }
        let left_out =
            !wanted || words(step).is_some_and(|words| words.mode == Mode::Python && !python);
        match colour(step) {
            Some(Colour::Red) if !left_out => open.push(step),
            Some(Colour::Green) if !left_out => {
                match open.iter().rposition(|red| ties(red, step)) {
                    Some(red) => faults.extend(not_red(&mut desk, open.remove(red), step)),
                    None => {
                        let what = "no `red` session above has these commands";
                        faults.push(Fault::at(&step.block.place, what));
                    }
                }
            }
            _ => {}
        }
    }
    let what = "no `green` session below has these commands";
    faults.extend(open.iter().map(|red| Fault::at(&red.block.place, what)));
    faults
}

/// The steps of a chapter, and whether its sessions are wanted.
fn steps_of(chapter: &Chapter) -> impl Iterator<Item = (&Step, bool)> {
    chapter.steps.iter().map(|step| (step, chapter.is_wanted()))
}

/// A red session whose program answers already what the green one shows.
fn not_red(desk: &mut Desk, red: &Step, green: &Step) -> Option<Fault> {
    let words = Session {
        against: Against::Program,
        ..words(green)?
    };
    let what =
        "this session is not red: the program answers here what it answers where it is green";
    let answers = desk.answers(words, &expecting(red, green), red);
    answers.then(|| Fault::at(&red.block.place, what))
}

/// What is typed where the session is red, and shown where it is green: the port may have changed in between.
fn expecting(red: &Step, green: &Step) -> Block {
    let command = |line: &&Line| line.text.starts_with("$ ");
    let mut typed = red.block.lines.iter().filter(command);
    let mut block = green.block.clone();
    for line in block.lines.iter_mut().filter(|line| command(&&**line)) {
        *line = typed.next().expect("as many commands").clone();
    }
    block
}
