//! Reads a chapter's Markdown: its fenced blocks, what each info string asks for, and where every line stands.
//!
//! Knows the format's words and nothing of Rust, terminals or servers.

use std::fmt;
use std::sync::Arc;

/// A line of the prose, counted from 1; `file` is relative to the project, as an editor wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<str>,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Something the tutorial says that is not so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    pub place: Place,
    pub what: String,
}

impl Fault {
    pub fn at(place: &Place, what: impl Into<String>) -> Fault {
        let (place, what) = (place.clone(), what.into());
        Fault { place, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// A line of text that remembers where in the prose it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub text: String,
    pub from: Place,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub place: Place,
    pub kind: Kind,
    pub lines: Vec<Line>,
}

/// What the info string of a block makes of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `rust FILE` gives a new file or replaces top-level items; `diff FILE` edits where its context stands once.
    Code(Code),
    /// `rust` alone is type-checked, inside a `main` if it has none.
    Illustration,
    /// `console` and the words of [`Session`].
    Session(Session),
    /// `python FILE`: a script for the sessions marked `python`, which is in the chapter's folder too. With `given` behind
    /// it the reader copies it from there. `yaml FILE given` and `lua FILE given` are a proxy's configuration.
    Python(Script),
    /// `rust quote FILE` or `python quote FILE`: lines that stand so in that file, behind each other.
    Quote(String),
    /// `rust fragment`, `text`, `sh` and the like.
    Unchecked,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    pub file: String,
    pub diff: bool,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    pub file: String,
    pub given: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    Step,
    /// Working code goes to another place: only what was not there before is typed.
    Moved,
    /// To be copied whole, without typing, because there is no idea in it.
    Given,
    /// The program does not compile after this block.
    Broken,
    /// Belongs to the exercise above it, and changes a copy of the chapter's final program.
    Solution,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    pub mode: Mode,
    pub against: Against,
    /// Must fail with the chapter's program, and pass with the solution that follows.
    pub exercise: bool,
    pub colour: Option<Colour>,
}

/// The two showings of one session, tied together by what is typed in them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colour {
    /// `red`: what the program wrongly answers at this place. A `green` session with the same commands follows.
    Red,
    /// `green`: what it answers after the change, and what it did not answer where the session was red.
    Green,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// `printf … | nc localhost PORT`, and exactly what comes back.
    Client,
    /// The terminal of the program: `$ cargo run` starts it anew, the lines are the next it prints.
    Server,
    /// Run by `sh` beside the chapter's scripts.
    Python,
    /// `$ ADDR=… cargo test --test NAME`: the lines come in this order, with others between them.
    CargoTest,
    /// `servers`: run by `sh` in the chapter's folder, with servers and proxies that its scripts start. These are
    /// replayed by `tests/scaling.rs`. With `about` behind it, numbers need only be of the size that is shown.
    Servers { about: bool },
    /// Not replayed: installing something.
    Shown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Against {
    Program,
    /// `memcached`: the program and memcached answer alike; of a `cargo-test`, memcached alone is asked.
    Both,
    /// `only-memcached`: here the original differs, or there is no program yet. It may listen on 11212, beside ours. Of
    /// `servers`: memcached is the proxy before them.
    Memcached,
    /// `only-python`: the chapter's `server.py`, in the place of our program.
    Python,
}

/// All blocks of a chapter, with the faults of those that could not be read.
pub fn blocks(file: &Arc<str>, text: &str) -> (Vec<Block>, Vec<Fault>) {
    let (mut blocks, mut faults) = (Vec::new(), Vec::new());
    let mut lines = text.lines().zip(1..).map(|(text, line)| Line {
        text: text.to_string(),
        from: Place {
            file: file.clone(),
            line,
        },
    });
    while let Some(opening) = lines.next() {
        let Some(info) = opening.text.strip_prefix("```") else {
            if opening.text.trim_start().starts_with("```") || opening.text.starts_with("~~~") {
                faults.push(Fault::at(
                    &opening.from,
                    "a block begins with ``` in column 1",
                ));
            }
            continue;
        };
        let mut inside = Vec::new();
        let closed = loop {
            match lines.next() {
                Some(line) if line.text.trim_end() == "```" => break true,
                Some(line) => inside.push(line),
                None => break false,
            }
        };
        match kind(info) {
            _ if !closed => faults.push(Fault::at(&opening.from, "this block never ends")),
            Err(what) => faults.push(Fault::at(&opening.from, what)),
            Ok(kind) => blocks.push(Block {
                place: opening.from,
                kind,
                lines: inside,
            }),
        }
    }
    (blocks, faults)
}

fn kind(info: &str) -> Result<Kind, String> {
    let words: Vec<&str> = info.split_whitespace().collect();
    match words[..] {
        [] => Err("this block has no info string".into()),
        ["rust"] => Ok(Kind::Illustration),
        ["rust", "quote", file] => Ok(Kind::Quote(file_name(file, ".rs")?)),
        ["python", "quote", file] => Ok(Kind::Quote(file_name(file, ".py")?)),
        ["rust", "fragment"] => Ok(Kind::Unchecked),
        ["diff" | "python"] => Err(format!("`{info}` names no file")),
        [language @ ("rust" | "diff"), file, ref rest @ ..] => {
            let (file, role) = (file_name(file, ".rs")?, role(rest)?);
            let diff = language == "diff";
            Ok(Kind::Code(Code { file, diff, role }))
        }
        ["python", file, ref rest @ ..] => {
            let (file, given) = (file_name(file, ".py")?, rest == ["given"]);
            match given || rest.is_empty() {
                true => Ok(Kind::Python(Script { file, given })),
                false => Err(format!("unknown words `{}`", rest.join(" "))),
            }
        }
        ["yaml", file, "given"] => given(file, ".yml"),
        ["lua", file, "given"] => given(file, ".lua"),
        ["console", ref rest @ ..] => session(rest).map(Kind::Session),
        ["text" | "sh" | "svg" | "html" | "toml"] => Ok(Kind::Unchecked),
        _ => Err(format!("unknown info string `{info}`")),
    }
}

fn given(file: &str, ending: &str) -> Result<Kind, String> {
    let (file, given) = (file_name(file, ending)?, true);
    Ok(Kind::Python(Script { file, given }))
}

fn file_name(word: &str, ending: &str) -> Result<String, String> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
    if word.ends_with(ending) && word.split('/').all(plain) {
        return Ok(word.to_string());
    }
    Err(format!("`{word}` is no file name that ends in {ending}"))
}

fn role(words: &[&str]) -> Result<Role, String> {
    match words {
        [] => Ok(Role::Step),
        ["moved"] => Ok(Role::Moved),
        ["given"] => Ok(Role::Given),
        ["broken"] => Ok(Role::Broken),
        ["solution"] => Ok(Role::Solution),
        _ => Err(format!("unknown words `{}`", words.join(" "))),
    }
}

fn session(words: &[&str]) -> Result<Session, String> {
    let (mut mode, mut against, mut colour, mut exercise) = (None, None, None, false);
    let exact = Mode::Servers { about: false };
    for word in words {
        let twice = match *word {
            "server" => mode.replace(Mode::Server).is_some(),
            "python" => mode.replace(Mode::Python).is_some(),
            "cargo-test" => mode.replace(Mode::CargoTest).is_some(),
            "shown" => mode.replace(Mode::Shown).is_some(),
            "servers" => mode.replace(exact).is_some(),
            "about" => mode.replace(Mode::Servers { about: true }) != Some(exact),
            "memcached" => against.replace(Against::Both).is_some(),
            "only-memcached" => against.replace(Against::Memcached).is_some(),
            "only-python" => against.replace(Against::Python).is_some(),
            "red" => colour.replace(Colour::Red).is_some(),
            "green" => colour.replace(Colour::Green).is_some(),
            "exercise" => std::mem::replace(&mut exercise, true),
            _ => return Err(format!("unknown word `{word}` after console")),
        };
        if twice {
            return Err(format!("`{}` contradicts itself", words.join(" ")));
        }
    }
    let mode = mode.unwrap_or(Mode::Client);
    let foreign = matches!(against, Some(Against::Memcached | Against::Python));
    let only_red = colour == Some(Colour::Red) && against.is_some();
    let impossible = match mode {
        _ if colour.is_some() && (foreign || exercise || only_red) => true,
        Mode::Shown => exercise || against.is_some() || colour.is_some(),
        Mode::Servers { .. } => {
            let foreign = against.is_some_and(|against| against != Against::Memcached);
            exercise || colour.is_some() || foreign
        }
        Mode::Server => against.is_some() || colour.is_some(),
        Mode::Python => exercise,
        Mode::CargoTest => false,
        Mode::Client => exercise && foreign,
    };
    if impossible {
        return Err(format!("`{}` do not go together", words.join(" ")));
    }
    Ok(Session {
        mode,
        against: against.unwrap_or(Against::Program),
        exercise,
        colour,
    })
}
