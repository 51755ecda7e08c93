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

const VERSION: &str = concat!("mini-memcached ", env!("CARGO_PKG_VERSION"));

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

#[derive(Default)]
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
        limits: Limits {
            memory: 64 * MEGABYTE,
            item_size: MEGABYTE,
            evictions: true,
        },
        conn_limit: 1024,
        flush_enabled: true,
        ..Options::default()
    };
    while let Some(word) = words.next() {
        let mut rest = word.strip_prefix('-').unwrap_or_default();
        if rest.is_empty() {
            return Err(format!("{word}: not an option; see --help"));
        }
        while !rest.is_empty() {
            let (letter, name, value) = next_option(&mut rest, &mut words)?;
            match letter {
                'h' => return Ok(Task::Print(help())),
                'V' => return Ok(Task::Print(VERSION.into())),
                _ => options
                    .set(letter, &value)
                    .map_err(|why| format!("-{name} {value}: {why}"))?,
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
    fn set(&mut self, letter: char, value: &str) -> Result<(), &'static str> {
        match letter {
            'p' => self.port = number(value)?,
            'l' => {
                let hosts: Result<Vec<_>, _> = value.split(',').map(address).collect();
                self.listen.extend(hosts?);
            }
            'm' => self.limits.memory = size(value, MEGABYTE)?,
            'I' => self.limits.item_size = item_size(value)?,
            'M' => self.limits.evictions = false,
            'c' => self.conn_limit = positive(value)?,
            'o' => {
                let words = value.split(',');
                for seconds in words.filter_map(|word| word.strip_prefix("idle_timeout=")) {
                    self.idle_timeout = seconds.parse().or(Err("idle_timeout wants seconds"))?;
                }
            }
            'F' => self.flush_enabled = false,
            'A' => self.shutdown_enabled = true,
            'v' => self.verbosity += 1,
            't' => drop(positive(value)?),
            'U' if number::<u16>(value)? != 0 => return Err("there is no UDP"),
            'B' if value != "ascii" && value != "auto" => {
                return Err("there is no such protocol here");
            }
            _ => {}
        }
        Ok(())
    }
}

fn number<Number: FromStr>(value: &str) -> Result<Number, &'static str> {
    value.parse().or(Err("not a number that can be used here"))
}

fn positive(value: &str) -> Result<usize, &'static str> {
    match number(value)? {
        0 => Err("must be greater than 0"),
        number => Ok(number),
    }
}

/// So many units of that many bytes.
fn size(count: &str, unit: usize) -> Result<usize, &'static str> {
    let count: Option<usize> = count.parse().ok().filter(|&count| count > 0);
    let bytes = count.and_then(|count| count.checked_mul(unit));
    bytes.ok_or("not a size that can be used here")
}

fn item_size(value: &str) -> Result<usize, &'static str> {
    let value = value.to_ascii_lowercase();
    let bytes = match (value.strip_suffix('k'), value.strip_suffix('m')) {
        (Some(count), _) => size(count, 1024)?,
        (_, Some(count)) => size(count, MEGABYTE)?,
        _ => size(&value, 1)?,
    };
    match bytes {
        ITEM_SIZE_MIN..=ITEM_SIZE_MAX => Ok(bytes),
        _ => Err("an item's size must be between 1k and 1024m"),
    }
}

/// `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or bare IPv6.
fn address(address: &str) -> Result<(String, Option<u16>), &'static str> {
    let bracketed = address.strip_prefix('[');
    let (host, port) = match bracketed.and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
        None => match address.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (address, None),
        },
    };
    let port = port.map(|port| port.parse().or(Err("not a port")));
    Ok((host.to_string(), port.transpose()?))
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
/// `-memory-limit=64`. A value that is not attached is the next word. Returns the letter, the name for messages, without
/// its first `-`, and the value, which is empty if the option takes none.
fn next_option<'a>(
    rest: &mut &'a str,
    words: &mut impl Iterator<Item = String>,
) -> Result<(char, &'a str, String), String> {
    let is_long = rest.starts_with('-');
    let parts = match rest.char_indices().nth(1) {
        _ if is_long => rest.split_once('='),
        second => second.map(|(end, _)| rest.split_at(end)),
    };
    let (name, attached) = parts.map_or((*rest, None), |(name, more)| (name, Some(more)));
    *rest = "";
    let is_this = |option: &&Known| match name.strip_prefix('-') {
        Some(long) => option.1 == long,
        None => name.starts_with(option.0),
    };
    let known = OPTIONS.iter().find(is_this);
    let &(letter, _, wants, _) = known.ok_or(format!("-{name}: unknown option; see --help"))?;
    let value = match (wants, attached) {
        ("", Some(_)) if is_long => return Err(format!("-{name}: takes no value")),
        ("", more) => {
            *rest = more.unwrap_or_default();
            String::new()
        }
        (_, Some(value)) => value.to_string(),
        (_, None) => words
            .next()
            .ok_or(format!("-{name}: <{wants}> is missing"))?,
    };
    Ok((letter, name, value))
}
