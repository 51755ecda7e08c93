//! The two showings of a session, red and green: each has the other, and they show different answers. That the program
//! gives both, each in its place, is what the replay of all sessions proves.

use crate::checks::Faults;
use crate::prose::{Block, Colour, Fault};
use crate::rungs::{colour, ties};
use crate::session;
use crate::steps::{self, Step};
use crate::terminal;
use std::path::Path;

/// Every red session is shown right later, every green one was red, and what the green one shows is not what the red one
/// shows.
pub fn faults(root: &Path) -> Faults {
    let chapters = match steps::read(root) {
        Ok(chapters) => chapters,
        Err(faults) => return faults,
    };
    let (mut open, mut faults): (Vec<&Step>, Faults) = (Vec::new(), Vec::new());
    for step in chapters.iter().flat_map(|chapter| &chapter.steps) {
        match colour(step) {
            Some(Colour::Red) => open.push(step),
            Some(Colour::Green) => match open.iter().rposition(|red| ties(red, step)) {
                Some(red) => faults.extend(not_red(&open.remove(red).block, &step.block)),
                None => {
                    let what = "no `red` session above has these commands";
                    faults.push(Fault::at(&step.block.place, what));
                }
            },
            None => {}
        }
    }
    let what = "no `green` session below has these commands";
    faults.extend(open.iter().map(|red| Fault::at(&red.block.place, what)));
    faults
}

/// A red session that shows already what the green one shows.
fn not_red(red: &Block, green: &Block) -> Option<Fault> {
    let ((_, wrong), (_, right)) = (
        session::commands(&red.lines),
        session::commands(&green.lines),
    );
    let same = wrong.iter().zip(&right).all(|(wrong, right)| {
        let shown: Vec<String> = wrong.output.iter().map(|line| line.text.clone()).collect();
        terminal::compare(&right.line, &right.output, &shown).is_none()
    });
    let what = "this session is not red: it shows here what it shows where it is green";
    same.then(|| Fault::at(&red.place, what))
}
