//! `cargo bench`: this server, a real memcached beside it, and the floor, under the same load in turn.
//!
//! Options follow `--`, as in `cargo bench -- --rows 8,50 --seconds 2`:
//!
//! - `--rows LIST`: of 1, 8, 50, 400, 8x32, 8x32-1:1, 32-keys, 10000, and chart for the picture
//! - `--servers LIST`: of mini-memcached, memcached -t 4, memcached -t 1, floor
//! - `--server PATH`: a program of your own, beside those of `--servers`; more than once, if there are more
//! - `--addr HOST:PORT`: load a server that is running already, beside those of `--servers`, or alone
//! - `--rounds N`: how many times each server takes its turn, 9 unless told; figures are medians of the rounds
//! - `--seconds N`: how long a turn lasts, 0.1 unless told
//! - `--think MICROSECONDS`: how long the clients pause between a reply and the next packet; 3 unless told, which is about
//!   what memtier_benchmark spends there. With 0 the server is never idle and an event loop finds many requests each
//!   time it looks; a pause gives it moments without work, and what sleeping and being woken costs shows.
//! - `--same-cores`: let the load and the servers share all processors
//! - `--svg PATH`: where the picture goes, target/tmp/throughput.svg unless told

mod chart;
#[path = "../common/mod.rs"]
mod common;
mod contestant;
mod floor;
mod load;
mod options;
mod report;
mod script;

use chart::Curve;
use contestant::{Contestant, memcached_version, pin};
use options::Options;
use report::{Figures, Line};
use script::{ROWS, Work, packets};
use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

/// Connections of the picture.
const CHART: [usize; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// Before each measurement, so that no server is judged by how it starts.
const WARM_UP: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.first() {
        Some(first) if first == floor::ARGUMENT => floor::serve(),
        _ if arguments.iter().any(|argument| argument == "--bench") => bench(arguments),
        _ => {
            println!("nothing is measured in a debug build: cargo bench");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: Vec<String>) -> io::Result<()> {
    let options = Options::parse(arguments.into_iter()).map_err(io::Error::other)?;
    let mut bench = Bench::prepare(options)?;
    let lines = bench.rows()?;
    if !lines.is_empty() {
        report::print(&lines);
    }
    if bench.asked("chart") {
        bench.chart()?;
    }
    for note in &bench.notes {
        println!("not measured: {note}");
    }
    Ok(())
}

/// The servers, and what could not be measured of them.
struct Bench {
    options: Options,
    contestants: Vec<Contestant>,
    notes: Vec<String>,
}

impl Bench {
    /// Starts and fills the servers, on one processor if the load can have another.
    fn prepare(options: Options) -> io::Result<Bench> {
        let mut bench = Bench {
            options,
            contestants: Vec::new(),
            notes: Vec::new(),
        };
        let servers_apart = !bench.options.same_cores && pin("0");
        bench.start();
        let load_apart = servers_apart && pin("1");
        println!(
            "{}",
            match (servers_apart, load_apart) {
                (true, true) => "what was started runs on processor 0, the load on processor 1",
                (true, false) => "what was started and the load share processor 0",
                _ => "the servers and the load share all processors",
            }
        );
        if !load_apart {
            bench.note(
                "a processor for each: --same-cores, or only one, or no taskset (util-linux)"
                    .into(),
            );
        }
        bench.fill()?;
        Ok(bench)
    }

    fn start(&mut self) {
        let version = memcached_version();
        println!(
            "memcached: {}",
            version.as_deref().unwrap_or("not installed")
        );
        self.contestants
            .extend(self.options.address.map(Contestant::at));
        let programs = self.options.programs.iter();
        self.contestants
            .extend(programs.map(|path| Contestant::program(path)));
        for name in self.options.servers.clone() {
            if name.starts_with("memcached") && version.is_none() {
                self.note(format!("{name}: apt-get install memcached"));
            } else {
                self.contestants.push(Contestant::start(&name));
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        for contestant in &self.contestants {
            for bytes in [100, 10_000] {
                let filled = contestant.fill(bytes);
                filled
                    .map_err(|error| io::Error::other(format!("{}: {error}", contestant.name)))?;
            }
        }
        let mut silent = self
            .contestants
            .iter()
            .filter(|one| one.processor_time().is_none());
        if let Some(one) = silent.next() {
            let name = &one.name;
            self.note(format!(
                "processor time of {name}: not our child, or no /proc/PID/task/*/schedstat"
            ));
        }
        Ok(())
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn asked(&self, row: &str) -> bool {
        self.options.rows.iter().any(|asked| asked == row)
    }

    fn rows(&mut self) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for work in &ROWS {
            if self.asked(work.id) {
                lines.extend(self.row(work)?);
            }
        }
        Ok(lines)
    }

    fn row(&mut self, work: &'static Work) -> io::Result<Vec<Line>> {
        eprint!("{:24}", work.title);
        let rounds = self.rounds(work)?;
        eprintln!();
        let lines = self
            .contestants
            .iter()
            .zip(rounds)
            .map(|(one, rounds)| Line {
                work: work.title,
                server: one.name.clone(),
                rounds,
            });
        Ok(lines.collect())
    }

    /// Every server takes its turn in every round, so that a disturbance does not meet one server alone.
    fn rounds(&mut self, work: &Work) -> io::Result<Vec<Vec<Option<Figures>>>> {
        let mut rounds = vec![Vec::new(); self.contestants.len()];
        for _ in 0..self.options.rounds {
            for (index, figures) in rounds.iter_mut().enumerate() {
                figures.push(self.measure(index, work)?);
            }
        }
        Ok(rounds)
    }

    /// One server, one row, one round. What this machine cannot do is noted; a wrong reply ends it all.
    fn measure(&mut self, index: usize, work: &Work) -> io::Result<Option<Figures>> {
        eprint!(".");
        let contestant = &self.contestants[index];
        let connections = work.connections;
        match measure(contestant, work, self.options.time, self.options.think) {
            Ok(figures) => Ok(Some(figures)),
            Err(error) => {
                let text = format!(
                    "{} with {connections} connections: {error}",
                    contestant.name
                );
                if error.kind() == ErrorKind::InvalidData {
                    return Err(io::Error::other(text));
                }
                self.note(text);
                Ok(None)
            }
        }
    }

    fn chart(&mut self) -> io::Result<()> {
        let curve = |one: &Contestant| Curve {
            name: one.name.clone(),
            points: Vec::new(),
        };
        let mut curves: Vec<Curve> = self.contestants.iter().map(curve).collect();
        eprint!("{:24}", "the picture");
        for connections in CHART {
            let work = Work::of_connections(connections);
            for (curve, rounds) in curves.iter_mut().zip(self.rounds(&work)?) {
                let figures = Figures::median(&rounds);
                curve
                    .points
                    .extend(figures.map(|figures| (connections, figures.per_second)));
            }
        }
        eprintln!();
        fs::write(&self.options.svg, chart::draw(&curves))?;
        println!(
            "throughput over connections: {}",
            self.options.svg.display()
        );
        Ok(())
    }
}

fn measure(one: &Contestant, work: &Work, time: Duration, think: Duration) -> io::Result<Figures> {
    let packets = packets(work, one.keys(work.bytes));
    let mut lanes = load::connect(one.address, &packets, work.connections)?;
    load::run(&mut lanes, WARM_UP, think)?;
    let before = one.processor_time();
    let outcome = load::run(&mut lanes, time, think)?;
    let used = one
        .processor_time()
        .zip(before)
        .map(|(after, before)| after - before);
    let operations = (outcome.packets() * work.commands) as f64;
    Ok(Figures {
        per_second: operations / outcome.elapsed.as_secs_f64(),
        processor: used.map(|time| time.as_secs_f64() * 1e6 / operations),
        p50: outcome.percentile(50),
        p99: outcome.percentile(99),
    })
}
