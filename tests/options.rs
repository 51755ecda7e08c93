//! The options as a user types them: memcached's letters and long names, what is refused and with which words.
//!
//! memcached's own answers, for comparison, are those of 1.6.18. It takes numbers as C's `atoi` does: `-p 11211x` means
//! 11211, `-m 64m` means 64, `-p x` means 0, which there is no port at all. Here a value that is not a number is refused:
//! a typing error should be found by the one who made it, at once.

mod common;

use assert_cmd::Command;
use common::command_line::*;
use common::{PATIENCE, Server, scratch};
use predicates::prelude::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

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
                 -h --help -M --disable-evictions -F --disable-flush-all -A --enable-shutdown \
                 -U -t -u -P -k -r -o -f -n -L -B -W ignored";
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
    ("", "evictions on"),
    ("-M", "evictions off"),
    ("--disable-evictions", "evictions off"),
    ("", "flush_enabled yes"),
    ("-F", "flush_enabled no"),
    ("--disable-flush-all", "flush_enabled no"),
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
    // Invalid value for binding protocol: x
    ("-B x", Some(EX_USAGE), "-B x"),
    ("--protocol=x", Some(EX_USAGE), "--protocol x"),
    ("-f", Some(1), "-f"),
    ("-n", Some(1), "-n"),
    ("-B", Some(1), "-B"),
    // Whoever asks for a daemon waits for the command to return; for a UNIX socket, looks for the file; for the binary
    // protocol, speaks it. All three would wait in vain.
    ("-d", None, "-d"),
    ("--daemon", None, "--daemon"),
    ("-s socket", None, "-s"),
    ("-B binary", None, "-B binary"),
    ("--protocol=binary", None, "--protocol binary"),
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
        refused.stderr(is_one_line());
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
        "-f 1.25",
        "--slab-growth-factor=1.1",
        "-n 48",
        "--slab-min-size 72",
        "-L",
        "--enable-largepages",
        "-B ascii",
        "-B auto",
        "--protocol=ascii",
        "-W",
        "--disable-watch",
        "-LWv -f1.05 -n8",
        "-o modern",
        "-o no_modern,hash_algorithm=xxh3,idle_timeout=10",
        "--extended=modern",
        // Debian's /etc/memcached.conf, with another port.
        "-m 64 -p 0 -u memcache -l 127.0.0.1 -P /run/memcached.pid",
        // Docker Hub's example of a Compose file.
        "--conn-limit=1024 --memory-limit=64 --threads=4",
        // A service file tuned by hand.
        "-m 64 -c 1024 -t 4 -f 1.25 -n 48 -B ascii -W -F -M -A",
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

// ---- what clients may do

/// Ours, and memcached where it is installed, end with 0, as after a `SIGINT`.
#[track_caller]
fn shuts_down(mut server: Server, command: &str) {
    let mut other = server.connect();
    other.expect("set k 0 0 1\r\nx\r\n", "STORED\r\n");
    let mut client = server.connect();
    client.send(command);
    assert_eq!(client.receive_until_closed(), b"");
    assert_eq!(other.receive_until_closed(), b"");
    let status = server.child.wait().expect("its exit code");
    assert_eq!(status.code(), Some(0), "{command:?}");
}

const SHUTDOWNS: [&str; 3] = ["shutdown\r\n", "shutdown graceful\r\n", "shutdown \n"];

#[test]
fn a_client_may_end_the_server_where_that_is_allowed() {
    for command in SHUTDOWNS {
        shuts_down(started(&["-p", "0", "-A"]), command);
        shuts_down(started(&["-p", "0", "--enable-shutdown"]), command);
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn a_client_may_end_memcached_where_that_is_allowed() {
    for command in SHUTDOWNS {
        shuts_down(Server::memcached(&["-A"]), command);
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
            ('>', "sending key k"),
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
