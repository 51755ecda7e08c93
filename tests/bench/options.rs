//! What the words after `cargo bench --` ask for.

use crate::contestant::NAMES;
use crate::script::ROWS;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub struct Options {
    pub rows: Vec<String>,
    pub servers: Vec<String>,
    /// Programs of somebody's own, such as the one that the tutorial's reader types.
    pub programs: Vec<PathBuf>,
    pub address: Option<SocketAddr>,
    pub rounds: usize,
    pub time: Duration,
    pub think: Duration,
    pub same_cores: bool,
    pub svg: PathBuf,
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options::usual();
        let mut servers = None;
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--bench" => {} // cargo's own
                "--rows" => options.rows = chosen(&value()?, &Options::usual().rows)?,
                "--servers" => servers = Some(chosen(&value()?, &options.servers)?),
                "--server" => options.programs.push(program(&value()?)?),
                "--addr" => options.address = Some(resolve(&value()?)?),
                "--rounds" => options.rounds = count(&value()?)?,
                "--seconds" => options.time = some_time(&value()?)?,
                "--think" => options.think = seconds(&value()?)? / 1_000_000,
                "--same-cores" => options.same_cores = true,
                "--svg" => options.svg = value()?.into(),
                _ => return Err(format!("unknown option {option}")),
            }
        }
        let alone = options.address.is_some();
        options.servers = servers.unwrap_or(if alone { Vec::new() } else { options.servers });
        Ok(options)
    }

    fn usual() -> Options {
        let rows = ROWS.iter().map(|work| work.id).chain(["chart"]);
        Options {
            rows: rows.map(String::from).collect(),
            servers: NAMES.map(String::from).into(),
            programs: Vec::new(),
            address: None,
            rounds: 9,
            time: Duration::from_millis(100),
            think: Duration::from_micros(3),
            same_cores: false,
            svg: concat!(env!("CARGO_TARGET_TMPDIR"), "/throughput.svg").into(),
        }
    }
}

fn chosen(list: &str, all: &[String]) -> Result<Vec<String>, String> {
    let chosen: Vec<String> = list.split(',').map(|name| name.trim().into()).collect();
    match chosen.iter().find(|name| !all.contains(name)) {
        Some(unknown) => Err(format!("no {unknown:?} among {all:?}")),
        None => Ok(chosen),
    }
}

/// cargo runs a benchmark in the project's folder, and from there a relative path leads.
fn program(text: &str) -> Result<PathBuf, String> {
    let path = Path::new(text).canonicalize();
    path.map_err(|error| format!("{text}: {error}"))
}

fn resolve(text: &str) -> Result<SocketAddr, String> {
    let mut addresses = text
        .to_socket_addrs()
        .map_err(|error| format!("{text}: {error}"))?;
    addresses.next().ok_or(format!("{text} has no address"))
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or(format!("{text} is no number of rounds"))
}

fn some_time(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    let some = (!time.is_zero()).then_some(time);
    some.ok_or(format!("{text} is no time to measure in"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or(format!("{text} is no length of time"))
}
