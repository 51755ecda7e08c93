//! Every rung's check, run against the program before the rung and after it: red there, green here.

use crate::checkpoints::Check;
use crate::checks::Faults;
use crate::peer::{Peer, Verdict};
use crate::program::Program;
use crate::prose::Fault;
use crate::readers::Readers;
use crate::rungs::{Rung, rungs};
use crate::steps::{self, Step, Which};
use crate::workshop::Workshop;
use std::iter;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

/// What a check judges, ready to be judged.
enum Subject {
    Server(Program, fn(&Peer) -> Verdict),
    Tests(Readers, fn(&Readers) -> Verdict),
}

impl Subject {
    /// The program, or the reader's tests, as they are at this step.
    fn at(workshop: &mut Workshop, step: &Step, check: Check) -> Result<Subject, String> {
        Ok(match check {
            Check::Server(check) => {
                let arguments = step.arguments.iter().map(String::as_str);
                let mut arguments: Vec<&str> = arguments.collect();
                // Where they are an address and a number of megabytes, tests want the program as it is without them.
                if arguments
                    .first()
                    .is_some_and(|word| word.parse::<SocketAddr>().is_ok())
                {
                    arguments.clear();
                }
                let program = Program::start(workshop, &step.tree, &arguments)?;
                Subject::Server(program, check)
            }
            Check::Tests(check) => {
                let program = workshop.build(&step.tree, "tests/conversation.rs")?;
                Subject::Tests(Readers::Built(program), check)
            }
        })
    }

    fn verdict(&self) -> Verdict {
        match self {
            Subject::Server(program, check) => check(&Peer::at(program.address.to_string())),
            Subject::Tests(tests, check) => check(tests),
        }
    }
}

/// So many rungs are judged at the same time: what is red waits for replies that do not come, and what is green must not
/// wait for the processor until the second is over in which an item lives.
const AT_ONCE: usize = 16;

/// The faults of all rungs: a check that is green before, or red after.
pub fn faults(root: &Path, which: Which, find: impl Fn(&str) -> Option<Check>) -> Faults {
    let chapters = match steps::read(root) {
        Ok(chapters) => chapters,
        Err(faults) => return faults,
    };
    let mut workshop = Workshop::new();
    let (mut subjects, mut faults) = (Vec::new(), Faults::new());
    let wanted = chapters.iter().filter(|chapter| chapter.is_wanted(which));
    for rung in wanted.flat_map(rungs) {
        match both(&mut workshop, &rung, &find) {
            Ok(both) => subjects.push((rung, both)),
            Err(what) => faults.push(Fault::at(&rung.place, what)),
        }
    }
    let queue = Mutex::new(subjects.into_iter());
    let next = || queue.lock().expect("no panic").next();
    let lane = || -> Faults {
        let judged = iter::from_fn(next).flat_map(|(rung, both)| judge(&rung, &both));
        judged.collect()
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(lane)).collect();
        let join = |lane: ScopedJoinHandle<Faults>| lane.join().expect("no panic");
        faults.extend(lanes.into_iter().flat_map(join));
    });
    faults
}

fn judge(rung: &Rung, [before, after]: &[Subject; 2]) -> Faults {
    let mut faults = Faults::new();
    if before.verdict().is_ok() {
        let what = format!("{} is green before its rung", rung.check);
        faults.push(Fault::at(&rung.place, what));
    }
    if let Err(what) = after.verdict() {
        let what = format!("{} is red after its rung: {what}", rung.check);
        faults.push(Fault::at(&rung.place, what));
    }
    faults
}

fn both(
    workshop: &mut Workshop,
    rung: &Rung,
    find: impl Fn(&str) -> Option<Check>,
) -> Result<[Subject; 2], String> {
    let check = find(&rung.check).ok_or_else(|| format!("there is no check {}", rung.check))?;
    let (Some(red), Some(green)) = (rung.red, rung.green) else {
        return Err("this rung has no red session and a green one".into());
    };
    let before = Subject::at(workshop, red, check)?;
    let after = Subject::at(workshop, green, check)?;
    Ok([before, after])
}

/// The checkpoints of a workshop: chapter by chapter, what each rung is about and what judges it.
pub fn list(root: &Path) -> String {
    let mut list = String::new();
    for chapter in steps::read(root).unwrap_or_default().iter() {
        let rungs = rungs(chapter);
        if !rungs.is_empty() {
            list += &format!("\n{}\n", chapter.text.lines().next().unwrap_or_default());
        }
        for rung in rungs {
            list += &format!("  {:40} {}\n", rung.title, rung.check);
        }
    }
    list
}
