//! Reads a terminal session: its commands, the output below each, and what `printf … | nc …` sends when.

use crate::prose::Line;
use std::time::Duration;

/// A line that begins `$ `, and what must be seen before the next one.
pub struct Command {
    pub line: Line,
    pub output: Vec<Line>,
}

impl Command {
    /// What is typed after the prompt.
    pub fn typed(&self) -> &str {
        self.line.text.trim_start_matches("$ ")
    }
}

/// The output above the first command, and the commands.
pub fn commands(lines: &[Line]) -> (Vec<Line>, Vec<Command>) {
    let (mut above, mut commands) = (Vec::new(), Vec::<Command>::new());
    for line in lines.iter().cloned() {
        if line.text.starts_with("$ ") {
            let output = Vec::new();
            commands.push(Command { line, output });
        } else {
            commands
                .last_mut()
                .map_or(&mut above, |command| &mut command.output)
                .push(line);
        }
    }
    (above, commands)
}

/// What one `nc localhost PORT` is fed.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// How long the shell sleeps before it starts this `nc`.
    pub after: Duration,
    /// With `wait; ` before it, it starts when those in the background have ended.
    pub waits: bool,
    pub parts: Vec<Part>,
    pub port: u16,
    pub background: bool,
    /// With `| head -n LINES` behind it, so many are shown, and then `nc` ends too.
    pub lines: Option<usize>,
    /// With `| grep -E 'WORD|…'` behind it, only lines with one of these are shown; of one that does not run in the background.
    pub words: Option<Vec<String>>,
}

impl Client {
    pub fn shows(&self, line: &str) -> bool {
        let words = self.words.iter().flatten();
        self.words.is_none() || words.into_iter().any(|word| line.contains(word))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Send(Vec<u8>),
    Sleep(Duration),
}

pub fn client(typed: &str) -> Result<Client, String> {
    let (typed, background) = match typed.strip_suffix(" &") {
        Some(typed) => (typed, true),
        None => (typed, false),
    };
    let unknown =
        || format!("only `printf '…' | nc localhost PORT` can be replayed, not `{typed}`");
    let (waits, typed) = match typed.strip_prefix("wait; ") {
        Some(typed) => (true, typed),
        None => (false, typed),
    };
    let (after, typed) = match typed
        .strip_prefix("sleep ")
        .and_then(|rest| rest.split_once("; "))
    {
        Some((time, typed)) => (seconds(time).ok_or_else(unknown)?, typed),
        None => (Duration::ZERO, typed),
    };
    let (typed, lines) = match typed.rsplit_once(" | head -n ") {
        Some((typed, lines)) if !lines.contains(')') => {
            (typed, Some(lines.parse().map_err(|_| unknown())?))
        }
        _ => (typed, None),
    };
    let (typed, words) = match typed.rsplit_once(" | grep -E '") {
        Some((typed, words)) => {
            let words = words.strip_suffix('\'').ok_or_else(unknown)?.split('|');
            (typed, Some(words.map(str::to_string).collect()))
        }
        None => (typed, None),
    };
    let (producer, port) = typed.rsplit_once(" | nc localhost ").ok_or_else(unknown)?;
    let port = port.parse().map_err(|_| unknown())?;
    let list = match producer
        .strip_prefix('(')
        .and_then(|list| list.strip_suffix(')'))
    {
        Some(list) => split_outside_quotes(list),
        None => vec![producer],
    };
    let mut parts = Vec::new();
    for text in list {
        match (part(text.trim())?, parts.last_mut()) {
            (Part::Send(more), Some(Part::Send(bytes))) => bytes.extend(more),
            (part, _) => parts.push(part),
        }
    }
    Ok(Client {
        after,
        waits,
        parts,
        port,
        background,
        lines,
        words,
    })
}

fn split_outside_quotes(list: &str) -> Vec<&str> {
    let mut quoted = false;
    list.split(|c| {
        quoted ^= c == '\'';
        c == ';' && !quoted
    })
    .collect()
}

fn part(text: &str) -> Result<Part, String> {
    let unknown = || {
        format!(
            "`{text}` is no printf '…', printf '…' $(seq N), sleep N, head -c N /dev/zero or yes WORD | head -n N | tr …"
        )
    };
    if let Some(time) = text.strip_prefix("sleep ") {
        return seconds(time).map(Part::Sleep).ok_or_else(unknown);
    }
    if let Some(count) = text.strip_prefix("head -c ") {
        let count = count.strip_suffix(" /dev/zero").ok_or_else(unknown)?;
        return Ok(Part::Send(vec![0; count.parse().map_err(|_| unknown())?]));
    }
    if let Some(repeated) = text.strip_prefix("yes ") {
        return yes(repeated).map(Part::Send).ok_or_else(unknown);
    }
    let format = text.strip_prefix("printf '").ok_or_else(unknown)?;
    let (format, numbers) = format.rsplit_once('\'').ok_or_else(unknown)?;
    if format.contains('\'') {
        return Err(unknown());
    }
    if numbers.is_empty() {
        return printf(format).map(Part::Send);
    }
    let last = numbers
        .strip_prefix(" $(seq ")
        .and_then(|rest| rest.strip_suffix(')'));
    let last: u32 = last
        .and_then(|last| last.parse().ok())
        .ok_or_else(unknown)?;
    let repeated = (1..=last).map(|number| printf(&format.replace("%s", &number.to_string())));
    let repeated: Result<Vec<_>, _> = repeated.collect();
    Ok(Part::Send(repeated?.concat()))
}

/// `WORD | head -n N | tr '\n' ' '`, or `tr -d '\n'`: the word again and again.
fn yes(text: &str) -> Option<Vec<u8>> {
    let (word, rest) = text.split_once(" | head -n ")?;
    let (count, end) = rest.split_once(" | tr ")?;
    let end = match end {
        r"'\n' ' '" => " ",
        r"-d '\n'" => "",
        _ => return None,
    };
    let word = format!("{word}{end}");
    Some(word.repeat(count.parse().ok()?).into_bytes())
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

/// The bytes that printf(1) writes for this format.
pub fn printf(format: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = format.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let (byte, length) = match (first, tail) {
            (b'%', [b'%', ..]) => (b'%', 1),
            (b'%', _) => return Err("printf: a % that is not written %%".into()),
            (b'\\', _) => escape(tail)?,
            (byte, _) => (*byte, 0),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    Ok(bytes)
}

/// The byte that the text behind a backslash stands for, and the length of that text.
fn escape(text: &[u8]) -> Result<(u8, usize), String> {
    let octal = text
        .iter()
        .take(3)
        .take_while(|c| (b'0'..=b'7').contains(c))
        .count();
    let number = |digits: &[u8], base| {
        let digits = std::str::from_utf8(digits).ok()?;
        u8::from_str_radix(digits, base).ok()
    };
    match text {
        [b'r', ..] => Some((b'\r', 1)),
        [b'n', ..] => Some((b'\n', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [b'\\', ..] => Some((b'\\', 1)),
        [b'x', high, low, ..] => number(&[*high, *low], 16).map(|byte| (byte, 3)),
        _ if octal > 0 => number(&text[..octal], 8).map(|byte| (byte, octal)),
        _ => None,
    }
    .ok_or_else(|| {
        let text = String::from_utf8_lossy(&text[..text.len().min(3)]).into_owned();
        format!("printf: unknown escape `\\{text}`")
    })
}

/// Whether this line is what was expected; `[..]` stands for anything.
pub fn matches(expected: &str, got: &str) -> bool {
    let mut pieces = expected.split("[..]");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = got.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}
