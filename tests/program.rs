//! The program as a user starts it: the line it prints, and what it says when it cannot listen.

mod common;

use assert_cmd::Command;
use common::Server;
use common::command_line::is_one_line;
use predicates::str::{contains, starts_with};

#[test]
fn a_port_in_use_is_one_clear_line_and_exit_code_1() {
    let first = Server::ours(&[]);
    Command::new(assert_cmd::cargo::cargo_bin!("mini-memcached"))
        .args(["-p", &first.address.port().to_string()])
        .assert()
        .code(1)
        .stdout("")
        .stderr(starts_with("cannot listen on 127.0.0.1:"))
        .stderr(contains("in use"))
        .stderr(is_one_line());
}
