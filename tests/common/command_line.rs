//! The program as a user types its command line: what it says, and how it ends.

use super::{PATIENCE, Server};
use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::{contains, ends_with, starts_with};

/// What `sysexits.h` calls `EX_USAGE`: the command line is wrong. memcached uses it for some faults and 1 for others.
pub const EX_USAGE: i32 = 64;

/// One line, neither empty nor more.
pub fn is_one_line() -> impl Predicate<str> {
    let ends_once = contains("\n").count(1).and(ends_with("\n"));
    ends_once.and(starts_with("\n").not())
}

pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mini-memcached")
}

/// The program with these arguments; one that should have refused them and serves instead is ended after a while.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).timeout(6 * PATIENCE);
    command
}

/// A command line's words; none of them holds a space here.
pub fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

pub fn started(arguments: &[&str]) -> Server {
    Server::program(program(), arguments)
}

/// One line on stderr that holds all these words, nothing on stdout, and one of these exit codes.
#[track_caller]
pub fn refuses(arguments: &[&str], codes: &[i32], words: &[&str]) {
    let refused = command(arguments).assert().code(codes.to_vec()).stdout("");
    let refused = refused.stderr(is_one_line());
    words
        .iter()
        .fold(refused, |refused, word| refused.stderr(contains(*word)));
}
