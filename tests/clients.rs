//! Real clients against the server: the libraries and tools people use, unaware that this is not memcached.
//!
//! The libraries are Python's, each with its script in `tests/clients/`; the environment variable `PYTHON` names the
//! interpreter, `python3` otherwise. Every script and tool is also run against a real memcached, so that none can
//! agree with this server and disagree with the original.

mod common;

use common::{Server, project, scratch};
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Starts a server with these options: [`Server::ours`] or [`Server::memcached`].
type Start = fn(&[&str]) -> Server;

/// Runs a script of `tests/clients/` with two servers of its own, as `check.py` there describes.
fn converse(script: &str, start: Start) {
    let (first, second) = (start(&[]), start(&[]));
    let output = run(
        Command::new(env::var_os("PYTHON").unwrap_or("python3".into()))
            .arg("-B") // leaves no __pycache__ among the tests
            .arg(scripts().join(script))
            .args([&first, &second].map(|server| server.address.to_string()))
            .arg(first.child.id().to_string()),
    );
    assert!(output.status.success(), "{script}:\n{}", words(&output));
}

fn scripts() -> std::path::PathBuf {
    project().join("tests/clients")
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}

/// Everything a program printed, errors last, where a script's own verdict is.
fn words(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn pymemcache_in_everyday_use() {
    converse("pymemcache_basic.py", Server::ours);
}

#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn pymemcache_with_every_command() {
    converse("pymemcache_client.py", Server::ours);
}

#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn pymemcache_shared_by_threads() {
    converse("pymemcache_pooled.py", Server::ours);
}

#[test]
#[ignore = "needs pymemcache: pip install pymemcache"]
fn pymemcache_over_two_servers_one_of_which_goes_away() {
    converse("pymemcache_hash.py", Server::ours);
}

#[test]
#[ignore = "needs python-memcached: pip install python-memcached"]
fn python_memcached() {
    converse("python_memcached.py", Server::ours);
}

#[test]
#[ignore = "needs pylibmc: pip install pylibmc"]
fn libmemcached_in_python() {
    converse("libmemcached.py", Server::ours);
}

#[test]
#[ignore = "needs meta-memcache: pip install meta-memcache"]
fn meta_memcache() {
    converse("meta.py", Server::ours);
}

#[test]
#[ignore = "needs memcached and all clients: apt-get install memcached; \
            pip install pymemcache python-memcached pylibmc meta-memcache"]
fn memcached_satisfies_every_script() {
    let mut satisfied = 0;
    for entry in fs::read_dir(scripts()).expect("the folder of scripts") {
        let name = entry.expect("a script").file_name();
        let name = name.to_str().expect("a name in ASCII");
        if name.ends_with(".py") && name != "check.py" {
            converse(name, Server::memcached);
            satisfied += 1;
        }
    }
    assert_eq!(satisfied, 7, "scripts, as many as there are tests above");
}

/// libmemcached's own judge of servers. Only its ascii tests: the binary protocol is deprecated, and not spoken here.
fn is_capable(server: &Server) {
    let port = server.address.port().to_string();
    let output =
        run(Command::new("memccapable").args(["-a", "-v", "-h", "127.0.0.1", "-p", &port]));
    let words = words(&output);
    assert!(output.status.success(), "{words}");
    assert_eq!(words.matches("[pass]").count(), 27, "{words}");
    assert!(words.ends_with("All tests passed\n"), "{words}");
}

#[test]
#[ignore = "needs memccapable: apt-get install libmemcached-tools"]
fn memccapable_passes_all_its_ascii_tests() {
    is_capable(&Server::ours(&[]));
}

#[test]
#[ignore = "needs memcached and memccapable: apt-get install memcached libmemcached-tools"]
fn memccapable_passes_all_its_ascii_tests_with_memcached() {
    is_capable(&Server::memcached(&[]));
}

/// A file goes to the server by one of libmemcached's tools and comes back by another.
fn carries_files(server: &Server, folder: &Path) {
    let servers = format!("--servers={}", server.address);
    let tool = |name: &str, argument: &str| {
        let mut command = Command::new(name);
        let output = run(command.current_dir(folder).arg(&servers).arg(argument));
        (output.status.success(), words(&output))
    };
    let (found, gone) = ((true, String::new()), (false, String::new()));
    fs::write(folder.join("greeting"), "hello, world").expect("a file to copy");

    assert_eq!(tool("memcping", "--quiet"), found);
    assert_eq!(tool("memccp", "greeting"), found);
    assert_eq!(tool("memcexist", "greeting"), found);
    assert_eq!(tool("memctouch", "greeting"), found);
    assert_eq!(
        tool("memccat", "greeting"),
        (true, "hello, world\n".to_string())
    );
    let (ended_well, statistics) = tool("memcstat", "--quiet");
    assert!(
        ended_well && statistics.contains("curr_items: 1\n"),
        "{statistics}"
    );
    assert_eq!(tool("memcrm", "greeting"), found);
    assert_eq!(tool("memcexist", "greeting"), gone);
    assert_eq!(tool("memccat", "greeting"), gone);
}

#[test]
#[ignore = "needs memccp and others: apt-get install libmemcached-tools"]
fn libmemcached_tools_carry_files() {
    carries_files(&Server::ours(&[]), &scratch("libmemcached-tools"));
}

#[test]
#[ignore = "needs memcached, memccp and others: apt-get install memcached libmemcached-tools"]
fn libmemcached_tools_carry_files_with_memcached() {
    carries_files(
        &Server::memcached(&[]),
        &scratch("libmemcached-tools-memcached"),
    );
}
