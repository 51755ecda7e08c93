//! The pages for a workshop's leader and for everybody's desk: what they say about the chapters is what the chapters say.

use crate::checks::{Faults, each};
use crate::common::Server;
use crate::prose::{self, Against, Fault, Kind, Mode, Place, Session};
use crate::rungs::GUESS;
use crate::steps::{self, Chapter};
use crate::{session, terminal};
use std::fs;
use std::path::Path;

pub const LEADER: &str = "tutorial/workshop.md";

/// The chapters whose every question stands on the leader's page.
const ASKED: &[&str] = &["01", "02", "03", "04"];

/// Where our server answers otherwise than memcached 1.6.18, and as newer ones do: the page says so.
const SAID_TO_DIFFER: &str = "set k many 0 1\\r\\nquit";

/// A page with its name, so that a fault can tell the line.
pub struct Page {
    pub file: &'static str,
    pub text: String,
}

impl Page {
    pub fn read(root: &Path, file: &'static str) -> Page {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        Page { file, text }
    }

    pub fn at(&self, line: usize) -> Place {
        let file = self.file.into();
        Place { file, line }
    }
}

/// A quotation's lines as one, without its marks.
fn quotations(text: &str) -> Vec<String> {
    let mut quotations = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix('>'), quotations.last_mut()) {
            (Some(part), Some(open)) => {
                open.push(' ');
                open.push_str(part.trim());
            }
            _ => quotations.push(String::new()),
        }
    }
    let guess = GUESS.trim_start_matches("> ");
    let bare = |quotation: &String| {
        quotation
            .trim()
            .trim_start_matches(guess)
            .trim()
            .to_string()
    };
    let full = |quotation: &String| !quotation.is_empty();
    quotations.iter().map(bare).filter(full).collect()
}

/// The leader's page asks what the chapters ask, in their order and in their words.
pub fn questions(page: &Page, chapters: &[Chapter]) -> Faults {
    let asked = chapters
        .iter()
        .filter(|one| ASKED.contains(&&one.name[..2]));
    let asked = asked.flat_map(|chapter| guesses(&chapter.text));
    let asked: Vec<String> = asked.collect();
    let told = quotations(&page.text);
    let same = asked.iter().zip(&told).take_while(|(a, b)| a == b).count();
    if same == asked.len() && same == told.len() && same > 0 {
        return Faults::new();
    }
    let none = || "nothing".to_string();
    let expected = asked.get(same).cloned().unwrap_or_else(none);
    let found = told.get(same).cloned().unwrap_or_else(none);
    let what = format!(
        "question {} is `{found}`, the chapters ask `{expected}`",
        same + 1
    );
    vec![Fault::at(&page.at(1), what)]
}

fn guesses(chapter: &str) -> Vec<String> {
    let question = |text: &&str| text.starts_with(GUESS);
    let quoted = chapter.split("\n\n").filter(question);
    quoted.flat_map(quotations).collect()
}

/// The minutes of the rungs, `#### … (4 min)` below `### 1. …`, add up to those of their chapter.
pub fn rung_minutes(page: &Page, chapters: &[Chapter]) -> Faults {
    let mut faults = Faults::new();
    for chapter in chapters
        .iter()
        .filter(|one| ASKED.contains(&&one.name[..2]))
    {
        let start = format!("\n### {}. ", number(chapter));
        let section = page.text.split_once(&start).map_or("", |(_, rest)| rest);
        let section = section.split("\n### ").next().unwrap_or_default();
        let rungs = section.lines().filter(|line| line.starts_with("#### "));
        let sum: usize = rungs.filter_map(minutes_in_brackets).sum();
        if Some(sum) != minutes(chapter) {
            let what = format!("the rungs of {} add up to {sum} minutes", chapter.name);
            faults.push(Fault::at(&page.at(1), what));
        }
    }
    faults
}

fn number(chapter: &Chapter) -> &str {
    chapter.name[..2].trim_start_matches('0')
}

fn minutes_in_brackets(heading: &str) -> Option<usize> {
    let (_, rest) = heading.rsplit_once('(')?;
    rest.strip_suffix(" min)")?.parse().ok()
}

fn minutes(chapter: &Chapter) -> Option<usize> {
    let (_, rest) = chapter.text.split_once("**Time:** ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// In every plan the clock goes forward, and a chapter has at least the minutes that it says it takes.
pub fn plans(page: &Page, chapters: &[Chapter]) -> Faults {
    let mut faults = Faults::new();
    for plan in plans_of(&page.text) {
        for pair in plan.windows(2) {
            if pair[1].clock <= pair[0].clock {
                faults.push(Fault::at(
                    &page.at(pair[1].line),
                    "the clock goes backwards",
                ));
            }
        }
        for chapter in chapters {
            let name = format!("**Chapter {}", number(chapter));
            let own = |row: &Row| {
                let rest = row.text.strip_prefix(&name);
                rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
            };
            let rows = plan.windows(2).filter(|pair| own(&pair[0]));
            let lengths =
                rows.map(|pair| (pair[0].line, pair[1].clock.saturating_sub(pair[0].clock)));
            let lengths: Vec<(usize, usize)> = lengths.collect();
            let given: usize = lengths.iter().map(|(_, length)| length).sum();
            if let Some((line, _)) = lengths.first()
                && Some(given) < minutes(chapter)
            {
                let what = format!("{given} minutes are too few for {}", chapter.name);
                faults.push(Fault::at(&page.at(*line), what));
            }
        }
    }
    faults
}

/// A row of a plan: `| 9:15 | **Chapter 1** … |`.
struct Row {
    line: usize,
    /// Minutes since midnight, or since the beginning.
    clock: usize,
    text: String,
}

fn plans_of(text: &str) -> Vec<Vec<Row>> {
    let mut plans: Vec<Vec<Row>> = Vec::new();
    let mut last = 0;
    for (line, text) in (1..).zip(text.lines()) {
        let Some(row) = row(line, text) else { continue };
        match plans.last_mut() {
            Some(open) if last + 1 == line => open.push(row),
            _ => plans.push(vec![row]),
        }
        last = line;
    }
    plans
}

fn row(line: usize, text: &str) -> Option<Row> {
    let (clock, text) = text.strip_prefix("| ")?.split_once(" | ")?;
    let (hours, minutes) = clock.split_once(':')?;
    let clock = hours.parse::<usize>().ok()? * 60 + minutes.parse::<usize>().ok()?;
    let text = text.to_string();
    Some(Row { line, clock, text })
}

/// Every link of a page to a file of the project finds it.
pub fn links(root: &Path, page: &Page) -> Faults {
    let folder = root.join(page.file);
    let folder = folder.parent().unwrap_or(root);
    let mut faults = Faults::new();
    for (line, text) in (1..).zip(page.text.lines()) {
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let inside = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
        for target in inside {
            let file = target.split('#').next().unwrap_or(target);
            if !folder.join(file).exists() {
                faults.push(Fault::at(&page.at(line), format!("there is no {target}")));
            }
        }
    }
    faults
}

/// Where memcached is missing, ours takes its place: it answers what chapters 1 to 4 show of memcached alone.
pub fn stands_in(root: &Path) -> Faults {
    each(root, |chapter| {
        if !ASKED.contains(&&chapter.name[..2]) {
            return Faults::new();
        }
        let server = Server::ours(&[]);
        let sessions = chapter.steps.iter().filter(|step| {
            let original =
                |words: Session| words.mode == Mode::Client && words.against == Against::Memcached;
            matches!(step.block.kind, Kind::Session(words) if original(words))
        });
        let differ = |line: &prose::Line| line.text.contains(SAID_TO_DIFFER);
        let alike = sessions.filter(|step| !step.block.lines.iter().any(differ));
        let replay = |step: &steps::Step| {
            let (_, commands) = session::commands(&step.block.lines);
            terminal::clients(&commands, (&server).into(), &[11211, 11212], false)
        };
        alike.flat_map(replay).collect()
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::tree::Tree;

    pub fn page(text: &str) -> Page {
        let text = text.to_string();
        Page {
            file: "page.md",
            text,
        }
    }

    fn chapter(name: &str, text: &str) -> Chapter {
        Chapter {
            name: name.into(),
            file: name.into(),
            text: text.into(),
            steps: Vec::new(),
            is_the_product: false,
            exercises: Vec::new(),
            tree: Tree::new(),
            scripts: Tree::new(),
        }
    }

    fn first_chapter() -> Chapter {
        let text =
            "**Time:** 30 minutes\n\n> **Guess.** Which lines,\n> and why?\n\n> Not a question.\n";
        chapter("01-one", text)
    }

    #[test]
    fn a_question_in_other_words_is_found() {
        let chapters = [first_chapter()];
        assert!(questions(&page("a\n\n> Which lines, and\n> why?\n"), &chapters).is_empty());
        for wrong in [
            "> Which line, and why?\n",
            "",
            "> Which lines, and why?\n\n> More?\n",
        ] {
            assert_eq!(questions(&page(wrong), &chapters).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn rungs_that_do_not_add_up_are_found() {
        let chapters = [first_chapter()];
        let page = |last| {
            page(&format!(
                "\n### 1. One\n\n#### a (20 min)\n#### b ({last} min)\n\n### 2.\n"
            ))
        };
        assert!(rung_minutes(&page(10), &chapters).is_empty());
        assert_eq!(rung_minutes(&page(9), &chapters).len(), 1);
    }

    #[test]
    fn a_plan_without_time_is_found() {
        let chapters = [first_chapter(), chapter("12-x", "**Time:** 50 minutes")];
        let plan = |text: &str| plans(&page(text), &chapters).len();
        assert_eq!(plan("| 9:50 | **Chapter 1** |\n| 10:20 | The end |\n"), 0);
        assert_eq!(plan("| 9:50 | **Chapter 1** |\n| 10:19 | The end |\n"), 1);
        let twice = "| 0:00 | **Chapter 1** |\n| 0:20 | Lunch |\n| 0:30 | **Chapter 1** |\n| 0:40 | The end |\n";
        assert_eq!(plan(twice), 0);
        assert_eq!(plan("| 9:00 | Hello |\n| 8:59 | The end |\n"), 1);
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        let root = crate::project();
        let text = "[a](Cargo.toml#x) [b](https://example.org) [c](#here) [d](nowhere.md)";
        assert_eq!(links(root, &page(text)).len(), 1);
    }
}
