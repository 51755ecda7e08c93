//! The files a reader has typed so far, and how a block of the prose changes them.

use crate::items;
use crate::prose::{Block, Code, Fault, Line};
use std::collections::{BTreeMap, HashMap, HashSet};

/// File names, relative to the chapter's folder, and their lines.
pub type Tree = BTreeMap<String, Vec<Line>>;

/// A file as it is written to disk.
pub fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text.clone() + "\n").collect()
}

/// Changes the tree as the block says; how many lines that adds, blank ones not counted.
pub fn apply(tree: &mut Tree, code: &Code, block: &Block) -> Result<usize, Fault> {
    let old = tree.get(&code.file);
    let new = match old {
        Some(file) if code.diff => patch(file, block)?,
        Some(file) => items::merge(file, &block.lines)?,
        None if code.diff => {
            return Err(Fault::at(
                &block.place,
                format!("there is no {}", code.file),
            ));
        }
        None => block.lines.clone(),
    };
    let old = old.map(Vec::as_slice).unwrap_or_default();
    if text(old) == text(&new) {
        return Err(Fault::at(&block.place, "this block changes nothing"));
    }
    let added = added(old, &new);
    tree.insert(code.file.clone(), new);
    Ok(added)
}

/// How many lines are not blank.
pub fn written(lines: &[Line]) -> usize {
    let blank = |line: &&Line| line.text.trim().is_empty();
    lines.len() - lines.iter().filter(blank).count()
}

/// How many lines of the new files no old file has: not where they stand, how far they are indented, or who may use
/// them is compared.
pub fn new_lines(old: &Tree, new: &Tree) -> usize {
    fn bare(text: &str) -> &str {
        let text = text.trim();
        text.strip_prefix("pub ").unwrap_or(text)
    }
    let known: HashSet<&str> = old
        .values()
        .flatten()
        .map(|line| bare(&line.text))
        .collect();
    let lines = new.values().flatten().map(|line| bare(&line.text));
    lines
        .filter(|line| !line.is_empty() && !known.contains(line))
        .count()
}

fn patch(file: &[Line], block: &Block) -> Result<Vec<Line>, Fault> {
    let mut old = Vec::new();
    for line in &block.lines {
        match line.text.chars().next() {
            Some('+') => {}
            Some(' ' | '-') => old.push(&line.text[1..]),
            None => old.push(""),
            Some(_) => {
                let what = "a line of a diff begins with a space, `-` or `+`";
                return Err(Fault::at(&line.from, what));
            }
        }
    }
    let starts: Vec<usize> = (0..file.len())
        .filter(|start| !old.is_empty() && matches(&file[*start..], &old))
        .collect();
    let [start] = starts[..] else {
        let what = format!("the context matches {} times, not once", starts.len());
        return Err(Fault::at(&block.place, what));
    };
    let mut new = file[..start].to_vec();
    let mut kept = file[start..].iter().cloned();
    for line in &block.lines {
        match line.text.strip_prefix('+') {
            Some(added) => new.push(Line {
                text: added.to_string(),
                from: line.from.clone(),
            }),
            None => new.extend(kept.next().filter(|_| !line.text.starts_with('-'))),
        }
    }
    new.extend(kept);
    Ok(new)
}

fn matches(file: &[Line], old: &[&str]) -> bool {
    file.len() >= old.len() && file.iter().zip(old).all(|(line, old)| line.text == *old)
}

fn added(old: &[Line], new: &[Line]) -> usize {
    let mut known: HashMap<&str, usize> = HashMap::new();
    for line in old {
        *known.entry(&line.text).or_default() += 1;
    }
    let mut added = 0;
    for line in new.iter().filter(|line| !line.text.trim().is_empty()) {
        match known.get_mut(line.text.as_str()) {
            Some(left) if *left > 0 => *left -= 1,
            _ => added += 1,
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::Place;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let place = Place {
            file: "prose".into(),
            line: 1,
        };
        let line = |text: &str| Line {
            text: text.into(),
            from: place.clone(),
        };
        let lines = |text: &str| text.lines().map(line).collect();
        files
            .iter()
            .map(|(file, text)| (file.to_string(), lines(text)))
            .collect()
    }

    #[test]
    fn code_that_moves_is_not_typed_again() {
        let before = tree(&[("main.rs", "fn a() {\n    b();\n}\n")]);
        let after = tree(&[
            ("main.rs", "mod a;\n"),
            ("a.rs", "//! A.\n\npub fn a() {\n        b();\n}\n"),
        ]);
        assert_eq!(new_lines(&before, &after), 2, "`mod a;` and `//! A.`");
    }
}
