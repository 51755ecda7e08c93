//! How a transcript is written: from the text of a file to the steps of a conversation. It knows no sockets.
//!
//! A file is read as documentation of the protocol first, and as a test second. Its notation, line by line:
//!
//! | line | meaning |
//! | --- | --- |
//! | `# text` | says why, to a reader |
//! | `> text` | is sent, with `\r\n` behind it; a `\` as the very last character leaves the `\r\n` off |
//! | `< text` | must come back exactly, with `\r\n` behind it |
//! | `<~ text` | must be one of the lines of a reply that ends in `END`; its other lines do not matter here |
//! | `<closed` | the server closes the connection, and nothing else has come; the next line sent opens a new one |
//! | `2> text`, `2< text` | the same on another connection, any digit |
//! | `@ 2 seconds` | waits until the server's own clock (`STAT time`) has gone on that far |
//! | `! newer: text` | this exchange shows the answer of newer releases, 1.6.45 at least; memcached 1.6.18 is not asked |
//! | `! here: text` | this exchange shows our own answer, and the text what both releases say; memcached is not asked |
//! | `$ server options` | the server is started with these options, whichever it is |
//! | `$ memcached options` | a real memcached needs these options besides to say the same each time |
//! | an empty line | separates exchanges; one without `<` says that nothing comes back, which the next reply proves |
//! | `---` | what follows has a new server |
//!
//! Inside a line `\r`, `\n`, `\t`, `\\`, `\x00` are bytes, and braces stand for what is long or varies:
//! `{ab*3}` is `ababab`; `{cas}` in a reply is a number that gets a name, in a line to be sent that number again,
//! `{cas+1}` one more, and `{=cas}` in a reply the same number again; `{now+60}` is a UNIX time, `{1..5}` a number
//! from 1 to 5, `{..}` anything up to the end of the line.

/// A part of a line, with what varies.
pub enum Piece {
    Bytes(Vec<u8>),
    /// A named number, with something added to it.
    Named(String, i64),
    /// A number that gets this name.
    Number(String),
    Between(u64, u64),
    Anything,
}

pub type Line = Vec<Piece>;

pub enum Step {
    Send(Line),
    Expect(Line),
    Pick(Line),
    Closed,
    Wait(u64),
}

/// A step, with the connection it is for and where it is written.
pub struct Placed {
    pub step: Step,
    pub connection: char,
    pub number: usize,
    pub text: String,
}

#[derive(Default)]
pub struct Exchange {
    pub steps: Vec<Placed>,
    /// Left out where memcached 1.6.18 is asked.
    pub marked: bool,
}

/// A conversation with one server.
pub struct Section {
    pub exchanges: Vec<Exchange>,
    pub options: Vec<String>,
    pub memcached_options: Vec<String>,
}

impl Section {
    fn new() -> Section {
        Section {
            exchanges: vec![Exchange::default()],
            options: Vec::new(),
            memcached_options: Vec::new(),
        }
    }
}

/// The sections of a file.
pub fn parse(name: &str, text: &str) -> Vec<Section> {
    let mut sections = vec![Section::new()];
    for (index, text) in text.lines().enumerate() {
        let section = sections.last_mut().expect("never empty");
        let exchange = section.exchanges.last_mut().expect("never empty");
        let number = index + 1;
        if text == "---" {
            sections.push(Section::new());
        } else if text.is_empty() {
            section.exchanges.push(Exchange::default());
        } else if text.starts_with("! newer: ") || text.starts_with("! here: ") {
            exchange.marked = true;
        } else if let Some(options) = text.strip_prefix("$ server ") {
            section.options = options.split(' ').map(str::to_string).collect();
        } else if let Some(options) = text.strip_prefix("$ memcached ") {
            section.memcached_options = options.split(' ').map(str::to_string).collect();
        } else if !text.starts_with('#') {
            parse_step(exchange, number, text)
                .unwrap_or_else(|error| panic!("{name}:{number}: {error}: {text}"));
        }
    }
    sections
}

/// Adds the step that a line describes.
fn parse_step(exchange: &mut Exchange, number: usize, text: &str) -> Result<(), String> {
    let connection = text.chars().next().filter(char::is_ascii_digit);
    let rest = &text[connection.map_or(0, char::len_utf8)..];
    let step = match rest.split_once(' ').unwrap_or((rest, "")) {
        (">", line) => Step::Send(pieces(line, true)?),
        ("<", line) => Step::Expect(pieces(line, false)?),
        ("<~", line) => Step::Pick(pieces(line, false)?),
        ("<closed", "") => Step::Closed,
        ("@", wait) => Step::Wait(seconds(wait).ok_or("not `@ N seconds`")?),
        _ => return Err("not a line of a transcript".into()),
    };
    exchange.steps.push(Placed {
        step,
        connection: connection.unwrap_or('1'),
        number,
        text: text.to_string(),
    });
    Ok(())
}

fn seconds(wait: &str) -> Option<u64> {
    wait.strip_suffix(" seconds")?.parse().ok()
}

/// What a line stands for; only a line that is expected (not `sent`) may have patterns.
pub fn pieces(text: &str, sent: bool) -> Result<Line, String> {
    let (text, end) = match text.strip_suffix('\\') {
        Some(text) if !text.ends_with('\\') => (text, ""),
        _ => (text, "\r\n"),
    };
    let mut line = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or("a { without its }")?;
        line.push(Piece::Bytes(unescape(before)?));
        line.push(piece(inside, sent)?);
        rest = after;
    }
    line.push(Piece::Bytes([unescape(rest)?, end.into()].concat()));
    Ok(line)
}

/// What stands between braces.
fn piece(inside: &str, sent: bool) -> Result<Piece, String> {
    if let Some((text, count)) = inside.rsplit_once('*') {
        let count = count.parse().map_err(|_| "no count behind the *")?;
        return Ok(Piece::Bytes(unescape(text)?.repeat(count)));
    }
    match inside.split_once("..") {
        Some(_) if sent => Err("a pattern in a line to be sent".into()),
        Some(("", "")) => Ok(Piece::Anything),
        Some((low, high)) => match (low.parse(), high.parse()) {
            (Ok(low), Ok(high)) => Ok(Piece::Between(low, high)),
            _ => Err("no range of numbers".into()),
        },
        None => match inside.strip_prefix('=') {
            Some(inside) => named(inside),
            None if sent => named(inside),
            None => Ok(Piece::Number(inside.into())),
        },
    }
}

/// A name, perhaps with `+1` or `-1` behind it.
fn named(inside: &str) -> Result<Piece, String> {
    let (name, more) = inside.split_at(inside.find(['+', '-']).unwrap_or(inside.len()));
    let more = match more {
        "" => 0,
        more => more.parse().map_err(|_| "no number behind the name")?,
    };
    Ok(Piece::Named(name.into(), more))
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let letter = after.chars().next().ok_or("a \\ with nothing behind it")?;
        let digits = if letter == 'x' { 2 } else { 0 };
        let end = letter.len_utf8() + digits;
        bytes.push(match letter {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '\\' => b'\\',
            'x' => after
                .get(1..end)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
                .ok_or("no two hexadecimal digits behind \\x")?,
            _ => return Err(format!("no such escape: \\{letter}")),
        });
        rest = &after[end..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}
