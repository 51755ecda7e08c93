//! Splits a Rust file into its top-level items, and puts the items of a block in the place of those it has.
//!
//! Works on text as rustfmt leaves it, by lines: an item begins in column 1 and ends at the line in column 1 that
//! closes it. Comments and attributes belong to the item that follows them.

use crate::prose::{Fault, Line};
use std::collections::HashSet;

struct Item {
    /// Kind and name; the `use` list, the `mod x;` lines and the `//!` doc have one key each.
    key: String,
    blank_line_before: bool,
    lines: Vec<Line>,
}

const DOC: &str = "//!";
const ATTRIBUTES: &str = "#![..]";
const MODS: &str = "mod ..;";
const USES: &str = "use ..;";
/// What opens a file, in this order.
const HEAD: [&str; 4] = [DOC, ATTRIBUTES, MODS, USES];

/// Each item of the block replaces its namesake in the file, or is added behind the item before it in the block.
pub fn merge(file: &[Line], block: &[Line]) -> Result<Vec<Line>, Fault> {
    let mut items = split(file)?;
    let mut seen = HashSet::new();
    let mut behind = None;
    for item in split(block)? {
        let from = item.lines[0].from.clone();
        if !seen.insert(item.key.clone()) {
            return Err(Fault::at(&from, format!("`{}` is here twice", item.key)));
        }
        let namesakes = items.iter().filter(|old| old.key == item.key).count();
        if namesakes > 1 {
            let what = format!("the file has {namesakes} items `{}`", item.key);
            return Err(Fault::at(&from, what));
        }
        let place = match items.iter().position(|old| old.key == item.key) {
            Some(place) => {
                items[place].lines = item.lines;
                place
            }
            None => {
                let place =
                    behind.map_or_else(|| home(&items, &item.key), |place: usize| place + 1);
                items.insert(place, item);
                place
            }
        };
        behind = Some(place);
    }
    Ok(join(items))
}

/// Where a new item goes that nothing precedes in its block: the end, but for what opens a file.
fn home(items: &[Item], key: &str) -> usize {
    let rank = |key: &str| HEAD.iter().position(|head| *head == key);
    let Some(own) = rank(key) else {
        return items.len();
    };
    let before = |item: &&Item| rank(&item.key).is_some_and(|rank| rank < own);
    items.iter().take_while(before).count()
}

fn join(items: Vec<Item>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for item in items {
        let missing = lines.last().is_some_and(|line| !line.text.is_empty());
        if item.blank_line_before && missing {
            lines.push(blank(&item.lines[0]));
        }
        lines.extend(item.lines);
    }
    lines
}

fn blank(beside: &Line) -> Line {
    Line {
        text: String::new(),
        from: beside.from.clone(),
    }
}

fn split(lines: &[Line]) -> Result<Vec<Item>, Fault> {
    let mut items: Vec<Item> = Vec::new();
    let mut rest = lines;
    loop {
        let blanks = rest.iter().take_while(|line| line.text.is_empty()).count();
        rest = &rest[blanks..];
        if rest.is_empty() {
            return Ok(items);
        }
        let (key, length) = first_item(rest)?;
        let (head, tail) = rest.split_at(length);
        rest = tail;
        match items.last_mut() {
            Some(last) if last.key == key && HEAD.contains(&&*key) => {
                last.lines.extend((blanks > 0).then(|| blank(&head[0])));
                last.lines.extend_from_slice(head);
            }
            _ => items.push(Item {
                key,
                // The item that comes first today may come second tomorrow.
                blank_line_before: blanks > 0 || items.is_empty(),
                lines: head.to_vec(),
            }),
        }
    }
}

/// The key of the item at the beginning, and how many lines it has.
fn first_item(lines: &[Line]) -> Result<(String, usize), Fault> {
    for (inner, key) in [("//!", DOC), ("#![", ATTRIBUTES)] {
        let own = |line: &&Line| line.text.starts_with(inner);
        let length = lines.iter().take_while(own).count();
        if length > 0 {
            return Ok((key.to_string(), length));
        }
    }
    let mut start = 0;
    while let Some(line) = lines.get(start)
        && (line.text.starts_with("//") || line.text.starts_with("#["))
    {
        start += 1;
        if line.text.starts_with("#[") && !line.text.ends_with(']') {
            start += lines[start..]
                .iter()
                .position(|line| line.text.starts_with(")]"))
                .map_or(0, |closing| closing + 1);
        }
    }
    match lines.get(start) {
        Some(head) if !head.text.is_empty() => {
            let key = key(&head.text)
                .ok_or_else(|| Fault::at(&head.from, format!("no item begins `{}`", head.text)))?;
            let last = last_line(&lines[start..])
                .ok_or_else(|| Fault::at(&head.from, format!("`{key}` never ends")))?;
            Ok((key, start + last + 1))
        }
        _ => Ok((lines[0].text.clone(), start)),
    }
}

fn key(head: &str) -> Option<String> {
    let mut head = head;
    if let Some(public) = head.strip_prefix("pub") {
        let restricted = public.strip_prefix('(').and_then(|to| to.split_once(')'));
        head = restricted.map_or(public, |(_, after)| after).trim_start();
    }
    if let Some((_, function)) = head.split_once("fn ")
        && ["const ", "unsafe ", "async "]
            .iter()
            .any(|word| head.starts_with(word))
        && !head.contains('=')
    {
        return Some(format!("fn {}", name(function)));
    }
    let (kind, rest) = head.split_once([' ', '<'])?;
    match kind {
        "use" => Some(USES.to_string()),
        "mod" if head.ends_with(';') => Some(MODS.to_string()),
        "impl" => Some(head.trim_end_matches(['{', '}', ' ']).to_string()),
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "mod"
        | "macro_rules!" => Some(format!("{kind} {}", name(rest))),
        _ => None,
    }
}

fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn last_line(lines: &[Line]) -> Option<usize> {
    let code = |line: &Line| {
        let text = line.text.as_str();
        text.split(" //")
            .next()
            .unwrap_or(text)
            .trim_end()
            .to_string()
    };
    let value_below = code(&lines[0]).ends_with('=');
    lines.iter().position(|line| {
        let code = code(line);
        let indent = code.len() - code.trim_start().len();
        let closes = code.ends_with(['}', ';']) && indent == 0;
        closes || value_below && code.ends_with(';') && indent == 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::Place;
    use crate::tree::text;

    fn lines(text: &str) -> Vec<Line> {
        let from = |line| Place {
            file: "x.md".into(),
            line,
        };
        let lines = (1..).zip(text.lines());
        lines
            .map(|(line, text)| Line {
                text: text.to_string(),
                from: from(line),
            })
            .collect()
    }

    #[track_caller]
    fn becomes(file: &str, block: &str, expected: &str) {
        let merged = merge(&lines(file), &lines(block)).map(|lines| text(&lines));
        assert_eq!(merged.as_deref(), Ok(expected));
    }

    #[test]
    fn an_item_is_replaced_with_its_comments_and_attributes() {
        becomes(
            "/// Old.\n#[derive(Debug)]\nstruct A {\n    a: u8,\n}\n\nfn a() {}\n",
            "/// New.\nstruct A;\n",
            "/// New.\nstruct A;\n\nfn a() {}\n",
        );
    }

    #[test]
    fn a_new_item_goes_behind_the_one_before_it_in_the_block_or_to_the_end() {
        becomes(
            "fn a() {}\n\nfn b() {}\n",
            "fn a() {}\n\nfn c() {}\n",
            "fn a() {}\n\nfn c() {}\n\nfn b() {}\n",
        );
        becomes(
            "fn a() {}\n\nfn b() {}\n",
            "fn c() {}\n",
            "fn a() {}\n\nfn b() {}\n\nfn c() {}\n",
        );
    }

    #[test]
    fn what_opens_a_file_goes_to_its_top() {
        becomes(
            "//! Doc.\n\nfn a() {}\n",
            "mod b;\nmod c;\n\nuse std::io;\n",
            "//! Doc.\n\nmod b;\nmod c;\n\nuse std::io;\n\nfn a() {}\n",
        );
    }

    #[test]
    fn the_use_list_is_one_item_and_so_is_a_value_on_the_next_line() {
        becomes(
            "use a::{\n    b,\n};\nuse c;\n\nconst A: &str =\n    \"a\";\nconst B: u8 = 1;\n\nfn a(\n    b: u8,\n) -> u8 {\n    b\n}\n",
            "use d;\n\nconst A: &str = \"b\";\n\npub(crate) fn a() {}\n",
            "use d;\n\nconst A: &str = \"b\";\nconst B: u8 = 1;\n\npub(crate) fn a() {}\n",
        );
    }

    #[test]
    fn impls_are_told_apart_by_their_first_line() {
        becomes(
            "impl A {\n    fn a() {}\n}\n\nimpl Drop for A {\n    fn drop(&mut self) {}\n}\n",
            "impl A {}\n",
            "impl A {}\n\nimpl Drop for A {\n    fn drop(&mut self) {}\n}\n",
        );
    }

    #[test]
    fn what_is_not_plain_is_a_fault() {
        for (file, block, what) in [
            ("fn a() {}\n", "let a = 1;\n", "no item begins `let a = 1;`"),
            ("fn a() {}\n", "fn b() {\n", "`fn b` never ends"),
            (
                "fn a() {}\n",
                "fn b() {}\n\nfn b() {}\n",
                "`fn b` is here twice",
            ),
            (
                "fn a() {}\n\nfn a() {}\n",
                "fn a() {}\n",
                "the file has 2 items `fn a`",
            ),
        ] {
            let fault = merge(&lines(file), &lines(block)).expect_err(what);
            assert_eq!(fault.what, what);
        }
    }
}
