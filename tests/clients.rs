//! Real clients against the server: the libraries people use, unaware that this is not memcached.
//!
//! Each client is a Python script in `tests/clients/`, called with the addresses of its servers; the environment
//! variable `PYTHON` names the interpreter, `python3` otherwise. Every script is also run against a real memcached, so
//! that none can agree with this server and disagree with the original.

mod common;

use common::{Server, project};
use std::env;
use std::process::{Command, Output};

/// Runs a script of `tests/clients/`, and fails with what it said when it does not end well.
#[track_caller]
fn converse(script: &str, servers: &[Server]) {
    let python = env::var_os("PYTHON").unwrap_or("python3".into());
    let output = Command::new(&python)
        .arg("-B") // leaves no __pycache__ among the tests
        .arg(project().join("tests/clients").join(script))
        .args(servers.iter().map(|server| server.address.to_string()))
        .output()
        .unwrap_or_else(|error| panic!("cannot run {python:?}: {error}"));
    assert!(output.status.success(), "{script}:\n{}", words(&output));
}

/// Everything a program printed, errors last, where a script's own verdict is.
fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn pymemcache_in_everyday_use() {
    converse("pymemcache_basic.py", &[Server::ours(&[])]);
}

#[test]
#[ignore = "needs memcached and pymemcache: apt-get install memcached; pip install pymemcache"]
fn pymemcache_in_everyday_use_with_memcached() {
    converse("pymemcache_basic.py", &[Server::memcached(&[])]);
}
