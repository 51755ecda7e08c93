//! The table of contents, `tutorial/README.md`: every chapter in order, with its minutes and their sum.

use crate::checks::{Faults, contents, each};
use crate::prose::{Fault, Place};
use crate::steps;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The table of contents names every chapter in order, with its minutes and their sum.
pub fn minutes(root: &Path) -> Faults {
    if let Err(faults) = steps::read(root) {
        return faults;
    }
    let text = fs::read_to_string(root.join("tutorial/README.md")).unwrap_or_default();
    let rows: Vec<(Place, &str)> = (1..)
        .zip(text.lines())
        .filter(|(_, row)| row.starts_with('|'))
        .map(|(line, row)| (Place { line, ..contents() }, row))
        .collect();
    let chapter_rows = rows
        .iter()
        .filter_map(|(place, row)| Some((place, row, linked(row)?)));
    let mut chapter_rows = chapter_rows.peekable();
    let mut sum = 0;
    let mut faults = each(root, |chapter| {
        let (line, minutes) = time(&chapter.text);
        let here = Place {
            file: chapter.file.clone(),
            line,
        };
        let Some(minutes) = minutes else {
            return vec![Fault::at(&here, "no `**Time:** N minutes` near the top")];
        };
        sum += minutes;
        match chapter_rows.next() {
            Some((_, row, name)) if name == chapter.name && row_minutes(row) == Some(minutes) => {
                Vec::new()
            }
            Some((place, _, name)) if name == chapter.name => {
                vec![Fault::at(
                    place,
                    format!("the chapter itself says {minutes} minutes ({here})"),
                )]
            }
            Some((place, ..)) => vec![Fault::at(place, format!("here belongs {}", chapter.name))],
            None => vec![Fault::at(
                &contents(),
                format!("{} is not listed", chapter.name),
            )],
        }
    });
    faults.extend(
        chapter_rows.map(|(place, _, name)| Fault::at(place, format!("there is no {name}"))),
    );
    let total = rows
        .iter()
        .find_map(|(place, row)| Some((place, bold_minutes(row)?)));
    match total {
        None => faults.push(Fault::at(
            &contents(),
            "no row has a total, `**N minutes**`",
        )),
        Some((_, total)) if total == sum => {}
        Some((place, _)) => faults.push(Fault::at(place, format!("the chapters add up to {sum}"))),
    }
    faults
}

/// The book's own table of contents, `tutorial/SUMMARY.md`, has every chapter in order, by the name that it gives itself.
pub fn summary(root: &Path) -> Faults {
    let file: Arc<str> = "tutorial/SUMMARY.md".into();
    let text = fs::read_to_string(root.join(&*file)).unwrap_or_default();
    let mut rows = (1..)
        .zip(text.lines())
        .filter(|(_, row)| row.starts_with("- "));
    each(root, |chapter| {
        let heading = chapter.text.lines().next().unwrap_or_default();
        let title = heading.trim_start_matches(|c: char| !c.is_alphabetic());
        let expected = format!("- [{title}]({}.md)", chapter.name);
        let (line, row) = rows.next().unwrap_or((1, ""));
        let file = file.clone();
        (row != expected)
            .then(|| Fault::at(&Place { file, line }, format!("here belongs `{expected}`")))
            .into_iter()
            .collect()
    })
}

/// The chapter that a row of the table links to.
fn linked(row: &str) -> Option<&str> {
    let (_, link) = row.split_once("](")?;
    let (name, _) = link.split_once(".md)")?;
    name.starts_with(|first: char| first.is_ascii_digit())
        .then_some(name)
}

fn row_minutes(row: &str) -> Option<usize> {
    let number = |cell: &str| {
        cell.trim()
            .trim_end_matches(" minutes")
            .trim_end_matches(" min")
            .parse()
            .ok()
    };
    row.split('|').rev().find_map(number)
}

fn bold_minutes(row: &str) -> Option<usize> {
    let (before, _) = row.split_once(" minutes**")?;
    before.rsplit_once("**")?.1.parse().ok()
}

/// The line that says how long a chapter takes, and what it says.
fn time(text: &str) -> (usize, Option<usize>) {
    for (line, text) in (1..).zip(text.lines().take(20)) {
        if let Some((_, time)) = text.split_once("**Time:** ") {
            return (
                line,
                time.split_whitespace()
                    .next()
                    .and_then(|number| number.parse().ok()),
            );
        }
    }
    (1, None)
}
