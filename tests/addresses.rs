//! Where the server listens: `-l` and `-p` as a user types them, and the line for each address that it says first.

mod common;

use common::command_line::*;
use common::process::{against_memcached, same_tests_against_memcached};
use common::{Connection, PATIENCE, Server};
use std::collections::BTreeSet;
use std::io::BufRead;
use std::net::{IpAddr, TcpListener, ToSocketAddrs};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

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
        Connection::to(("127.0.0.2", port)).expect("get k\r\n", reply);
    }
}

/// Ours, or memcached, with `-p` and `-l` as said; `PORT` stands for a port that was free a moment ago.
fn listening(options: &[&str]) -> Server {
    Server::on_a_free_port(|port| {
        let mut command = if against_memcached() {
            Command::new("memcached")
        } else {
            Command::new(program())
        };
        let options = options.iter().map(|option| option.replace("PORT", port));
        command.args(options).args(["-U", "0", "-u", "root"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    })
}

/// The addresses of this machine that a name means: `localhost` is one here and two there.
fn meanings(name: &str) -> BTreeSet<IpAddr> {
    let addresses = (name, 0).to_socket_addrs().into_iter().flatten();
    let own = addresses.filter(|address| TcpListener::bind(address).is_ok());
    let own: BTreeSet<IpAddr> = own.map(|address| address.ip()).collect();
    if own.len() < 2 {
        eprintln!("{name} means {own:?} on this machine, so little is shown");
    }
    own
}

#[test]
fn a_name_of_several_addresses_is_served_on_all_of_them() {
    let server = listening(&["-p", "PORT", "-l", "localhost"]);
    for address in meanings("localhost") {
        let mut client = Connection::to((address, server.address.port()));
        client.expect("get k\r\n", "END\r\n");
    }
}

/// With `-p 0` each may have a port of its own, so there is a line for each.
#[test]
fn a_name_of_several_addresses_is_said_to_be() {
    let mut server = started(&["-p", "0", "-l", "localhost"]);
    let mut said = vec![server.address];
    let stdout = server.stdout.take().expect("its stdout");
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        for line in stdout.lines() {
            let _ = sender.send(line.expect("a line of stdout"));
        }
    });
    let expected = meanings("localhost");
    while said.len() < expected.len() {
        let line = lines
            .recv_timeout(PATIENCE)
            .expect("a line for each address");
        let address = line.strip_prefix("listening on ").expect("an address");
        said.push(address.parse().expect("an address"));
    }
    for address in &said {
        Connection::to(address).expect("get k\r\n", "END\r\n");
    }
    assert_eq!(
        said.iter()
            .map(|address| address.ip())
            .collect::<BTreeSet<_>>(),
        expected
    );
    drop(server);
    reader.join().expect("the end of stdout");
}

/// The star is for every address of the machine, of IPv6 as well.
#[test]
#[cfg(target_os = "linux")]
fn a_star_is_everywhere() {
    let mut hosts = vec!["127.0.0.1", "127.0.0.2"];
    if TcpListener::bind("[::1]:0").is_ok() {
        hosts.push("::1");
    }
    for options in [
        &["-p", "PORT", "-l", "*"][..],
        &["-p", "PORT", "--listen=*"],
        &["-l", "*:PORT"],
    ] {
        let server = listening(options);
        for host in &hosts {
            let mut client = Connection::to((*host, server.address.port()));
            client.expect("get k\r\n", "END\r\n");
        }
    }
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn memcached_listens_on_the_same() {
    same_tests_against_memcached(&["memcached_listens_on_the_same"]);
}
