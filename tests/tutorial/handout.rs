//! The handout: it fits on one sheet, and every reply that its tables name is seen in a session that replays.

use crate::checks::Faults;
use crate::leader::Page;
use crate::prose::{self, Fault, Kind};
use crate::session;

pub const HANDOUT: &str = "tutorial/handout.md";

/// Lines of Markdown that fit on two sides, and letters of a block that fit beside each other, in small print.
const LINES: usize = 110;
const WIDTH: usize = 101;

/// What is too long for a sheet of paper.
pub fn on_one_sheet(page: &Page) -> Faults {
    let mut faults = Faults::new();
    let count = page.text.lines().count();
    if count > LINES {
        let what = format!("{count} lines do not fit on a sheet");
        faults.push(Fault::at(&page.at(count), what));
    }
    let (blocks, unread) = prose::blocks(&page.file.into(), &page.text);
    faults.extend(unread);
    let lines = blocks.iter().flat_map(|block| &block.lines);
    let wide = lines.filter(|line| line.text.chars().count() > WIDTH);
    faults.extend(wide.map(|line| Fault::at(&line.from, "this line is cut off on paper")));
    faults
}

/// Every reply of the tables begins a line that a session shows.
pub fn shown_replies(page: &Page) -> Faults {
    let (blocks, mut faults) = prose::blocks(&page.file.into(), &page.text);
    let sessions = blocks
        .iter()
        .filter(|block| matches!(block.kind, Kind::Session(_)));
    let commands = sessions.flat_map(|block| session::commands(&block.lines).1);
    let shown: Vec<String> = commands
        .flat_map(|command| command.output.into_iter().map(|line| line.text))
        .collect();
    let mut named = 0;
    for (line, text) in (1..).zip(page.text.lines()) {
        for reply in replies(text) {
            named += 1;
            let whole = |shown: &String| {
                shown
                    .strip_prefix(reply)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            };
            if !shown.iter().any(whole) {
                faults.push(Fault::at(
                    &page.at(line),
                    format!("no session shows {reply}"),
                ));
            }
        }
    }
    if named == 0 {
        faults.push(Fault::at(&page.at(1), "no table names a reply"));
    }
    faults
}

/// What stands in the last cell of a row as code and in capitals.
fn replies(row: &str) -> Vec<&str> {
    let Some((_, last)) = row.strip_suffix(" |").and_then(|row| row.rsplit_once("| ")) else {
        return Vec::new();
    };
    let code = last.split('`').skip(1).step_by(2);
    code.filter(|code| code.starts_with(|first: char| first.is_ascii_uppercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leader::tests::page;

    #[test]
    fn a_reply_that_no_session_shows_is_found() {
        let session = "\n```console\n$ x\nSTORED\nVALUE k 0 1\nEND\n```\n";
        let count = |row: &str| shown_replies(&page(&format!("{row}\n{session}"))).len();
        assert_eq!(
            count("| `set` *key* | `STORED`, or `VALUE` *key*, and `END` |"),
            0
        );
        assert_eq!(
            count("| `delete` *key* | `DELETED` or `NOT_FOUND` (not by `get`) |"),
            2
        );
        assert_eq!(count("| `set` *key* | `STORE` |"), 1);
        assert_eq!(count("no table"), 1);
    }

    #[test]
    fn what_does_not_fit_on_paper_is_found() {
        assert!(on_one_sheet(&page("a\n")).is_empty());
        assert_eq!(on_one_sheet(&page(&"a\n".repeat(LINES + 1))).len(), 1);
        let wide = "x".repeat(WIDTH + 1);
        assert_eq!(
            on_one_sheet(&page(&format!("```text\n{wide}\n```\n"))).len(),
            1
        );
    }
}
