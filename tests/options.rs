//! The options as a user types them: memcached's letters and long names, what is refused and with which words.
//!
//! memcached's own answers, for comparison, are those of 1.6.18. It takes numbers as C's `atoi` does: `-p 11211x` means
//! 11211, `-m 64m` means 64, `-p x` means 0, which there is no port at all. Here a value that is not a number is refused:
//! a typing error should be found by the one who made it, at once.

mod common;

use assert_cmd::Command;
use common::{PATIENCE, Server, scratch};
use predicates::prelude::*;
use predicates::str::{contains, is_match};
use std::ffi::OsStr;
use std::fs;
use std::io::BufRead;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// What `sysexits.h` calls `EX_USAGE`: the command line is wrong. memcached uses it for some faults and 1 for others.
const EX_USAGE: i32 = 64;

/// One line, neither empty nor more.
const ONE_LINE: &str = "^[^\n]+\n$";

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_mini-memcached")
}

/// The program with these arguments; one that should have refused them and serves instead is ended after a while.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).timeout(6 * PATIENCE);
    command
}

/// A command line's words; none of them holds a space here.
fn split(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn started(arguments: &[&str]) -> Server {
    Server::program(program(), arguments)
}

/// One line on stderr that holds all these words, nothing on stdout, and one of these exit codes.
#[track_caller]
fn refuses(arguments: &[&str], codes: &[i32], words: &[&str]) {
    let refused = command(arguments).assert().code(codes.to_vec()).stdout("");
    let refused = refused.stderr(is_match(ONE_LINE).expect("a pattern"));
    words
        .iter()
        .fold(refused, |refused, word| refused.stderr(contains(*word)));
}

// ---- where it listens

/// `-p 0` is any free port here; memcached then listens on none.
#[test]
fn the_address_is_the_first_line() {
    let mut server = started(&["-p", "0"]);
    assert!(server.address.ip().is_loopback(), "{}", server.address);
    assert_ne!(server.address.port(), 0);
    server.connect().expect("get k\r\n", "END\r\n");
    assert!(matches!(server.child.try_wait(), Ok(None)), "it serves on");
}

/// memcached answers 71 (`EX_OSERR`) and `failed to listen on one of interface(s) 127.0.0.1: Address already in use`.
#[test]
fn a_port_in_use_is_refused_however_it_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let port = address.rsplit(':').next().expect("a port");
    for arguments in [
        &["-p", port][..],
        &[&format!("-p{port}")],
        &["--port", port],
        &[&format!("--port={port}")],
        &["-l", "127.0.0.1", "-p", port],
        &["-p", port, "--listen", "127.0.0.1"],
        &["-l", &address],
        &[&format!("--listen={address}"), "-p", "0"],
        &["-p", "0", "-p", port],
    ] {
        refuses(arguments, &[1], &["cannot listen on", &address, "in use"]);
    }
}

/// 192.0.2.0/24 is for documentation (RFC 5737), and no machine's own. memcached answers 71 and
/// `failed to listen on one of interface(s) 192.0.2.1: Invalid argument`.
#[test]
fn an_address_of_another_machine_cannot_be_bound() {
    refuses(
        &["-p", "0", "-l", "192.0.2.1"],
        &[1],
        &["cannot listen on", "192.0.2.1"],
    );
}

/// memcached answers 71 and `getaddrinfo(): Name or service not known`. Either it counts as an absurd value, or as an
/// address that cannot be bound.
#[test]
fn a_host_that_does_not_exist_is_refused() {
    refuses(
        &["-p", "0", "-l", "nonsense"],
        &[1, EX_USAGE, 71],
        &["nonsense"],
    );
}

#[test]
fn a_host_may_have_a_name_or_a_port_of_its_own() {
    for arguments in [
        &["-l", "localhost", "-p", "0"][..],
        &["-l", "localhost:0"],
        &["-l", "127.0.0.1:0"],
        &["--listen=127.0.0.1:0", "--port=11211"],
    ] {
        let server = started(arguments);
        assert!(server.address.ip().is_loopback(), "{}", server.address);
        assert_ne!(server.address.port(), 11211, "{arguments:?}");
        server.connect().expect("get k\r\n", "END\r\n");
    }
}

/// On a machine without IPv6 the same addresses cannot be bound, and that is said.
#[test]
fn the_host_may_be_of_ipv6() {
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    for arguments in [
        &["-l", "[::1]:0"][..],
        &["-l", "[::1]", "-p", "0"],
        &["-l", "::1", "-p", "0"],
    ] {
        if has_ipv6 {
            let server = started(arguments);
            assert_eq!(server.address.ip().to_string(), "::1");
            server.connect().expect("get k\r\n", "END\r\n");
        } else {
            refuses(arguments, &[1], &["cannot listen on", "::1"]);
        }
    }
}

/// Debian's configuration gives `-l` twice, others give it once with commas. All of 127.0.0.0/8 is this machine on Linux.
#[test]
#[cfg(target_os = "linux")]
fn it_may_listen_on_several_addresses() {
    for arguments in [
        &["-p", "0", "-l", "127.0.0.1", "-l", "127.0.0.2"][..],
        &["-p", "0", "-l", "127.0.0.1,127.0.0.2"],
    ] {
        let mut server = started(arguments);
        let mut line = String::new();
        let stdout = server.stdout.as_mut().expect("its stdout");
        stdout.read_line(&mut line).expect("a second line");
        let second = line.trim_end().strip_prefix("listening on 127.0.0.2:");
        let port: u16 = second.expect("an address").parse().expect("a port");
        server
            .connect()
            .expect("set k 0 0 1\r\nx\r\n", "STORED\r\n");
        let reply = "VALUE k 0 1\r\nx\r\nEND\r\n";
        common::Connection::to(("127.0.0.2", port)).expect("get k\r\n", reply);
    }
}

// ---- what it says about itself

#[test]
fn the_version_is_one_line() {
    let line = concat!("mini-memcached ", env!("CARGO_PKG_VERSION"), "\n");
    for option in ["-V", "--version"] {
        command(&[option]).assert().code(0).stdout(line).stderr("");
    }
}

#[test]
fn the_help_names_every_option() {
    let help = command(&["--help"]).assert().code(0).stderr("");
    let text = String::from_utf8(help.get_output().stdout.clone()).expect("text");
    let names = "-p --port -l --listen -m --memory-limit -c --conn-limit -I --max-item-size -v -vv -V --version \
                 -h --help -U -t -u -P -k -r -o ignored";
    for name in split(names) {
        assert!(text.contains(name), "{name} is missing:\n{text}");
    }
    command(&["-h"]).assert().code(0).stdout(text).stderr("");
}

// ---- limits

/// The settings as a server tells them to its clients.
#[track_caller]
fn has_setting(server: &Server, setting: &str) {
    let mut connection = server.connect();
    connection.send("stats settings\r\nquit\r\n");
    let settings = String::from_utf8(connection.receive_until_closed()).expect("text");
    assert!(
        settings.contains(&format!("STAT {setting}\r\n")),
        "no {setting} in\n{settings}"
    );
}

/// Options, and the setting that they make.
const LIMITS: &[(&str, &str)] = &[
    ("", "maxbytes 67108864"),
    ("-m 10", "maxbytes 10485760"),
    ("-m10", "maxbytes 10485760"),
    ("--memory-limit 10", "maxbytes 10485760"),
    ("--memory-limit=10", "maxbytes 10485760"),
    ("-m 10 -m 2", "maxbytes 2097152"),
    ("", "maxconns 1024"),
    ("-c 100", "maxconns 100"),
    ("--conn-limit=100", "maxconns 100"),
    ("", "item_size_max 1048576"),
    ("-I 2m", "item_size_max 2097152"),
    ("-I 2M", "item_size_max 2097152"),
    ("-I 1536k", "item_size_max 1572864"),
    ("-I 1536K", "item_size_max 1572864"),
    ("-I 1572864", "item_size_max 1572864"),
    ("-m 10 -I 5m", "item_size_max 5242880"),
    ("-I 5m -m 10", "item_size_max 5242880"),
    ("--max-item-size 2m", "item_size_max 2097152"),
    ("--max-item-size=2m", "item_size_max 2097152"),
    ("", "verbosity 0"),
    ("-v", "verbosity 1"),
];

#[test]
fn limits_are_as_they_were_set() {
    for (options, setting) in LIMITS {
        has_setting(&started(&split(&format!("-p 0 {options}"))), setting);
    }
    // 1.6.18 refuses these, because of its slabs; its help names no such rule, and 1k as the minimum.
    has_setting(&started(&["-p", "0", "-I", "1k"]), "item_size_max 1024");
    has_setting(
        &started(&["-p", "0", "-I", "600000"]),
        "item_size_max 600000",
    );
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn limits_of_memcached_are_as_they_were_set() {
    for (options, setting) in LIMITS {
        has_setting(&Server::memcached(&split(options)), setting);
    }
}

// ---- what is refused

/// Arguments, the exit code that memcached 1.6.18 has for them (`None`: it starts), and words of our line.
type Refusal = (&'static str, Option<i32>, &'static str);

const REFUSALS: &[Refusal] = &[
    // memcached: invalid option -- 'Q'; Illegal argument "?"
    ("-Q", Some(1), "-Q"),
    ("-vQ", Some(1), "-Q"),
    // memcached: unrecognized option '--nonsense'; Illegal argument "?"
    ("--nonsense", Some(1), "--nonsense"),
    ("--nonsense=1", Some(1), "--nonsense"),
    // memcached: option requires an argument -- 'm'; Illegal argument "?"
    ("-p", Some(1), "-p"),
    ("-l", Some(1), "-l"),
    ("-m", Some(1), "-m"),
    ("-c", Some(1), "-c"),
    ("-I", Some(1), "-I"),
    ("-t", Some(1), "-t"),
    ("-U", Some(1), "-U"),
    ("-u", Some(1), "-u"),
    ("-P", Some(1), "-P"),
    ("-o", Some(1), "-o"),
    // memcached: option '--memory-limit' requires an argument; Illegal argument "?"
    ("--memory-limit", Some(1), "--memory-limit"),
    ("--memory-limit=", Some(EX_USAGE), "--memory-limit"),
    // ERROR: Invalid port number 70000.
    ("-p 70000", Some(EX_USAGE), "-p 70000"),
    ("--port=70000", Some(EX_USAGE), "--port 70000"),
    ("-p x", None, "-p x"),
    ("-p -1", None, "-p -1"),
    ("-p 11211x", None, "-p 11211x"),
    ("--port=", None, "--port"),
    // Cannot set item size limit higher than 1/2 of memory max.
    ("-m 0", Some(EX_USAGE), "-m 0"),
    ("-m x", Some(EX_USAGE), "-m x"),
    ("-m=64", Some(EX_USAGE), "-m =64"),
    ("-m 1", Some(EX_USAGE), "-I -m half"),
    ("-I 40m", Some(EX_USAGE), "-I -m half"),
    ("-m 10 -I 6m", Some(EX_USAGE), "-I -m half"),
    ("-m 10 -I 5242881", Some(EX_USAGE), "-I -m half"),
    ("-I 6m -m 10", Some(EX_USAGE), "-I -m half"),
    ("-m -1", None, "-m -1"),
    ("-m 99999999999999999999", None, "-m"),
    // More megabytes than 64 bits have bytes for.
    ("-m 17592186044416", None, "-m"),
    // Maximum connections must be greater than 0
    ("-c 0", Some(1), "-c 0"),
    ("-c x", Some(1), "-c x"),
    ("-c -5", Some(1), "-c -5"),
    ("--conn-limit=0", Some(1), "--conn-limit 0"),
    // Number of threads must be greater than 0
    ("-t 0", Some(1), "-t 0"),
    ("-t x", Some(1), "-t x"),
    // Item max size cannot be less than 1024 bytes.
    ("-I 0", Some(EX_USAGE), "-I 0"),
    ("-I 1", Some(EX_USAGE), "-I 1"),
    ("-I 1023", Some(EX_USAGE), "-I 1023"),
    ("-I x", Some(EX_USAGE), "-I x"),
    ("-I -1", Some(EX_USAGE), "-I -1"),
    ("-I 1x", Some(EX_USAGE), "-I 1x"),
    ("-I k", Some(EX_USAGE), "-I k"),
    // Cannot set item size limit higher than a gigabyte.
    ("-m 4096 -I 1025m", Some(EX_USAGE), "-I 1025m"),
    ("-I 18014398509481985k", None, "-I"),
    // Invalid port number: "x"; failed to listen on one of interface(s) 127.0.0.1:x: Success
    ("-l 127.0.0.1:x", Some(71), "127.0.0.1:x"),
    ("-l 127.0.0.1:70000", None, "127.0.0.1:70000"),
    // Whoever asks for a daemon waits for the command to return; for a UNIX socket, looks for the file;
    // for no evictions, expects errors. All three would wait in vain.
    ("-d", None, "-d"),
    ("--daemon", None, "--daemon"),
    ("-s socket", None, "-s"),
    ("-M", None, "-M"),
];

#[test]
fn absurd_options_are_refused_with_one_line_that_names_them() {
    for (arguments, memcacheds_code, words) in REFUSALS {
        let mut codes = vec![EX_USAGE];
        codes.extend(memcacheds_code);
        refuses(&split(&format!("-p 0 {arguments}")), &codes, &split(words));
    }
}

/// An argument need not be text at all.
#[test]
fn an_argument_of_any_bytes_is_refused_with_one_line() {
    for option in [&b"-m"[..], b"--\xff", b"-\xff", b"--memory-limit"] {
        let mut command = command(&["-p", "0"]);
        command.arg(OsStr::from_bytes(option));
        command.arg(OsStr::from_bytes(b"\xff"));
        let refused = command.assert().code(EX_USAGE).stdout("");
        refused.stderr(is_match(ONE_LINE).expect("a pattern"));
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_refuses_what_it_is_said_to() {
    for (arguments, code, _) in REFUSALS {
        if let Some(code) = code {
            let mut command = Command::new("memcached");
            command.args(["-u", "root"]);
            if arguments.starts_with("-l ") {
                command.args(["-p", &common::free_address().port().to_string()]);
            } else {
                command.args(["-l", "127.0.0.1", "-p", "0"]);
            }
            command.args(split(arguments)).timeout(PATIENCE);
            let refused = command.assert().code(*code).stdout("");
            refused.stderr(predicate::str::is_empty().not());
        }
    }
}

// ---- what is taken, and ignored

/// What service files, container images and scripts pass, and a server of one process and many threads has no use for.
#[test]
fn options_for_what_it_does_not_have_are_taken() {
    for options in [
        "-U 0",
        "--udp-port=0",
        "-t 4",
        "--threads=4",
        "-u nobody",
        "-unobody",
        "--user nobody",
        "-P /run/memcached.pid",
        "--pidfile /run/memcached.pid",
        "-k",
        "--lock-memory",
        "-r",
        "--enable-coredumps",
        "-kr",
        "-o modern",
        "-o no_modern,hash_algorithm=xxh3,idle_timeout=10",
        "--extended=modern",
        // Debian's /etc/memcached.conf, with another port.
        "-m 64 -p 0 -u memcache -l 127.0.0.1 -P /run/memcached.pid",
        // Docker Hub's example of a Compose file.
        "--conn-limit=1024 --memory-limit=64 --threads=4",
        // macOS's own service, long ago, and Homebrew's.
        "-l 127.0.0.1 -t 4 -m 64",
        "-l localhost",
        // A line often copied, without its -d.
        "-m 64 -c 1024 -u root -I 32m -m 128 -o modern -v",
    ] {
        let server = started(&split(&format!("-p 0 {options}")));
        server.connect().expect("get k\r\n", "END\r\n");
    }
}

// ---- the conversation on stderr

/// Starts the program with stderr going to a file, which is given to the conversation, too.
fn overheard(name: &str, options: &[&str], conversation: impl Fn(&Server, &dyn Fn() -> String)) {
    let file = scratch(name).join("stderr");
    let script = "exec \"$0\" \"$@\" 2> \"$STDERR\"";
    let script = script.replace("$STDERR", &file.display().to_string());
    let arguments = [&["-c", &script, program(), "-p", "0"], options].concat();
    let server = Server::program("sh", &arguments);
    conversation(&server, &|| {
        fs::read_to_string(&file).expect("the file of stderr")
    });
}

/// Asks again until the words are there.
#[track_caller]
fn wait_for(words: &str, said: &dyn Fn() -> String) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = said();
        if said.contains(words) {
            return said;
        }
        assert!(Instant::now() < deadline, "no {words:?} in\n{said}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The number that this line was said under, behind `<` or `>`.
#[track_caller]
fn number(line: &str, said: &str) -> String {
    let ending = format!(" {line}");
    said.lines()
        .find_map(|said| said.strip_suffix(&ending)?.strip_prefix(['<', '>']))
        .unwrap_or_else(|| panic!("no line {line:?} in\n{said}"))
        .to_string()
}

/// memcached 1.6.18 writes for this conversation, apart from its slabs and threads:
///
/// ```text
/// <23 server listening (auto-negotiate)
/// <24 new auto-negotiating client connection
/// 24: Client using the ascii protocol
/// <24 set k 0 0 5
/// >24 STORED
/// <24 get k
/// >24 sending key k
/// >24 END
/// <24 quit
/// <24 connection closed.
/// ```
///
/// So there is no `VALUE` line, and no data block, which could be anything.
#[test]
fn very_verbose_shows_the_conversation() {
    overheard("options-vv", &["-vv"], |server, said| {
        let mut client = server.connect();
        client.expect("set k 0 0 5\r\nhello\r\n", "STORED\r\n");
        client.expect("get k\r\n", "VALUE k 0 5\r\nhello\r\nEND\r\n");
        let said = wait_for(" END\n", said);
        let number = number("set k 0 0 5", &said);
        assert!(number.parse::<u32>().is_ok(), "{number:?} in\n{said}");
        let lines: Vec<&str> = said.lines().collect();
        let mut rest = lines.iter();
        for (direction, words) in [
            ('<', "set k 0 0 5"),
            ('>', "STORED"),
            ('<', "get k"),
            ('>', "END"),
        ] {
            let line = format!("{direction}{number} {words}");
            assert!(
                rest.any(|said| **said == line),
                "no {line:?} in its place in\n{said}"
            );
        }
        assert!(!said.contains("hello"), "a data block in\n{said}");
    });
}

#[test]
fn very_verbose_tells_connections_apart() {
    overheard("options-vv-two", &["-v", "-v"], |server, said| {
        let (mut first, mut second) = (server.connect(), server.connect());
        first.expect("get first\r\n", "END\r\n");
        second.expect("get second\r\n", "END\r\n");
        first.expect("touch first 0\r\n", "NOT_FOUND\r\n");
        let said = wait_for("NOT_FOUND\n", said);
        let (first, second) = (number("get first", &said), number("get second", &said));
        assert_ne!(first, second, "{said}");
        assert_eq!(number("touch first 0", &said), first, "{said}");
    });
}

#[test]
fn less_than_very_verbose_shows_no_conversation() {
    for options in [&[][..], &["-v"]] {
        overheard("options-v", options, |server, said| {
            let mut client = server.connect();
            client.send("set k 0 0 5\r\nhello\r\nget k\r\nnonsense\r\nquit\r\n");
            client.receive_until_closed();
            assert!(!said().contains(['<', '>']), "{}", said());
        });
    }
}
