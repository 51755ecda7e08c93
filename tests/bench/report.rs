//! What was measured, as one table.

use crate::contestant::MEASURE;
use std::time::Duration;

/// The figures of one server in one round, and then the medians of its rounds.
#[derive(Clone, Copy)]
pub struct Figures {
    pub per_second: f64,
    /// Microseconds of the server's processor time for an operation.
    pub processor: Option<f64>,
    pub p50: Duration,
    pub p99: Duration,
}

impl Figures {
    /// Each figure's own median: they need not come from the same round.
    pub fn median(rounds: &[Option<Figures>]) -> Option<Figures> {
        let rounds = || rounds.iter().flatten();
        Some(Figures {
            per_second: median(rounds().map(|round| round.per_second))?,
            processor: median(rounds().filter_map(|round| round.processor)),
            p50: Duration::from_secs_f64(median(rounds().map(|round| round.p50.as_secs_f64()))?),
            p99: Duration::from_secs_f64(median(rounds().map(|round| round.p99.as_secs_f64()))?),
        })
    }
}

/// Throughput, processor time and p99 in parts of the measure's, round by round: the speed of a machine may drift by half
/// within seconds, and what is divided was measured one right after the other.
fn ratios(rounds: &[Option<Figures>], measure: &[Option<Figures>]) -> Option<String> {
    let pairs = || {
        rounds
            .iter()
            .zip(measure)
            .filter_map(|pair| Some(((*pair.0)?, (*pair.1)?)))
    };
    let processor = pairs().filter_map(|(ours, theirs)| Some(ours.processor? / theirs.processor?));
    Some(format!(
        "{:.2} / {} / {:.2}",
        median(pairs().map(|(ours, theirs)| ours.per_second / theirs.per_second))?,
        median(processor).map_or("?".into(), |ratio| format!("{ratio:.2}")),
        median(pairs().map(|(ours, theirs)| ours.p99.as_secs_f64() / theirs.p99.as_secs_f64()))?,
    ))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A line of the table: which work, which server, what it did in each round; none where it could not be measured.
pub struct Line {
    pub work: &'static str,
    pub server: String,
    pub rounds: Vec<Option<Figures>>,
}

/// A table that can be read as it is, and pasted into Markdown.
pub fn print(lines: &[Line]) {
    println!();
    println!(
        "| work | server | operations/s | processor µs/op | busy | p50 µs | p99 µs | ratios |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for line in lines {
        let ratios = lines
            .iter()
            .find(|other| other.work == line.work && other.server == MEASURE)
            .and_then(|other| ratios(&line.rounds, &other.rounds));
        println!(
            "| {:23} | {:14} | {} |",
            line.work,
            line.server,
            cells(line, &ratios.unwrap_or_default())
        );
    }
    println!(
        "\nbusy: part of one processor the server used; near 100 % the server is the limit, or looks for work (ours, floor)."
    );
    if lines.iter().any(|line| line.server == MEASURE) {
        println!("ratios: operations/s, processor time and p99 in parts of {MEASURE}'s.");
    }
    println!();
}

fn cells(line: &Line, ratios: &str) -> String {
    let Some(figures) = Figures::median(&line.rounds) else {
        return "not measured | | | | |".into();
    };
    let processor = |text: &dyn Fn(f64) -> String| figures.processor.map_or("?".into(), text);
    format!(
        "{:>9} | {:>6} | {:>5} | {:>6.0} | {:>6.0} | {ratios}",
        thousands(figures.per_second),
        processor(&|time| format!("{time:.2}")),
        processor(&|time| format!("{:.0} %", time * figures.per_second / 1e4)),
        figures.p50.as_secs_f64() * 1e6,
        figures.p99.as_secs_f64() * 1e6,
    )
}

/// 1234567 as 1,234,567.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
