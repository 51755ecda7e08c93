//! The command line: memcached's options, as far as they mean something here.
//!
//! Scripts and service files pass options that this server has no use for. Those that change nothing a client could
//! notice are taken and ignored. The others (`-d`, `-s`, `-M`, `-S`, …) are refused: it would be a lie to start.

use std::str::FromStr;

/// `-m` counts in these: bytes.
const MEGABYTE: usize = 1024 * 1024;

/// memcached's own least value of `-I`, in bytes.
const ITEM_SIZE_MIN: usize = 1024;

/// memcached's own greatest value, in bytes.
const ITEM_SIZE_MAX: usize = 1024 * MEGABYTE;

/// What `--help` says, and at the same time the table of all options.
const HELP: &str = "\
-p, --port=<num>            TCP port to listen on (default: 11211; 0: any free one)
-l, --listen=<addr>         host, host:port or [IPv6]:port, or several with commas (default: 127.0.0.1)
-m, --memory-limit=<num>    memory for items in megabytes (default: 64)
-c, --conn-limit=<num>      max simultaneous connections (default: 1024)
-I, --max-item-size=<num>   bytes, or with suffix k or m (default: 1m, min: 1k, max: half of -m)
-o, --extended=<list>       idle_timeout=<seconds> (default: 0, never); all else is ignored
-v, --verbose               -vv shows the conversation on stderr: < received, > sent
-V, --version               print the version and exit
-h, --help                  print this help and exit
-U, --udp-port=<num>        must be 0: there is no UDP
-t, --threads=<num>         ignored: every connection has a thread of its own
-u, --user=<user>           ignored: the server stays the user who started it
-P, --pidfile=<file>        ignored, as by a memcached that is no daemon
-k, --lock-memory           ignored
-r, --enable-coredumps      ignored
-b, --listen-backlog=<num>  ignored
-R, --max-reqs-per-event=<num>  ignored";

/// An option as its line in `HELP` describes it.
struct Known {
    letter: char,
    name: &'static str,
    /// What its value is called; nothing if it takes none.
    wants: &'static str,
}

fn find(wanted: impl Fn(&Known) -> bool) -> Option<Known> {
    let known = |line: &'static str| {
        let (letter, rest) = line.strip_prefix('-')?.split_once(", --")?;
        let word = rest.split(' ').next()?;
        let (name, wants) = word.split_once('=').unwrap_or((word, ""));
        let letter = letter.chars().next()?;
        Some(Known {
            letter,
            name,
            wants,
        })
    };
    HELP.lines().filter_map(known).find(wanted)
}

pub struct Options {
    /// 0 lets the system choose one.
    pub port: u16,
    /// Hosts, each with a port of its own or without.
    pub listen: Vec<(String, Option<u16>)>,
    /// `-m`, in bytes.
    pub memory_limit: usize,
    pub conn_limit: u64,
    /// `-I`, in bytes.
    pub item_size_max: usize,
    pub verbosity: u64,
    /// Seconds after which a silent client is hung up on; 0 is never.
    pub idle_timeout: u64,
}

/// What the command line asks for.
pub enum Task {
    Serve(Options),
    /// A text for stdout, and no server.
    Print(String),
}

/// Reads the command line, without the program's name. The error is one line that says what is wrong.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut options = Options {
        port: 11211,
        listen: Vec::new(),
        memory_limit: 64 * MEGABYTE,
        conn_limit: 1024,
        item_size_max: MEGABYTE,
        verbosity: 0,
        idle_timeout: 0,
    };
    while let Some(argument) = arguments.next() {
        for given in cut(&argument, &mut arguments)? {
            match given.letter {
                'h' => return Ok(Task::Print(HELP.into())),
                'V' => {
                    return Ok(Task::Print(
                        concat!("mini-memcached ", env!("CARGO_PKG_VERSION")).into(),
                    ));
                }
                _ => options.set(&given)?,
            }
        }
    }
    if options.item_size_max > options.memory_limit / 2 {
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
            'm' => self.memory_limit = given.size(&given.value, MEGABYTE)?,
            'c' => self.conn_limit = given.positive()?,
            'I' => self.item_size_max = given.item_size()?,
            'v' => self.verbosity += 1,
            'o' => {
                for seconds in given
                    .value
                    .split(',')
                    .filter_map(|word| word.strip_prefix("idle_timeout="))
                {
                    self.idle_timeout = seconds
                        .parse()
                        .or(given.wrong("idle_timeout wants seconds"))?;
                }
            }
            't' => drop(given.positive()?),
            'U' if given.number::<u16>()? != 0 => return given.wrong("there is no UDP"),
            _ => {}
        }
        Ok(())
    }
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
        self.value
            .parse()
            .or(self.wrong("not a number that can be used here"))
    }

    fn positive(&self) -> Result<u64, String> {
        match self.number()? {
            0 => self.wrong("must be greater than 0"),
            number => Ok(number),
        }
    }

    /// So many units of that many bytes.
    fn size(&self, count: &str, unit: usize) -> Result<usize, String> {
        let bytes = count
            .parse()
            .ok()
            .and_then(|count: usize| count.checked_mul(unit));
        bytes
            .filter(|&bytes| bytes > 0)
            .map_or(self.wrong("not a size that can be used here"), Ok)
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

/// The options in one argument, as getopt reads them: `-m64`, `-m 64`, `--memory-limit=64`, `--memory-limit 64`, `-vv`.
fn cut(argument: &str, rest: &mut impl Iterator<Item = String>) -> Result<Vec<Given>, String> {
    if let Some(long) = argument.strip_prefix("--") {
        let (name, value) = long
            .split_once('=')
            .map_or((long, None), |(name, value)| (name, Some(value)));
        let known = find(|known| known.name == name);
        return Ok(vec![given(known, format!("--{name}"), value, rest)?]);
    }
    let mut letters = argument.strip_prefix('-').unwrap_or_default();
    if letters.is_empty() {
        return Err(format!("{argument}: not an option; see --help"));
    }
    let mut found = Vec::new();
    while let Some(letter) = letters.chars().next() {
        letters = &letters[letter.len_utf8()..];
        let known = find(|known| known.letter == letter);
        let attached = known
            .as_ref()
            .filter(|known| !known.wants.is_empty() && !letters.is_empty());
        let value = attached.map(|_| std::mem::take(&mut letters));
        found.push(given(known, format!("-{letter}"), value, rest)?);
    }
    Ok(found)
}

/// An option with its value: the one attached to it, or the next argument.
fn given(
    known: Option<Known>,
    name: String,
    attached: Option<&str>,
    rest: &mut impl Iterator<Item = String>,
) -> Result<Given, String> {
    let Some(Known { letter, wants, .. }) = known else {
        return Err(format!("{name}: unknown option; see --help"));
    };
    let value = match (wants.is_empty(), attached) {
        (true, None) => Some(String::new()),
        (true, Some(_)) => return Err(format!("{name}: takes no value")),
        (false, None) => rest.next(),
        (false, Some(value)) => Some(value.to_string()),
    };
    let value = value.ok_or(format!("{name}: {wants} is missing"))?;
    Ok(Given {
        letter,
        name,
        value,
    })
}
