//! The command line: memcached's options, as far as they mean something here.
//!
//! Scripts and service files pass options that this server has no use for. Those that change nothing a client could
//! notice are accepted and ignored; the others are refused, since it would be a lie to start without them.

use std::str::FromStr;

/// `-m` counts in these, and so does the suffix `m` of `-I`: bytes.
const MEGABYTE: usize = 1024 * 1024;

/// memcached's own bound for `-I`, in bytes.
const ITEM_SIZE_MIN: usize = 1024;

pub struct Options {
    /// 0 lets the system choose one.
    pub port: u16,
    /// Hosts, each with a port of its own or none.
    pub listen: Vec<String>,
    /// `-m`, in bytes.
    pub memory_limit: usize,
    pub conn_limit: u64,
    /// `-I`, in bytes.
    pub item_size_max: usize,
    pub verbosity: u64,
    /// Seconds after which a silent client is hung up on; 0 is never.
    pub idle_timeout: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 11211,
            listen: Vec::new(),
            memory_limit: 64 * MEGABYTE,
            conn_limit: 1024,
            item_size_max: MEGABYTE,
            verbosity: 0,
            idle_timeout: 0,
        }
    }
}

/// What the command line asks for.
pub enum Task {
    Serve(Options),
    /// A text for stdout, and no server.
    Print(String),
}

/// An option: its letter, its long name, what its value is called (nothing if it takes none), its line in `--help`.
struct Known(char, &'static str, &'static str, &'static str);

const KNOWN: &[Known] = &[
    Known(
        'p',
        "port",
        "<num>",
        "TCP port to listen on (default: 11211; 0: any free one)",
    ),
    Known(
        'l',
        "listen",
        "<addr>",
        "host, host:port or [IPv6]:port to listen on, or several with\ncommas (default: 127.0.0.1)",
    ),
    Known(
        'm',
        "memory-limit",
        "<num>",
        "memory for items in megabytes (default: 64)",
    ),
    Known(
        'c',
        "conn-limit",
        "<num>",
        "max simultaneous connections (default: 1024)",
    ),
    Known(
        'I',
        "max-item-size",
        "<num>",
        "largest item, in bytes or with suffix k or m\n(default: 1m, min: 1k, max: half of -m)",
    ),
    Known(
        'o',
        "extended",
        "<list>",
        "idle_timeout=<seconds> hangs up on silent clients\n(default: 0, never); whatever else it says is ignored",
    ),
    Known(
        'v',
        "verbose",
        "",
        "-vv shows the conversation on stderr: < received, > sent",
    ),
    Known('V', "version", "", "print the version and exit"),
    Known('h', "help", "", "print this help and exit"),
    Known('U', "udp-port", "<num>", "must be 0: there is no UDP"),
    Known(
        't',
        "threads",
        "<num>",
        "ignored: every connection has a thread of its own",
    ),
    Known(
        'd',
        "daemon",
        "",
        "ignored: the server stays in the foreground",
    ),
    Known(
        'u',
        "user",
        "<user>",
        "ignored: the server stays the user who started it",
    ),
    Known('P', "pidfile", "<file>", "ignored"),
    Known('k', "lock-memory", "", "ignored"),
    Known('r', "enable-coredumps", "", "ignored"),
    Known('b', "listen-backlog", "<num>", "ignored"),
    Known('R', "max-reqs-per-event", "<num>", "ignored"),
    Known(
        'f',
        "slab-growth-factor",
        "<num>",
        "ignored: there are no slabs",
    ),
    Known(
        'n',
        "slab-min-size",
        "<bytes>",
        "ignored: there are no slabs",
    ),
];

/// Reads the command line, without the program's name. The error is one line that says what is wrong.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut arguments = Arguments {
        rest: arguments,
        letters: String::new(),
    };
    let mut options = Options::default();
    while let Some((letter, value)) = arguments.next_option()? {
        match letter {
            'h' => return Ok(Task::Print(help())),
            'V' => {
                return Ok(Task::Print(format!(
                    "mini-memcached {}",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            _ => options.set(letter, &value)?,
        }
    }
    if options.listen.is_empty() {
        options.listen.push("127.0.0.1".into());
    }
    if options.item_size_max > options.memory_limit / 2 {
        return Err("-I: the item size limit cannot be higher than half of -m".into());
    }
    Ok(Task::Serve(options))
}

impl Options {
    /// Hosts and ports to listen on.
    pub fn addresses(&self) -> Result<Vec<(&str, u16)>, String> {
        self.listen
            .iter()
            .map(|address| self.address(address))
            .collect()
    }

    fn address<'a>(&self, address: &'a str) -> Result<(&'a str, u16), String> {
        if let Some((host, rest)) = address
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            let port = rest.strip_prefix(':').map(|port| number('l', port));
            return Ok((host, port.unwrap_or(Ok(self.port))?));
        }
        match address.split_once(':') {
            Some((host, port)) if !port.contains(':') => Ok((host, number('l', port)?)),
            _ => Ok((address, self.port)),
        }
    }

    fn set(&mut self, letter: char, value: &str) -> Result<(), String> {
        match letter {
            'p' => self.port = number(letter, value)?,
            'l' => self.listen.extend(value.split(',').map(String::from)),
            'm' => self.memory_limit = size(letter, value, MEGABYTE)?,
            'c' => self.conn_limit = positive(letter, value)?,
            'I' => self.item_size_max = item_size(letter, value)?,
            'v' => self.verbosity += 1,
            'o' => self.extend(value)?,
            't' => drop(positive(letter, value)?),
            'U' if number::<u16>(letter, value)? != 0 => {
                return Err(format!("-U {value}: UDP is not served, only 0 is accepted"));
            }
            _ => {}
        }
        Ok(())
    }

    fn extend(&mut self, list: &str) -> Result<(), String> {
        for suboption in list.split(',') {
            if let Some(seconds) = suboption.strip_prefix("idle_timeout=") {
                self.idle_timeout = number('o', seconds)?;
            }
        }
        Ok(())
    }
}

fn number<Number: FromStr>(letter: char, value: &str) -> Result<Number, String> {
    let wrong = |_| format!("-{letter} {value}: not a number that can be used here");
    value.parse().map_err(wrong)
}

fn positive(letter: char, value: &str) -> Result<u64, String> {
    match number(letter, value)? {
        0 => Err(format!("-{letter} {value}: must be greater than 0")),
        number => Ok(number),
    }
}

/// A number of units, each of that many bytes.
fn size(letter: char, value: &str, unit: usize) -> Result<usize, String> {
    let count: usize = number(letter, value)?;
    let bytes = count.checked_mul(unit).filter(|&bytes| bytes > 0);
    bytes.ok_or(format!(
        "-{letter} {value}: not a size that can be used here"
    ))
}

fn item_size(letter: char, value: &str) -> Result<usize, String> {
    let bytes = match value.strip_suffix(['k', 'K']) {
        Some(kilobytes) => size(letter, kilobytes, 1024)?,
        None => match value.strip_suffix(['m', 'M']) {
            Some(megabytes) => size(letter, megabytes, MEGABYTE)?,
            None => size(letter, value, 1)?,
        },
    };
    if bytes < ITEM_SIZE_MIN {
        return Err(format!(
            "-I {value}: the item size limit cannot be less than 1024 bytes"
        ));
    }
    Ok(bytes)
}

/// The arguments, cut into options and their values as getopt does it: `-vv`, `-m 64`, `-m64`, `--memory-limit 64`,
/// `--memory-limit=64`.
struct Arguments<Rest> {
    rest: Rest,
    /// What is left of several letters behind one dash.
    letters: String,
}

impl<Rest: Iterator<Item = String>> Arguments<Rest> {
    /// The letter of the next option and its value, which is empty if it takes none.
    fn next_option(&mut self) -> Result<Option<(char, String)>, String> {
        if self.letters.is_empty() {
            let Some(argument) = self.rest.next() else {
                return Ok(None);
            };
            if let Some(long) = argument.strip_prefix("--") {
                return self.long(long).map(Some);
            }
            self.letters = match argument.strip_prefix('-') {
                Some(letters) if !letters.is_empty() => letters.to_string(),
                _ => return Err(format!("{argument}: not an option; see --help")),
            };
        }
        self.short().map(Some)
    }

    fn short(&mut self) -> Result<(char, String), String> {
        let letter = self.letters.remove(0);
        let known = KNOWN.iter().find(|known| known.0 == letter);
        let known = known.ok_or(format!("-{letter}: unknown option; see --help"))?;
        if known.2.is_empty() {
            return Ok((letter, String::new()));
        }
        let attached = Some(std::mem::take(&mut self.letters)).filter(|value| !value.is_empty());
        Ok((letter, self.value(known, attached)?))
    }

    fn long(&mut self, argument: &str) -> Result<(char, String), String> {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (argument, None),
        };
        let known = KNOWN.iter().find(|known| known.1 == name);
        let known = known.ok_or(format!("--{name}: unknown option; see --help"))?;
        match (known.2.is_empty(), attached) {
            (true, None) => Ok((known.0, String::new())),
            (true, Some(_)) => Err(format!("--{name}: takes no value")),
            (false, attached) => Ok((known.0, self.value(known, attached)?)),
        }
    }

    fn value(&mut self, known: &Known, attached: Option<String>) -> Result<String, String> {
        let missing = format!("-{}, --{}: requires a value {}", known.0, known.1, known.2);
        attached.or_else(|| self.rest.next()).ok_or(missing)
    }
}

fn help() -> String {
    let mut text = String::from("A memcached server that one person can read in an evening.\n\n");
    for Known(letter, name, value, about) in KNOWN {
        let equals = if value.is_empty() { "" } else { "=" };
        let option = format!("-{letter}, --{name}{equals}{value}");
        text += &format!(
            "{option:<28} {}\n",
            about.replace('\n', &format!("\n{:29}", ""))
        );
    }
    text.trim_end().to_string()
}
