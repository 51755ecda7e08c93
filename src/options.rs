//! The command line: memcached's options, as far as they mean something here.
//!
//! Scripts and service files pass options that this server has no use for. Those that change nothing a client could
//! notice are taken and ignored. The others (`-d`, `-s`, `-S`, …) are refused: it would be a lie to start.

use crate::store::Limits;
use std::fmt::Write;
use std::str::FromStr;

/// `-m` counts in these: bytes.
pub const MEGABYTE: usize = 1024 * 1024;

/// memcached's own bounds of `-I`, in bytes.
const ITEM_SIZE_MIN: usize = 1024;
const ITEM_SIZE_MAX: usize = 1024 * MEGABYTE;

/// Letter, name, what the value is called (nothing: it takes none), and what the option does.
type Known = (char, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const OPTIONS: &[Known] = &[
    ('p', "port", "num", "TCP port to listen on (default: 11211; 0: any free one)"),
    ('l', "listen", "addr", "host, host:port or [IPv6]:port, several with commas, * for all (default: 127.0.0.1)"),
    ('m', "memory-limit", "num", "memory for items in megabytes (default: 64)"),
    ('I', "max-item-size", "num", "bytes, or with suffix k or m (default: 1m, min: 1k, max: half of -m)"),
    ('M', "disable-evictions", "", "a full server answers with an error"),
    ('c', "conn-limit", "num", "max simultaneous connections (default: 1024)"),
    ('o', "extended", "list", "idle_timeout=<seconds> (default: 0, never); all else is ignored"),
    ('F', "disable-flush-all", "", "flush_all answers with an error"),
    ('A', "enable-shutdown", "", "the shutdown command ends the server"),
    ('v', "verbose", "", "-vv shows the conversation on stderr: < received, > sent"),
    ('V', "version", "", "print the version and exit"),
    ('h', "help", "", "print this help and exit"),
    ('U', "udp-port", "num", "must be 0: there is no UDP"),
    ('B', "protocol", "name", "must be ascii or auto: there is no binary protocol"),
    ('t', "threads", "num", "ignored: every connection has a thread of its own"),
    ('u', "user", "user", "ignored: the server stays the user who started it"),
    ('P', "pidfile", "file", "ignored, as by a memcached that is no daemon"),
    ('f', "slab-growth-factor", "num", "ignored: there are no slabs"),
    ('n', "slab-min-size", "bytes", "ignored: there are no slabs"),
    ('L', "enable-largepages", "", "ignored"),
    ('k', "lock-memory", "", "ignored"),
    ('r', "enable-coredumps", "", "ignored"),
    ('b', "listen-backlog", "num", "ignored"),
    ('R', "max-reqs-per-event", "num", "ignored"),
    ('W', "disable-watch", "", "ignored: there is nothing to watch"),
    ('X', "disable-dumping", "", "ignored: there is no dumping"),
];

pub struct Options {
    /// 0 lets the system choose one.
    pub port: u16,
    /// Hosts, each with a port of its own or without.
    pub listen: Vec<(String, Option<u16>)>,
    pub limits: Limits,
    pub conn_limit: usize,
    /// Seconds after which a silent client is hung up on; 0 is never.
    pub idle_timeout: u64,
    pub flush_enabled: bool,
    pub shutdown_enabled: bool,
    pub verbosity: u64,
}

/// What the command line asks for.
pub enum Task {
    Serve(Options),
    /// A text for stdout, and no server.
    Print(String),
}

/// Reads the command line, without the program's name. The error is one line that says what is wrong.
pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut options = Options {
        port: 11211,
        listen: Vec::new(),
        limits: Limits {
            memory: 64 * MEGABYTE,
            item_size: MEGABYTE,
            evictions: true,
        },
        conn_limit: 1024,
        idle_timeout: 0,
        flush_enabled: true,
        shutdown_enabled: false,
        verbosity: 0,
    };
    while let Some(word) = words.next() {
        let mut rest = word.strip_prefix('-').unwrap_or_default();
        if rest.is_empty() {
            return Err(format!("{word}: not an option; see --help"));
        }
        while !rest.is_empty() {
            let given = next_option(&mut rest, &mut words)?;
            match given.letter {
                'h' => return Ok(Task::Print(help())),
                'V' => return Ok(Task::Print(version())),
                _ => options.set(&given)?,
            }
        }
    }
    if options.limits.item_size > options.limits.memory / 2 {
        return Err("-I: the largest item cannot have more than half of -m".into());
    }
    if options.listen.is_empty() {
        options.listen.push(("127.0.0.1".into(), None));
    }
    Ok(Task::Serve(options))
}

impl Options {
    fn set(&mut self, given: &Given) -> Result<(), String> {
        match given.letter {
            'p' => self.port = given.number()?,
            'l' => {
                for address in given.value.split(',') {
                    self.listen.push(given.address(address)?);
                }
            }
            'm' => self.limits.memory = given.size(&given.value, MEGABYTE)?,
            'I' => self.limits.item_size = given.item_size()?,
            'M' => self.limits.evictions = false,
            'c' => self.conn_limit = given.positive()?,
            'o' => {
                let words = given.value.split(',');
                for seconds in words.filter_map(|word| word.strip_prefix("idle_timeout=")) {
                    let seconds = seconds.parse();
                    self.idle_timeout = seconds.or(given.wrong("idle_timeout wants seconds"))?;
                }
            }
            'F' => self.flush_enabled = false,
            'A' => self.shutdown_enabled = true,
            'v' => self.verbosity += 1,
            't' => drop(given.positive()?),
            'U' if given.number::<u16>()? != 0 => return given.wrong("there is no UDP"),
            'B' if !["ascii", "auto"].contains(&&given.value[..]) => {
                return given.wrong("there is no such protocol here");
            }
            _ => {}
        }
        Ok(())
    }
}

fn version() -> String {
    concat!("mini-memcached ", env!("CARGO_PKG_VERSION")).into()
}

fn help() -> String {
    let mut text = String::new();
    for (letter, name, value, does) in OPTIONS {
        let option = match *value {
            "" => format!("-{letter}, --{name}"),
            value => format!("-{letter}, --{name}=<{value}>"),
        };
        let _ = writeln!(text, "{option:<33}{does}");
    }
    text.pop();
    text
}

/// Takes the next option from `rest`, which is an argument without its first `-`, as getopt reads it: `m64`, `vv` or
/// `-memory-limit=64`. A value that is not attached is the next word.
fn next_option(rest: &mut &str, words: &mut impl Iterator<Item = String>) -> Result<Given, String> {
    let (name, known, attached);
    if let Some(long) = rest.strip_prefix('-') {
        let (long, value) = match long.split_once('=') {
            Some((long, value)) => (long, Some(value)),
            None => (long, None),
        };
        name = format!("--{long}");
        known = OPTIONS.iter().find(|option| option.1 == long);
        attached = value;
        *rest = "";
    } else {
        let letter = rest.chars().next().unwrap_or_default();
        *rest = &rest[letter.len_utf8()..];
        name = format!("-{letter}");
        known = OPTIONS.iter().find(|option| option.0 == letter);
        let takes_rest = known.is_some_and(|option| !option.2.is_empty()) && !rest.is_empty();
        attached = takes_rest.then(|| std::mem::take(rest));
    }
    let Some(&(letter, _, wants, _)) = known else {
        return Err(format!("{name}: unknown option; see --help"));
    };
    let value = match (wants, attached) {
        ("", None) => String::new(),
        ("", Some(_)) => return Err(format!("{name}: takes no value")),
        (_, Some(value)) => value.to_string(),
        (_, None) => words
            .next()
            .ok_or(format!("{name}: <{wants}> is missing"))?,
    };
    Ok(Given {
        letter,
        name,
        value,
    })
}

/// An option as it stands on the command line.
struct Given {
    letter: char,
    /// `-m` or `--memory-limit`, for messages.
    name: String,
    /// Empty if the option takes none.
    value: String,
}

impl Given {
    fn wrong<Value>(&self, why: &str) -> Result<Value, String> {
        Err(format!("{} {}: {why}", self.name, self.value))
    }

    fn number<Number: FromStr>(&self) -> Result<Number, String> {
        let number = self.value.parse();
        number.or(self.wrong("not a number that can be used here"))
    }

    fn positive(&self) -> Result<usize, String> {
        match self.number()? {
            0 => self.wrong("must be greater than 0"),
            number => Ok(number),
        }
    }

    /// So many units of that many bytes.
    fn size(&self, count: &str, unit: usize) -> Result<usize, String> {
        let count: Option<usize> = count.parse().ok().filter(|&count| count > 0);
        let bytes = count.and_then(|count| count.checked_mul(unit));
        bytes.map_or(self.wrong("not a size that can be used here"), Ok)
    }

    fn item_size(&self) -> Result<usize, String> {
        let value = self.value.to_ascii_lowercase();
        let bytes = match (value.strip_suffix('k'), value.strip_suffix('m')) {
            (Some(count), _) => self.size(count, 1024)?,
            (_, Some(count)) => self.size(count, MEGABYTE)?,
            _ => self.size(&value, 1)?,
        };
        match bytes {
            ITEM_SIZE_MIN..=ITEM_SIZE_MAX => Ok(bytes),
            _ => self.wrong("an item's size must be between 1k and 1024m"),
        }
    }

    /// `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or bare IPv6.
    fn address(&self, address: &str) -> Result<(String, Option<u16>), String> {
        let bracketed = address
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'));
        let (host, port) = match (bracketed, address.split_once(':')) {
            (Some((host, "")), _) => (host, None),
            (Some((host, port)), _) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
            (None, Some((host, port))) if !port.contains(':') => (host, Some(port)),
            _ => (address, None),
        };
        let port = port.map(|port| port.parse().or(self.wrong("not a port")));
        Ok((host.to_string(), port.transpose()?))
    }
}
