//! Is what stays in a full cache worth keeping? The same requests to ours and to memcached, and who hits more often.
//!
//! A client gets, and on a miss sets, 1,000-byte values at `-m 16`: 300,000 requests for 200,000 keys,
//! more than ten times what fits. The numbers to beat were measured with memcached 1.6.45; the installed one runs beside.

mod common;

use common::Server;
use common::process::{receive_until, watched};
use common::random::Random;
use std::thread;

const KEYS: usize = 200_000;
const REQUESTS: usize = 300_000;

/// Which key each request asks for. Keys from [`KEYS`] on are asked for once and never again.
struct Trace {
    /// Zipf's cumulative weights: key `n` has the weight `1 / (n + 1) ^ exponent`.
    weights: Vec<f64>,
    random: Random,
    /// One request in so many belongs to a scan; 0 is none.
    scans: usize,
    scanned: usize,
}

impl Trace {
    fn new(exponent: f64, scans: usize) -> Trace {
        let weight = |key: usize| ((key + 1) as f64).powf(-exponent);
        let add = |sum: &mut f64, key| {
            *sum += weight(key);
            Some(*sum)
        };
        let weights = (0..KEYS).scan(0.0, add).collect();
        let random = Random::seeded(2024);
        Trace {
            weights,
            random,
            scans,
            scanned: 0,
        }
    }

    fn next_key(&mut self) -> usize {
        if self.scans > 0 && self.random.below(self.scans) == 0 {
            self.scanned += 1;
            return KEYS + self.scanned;
        }
        let point = self.random.fraction() * self.weights[KEYS - 1];
        self.weights.partition_point(|weight| *weight < point)
    }
}

/// Gets, and on a miss sets, 1,000-byte values; the share of gets that hit.
fn hit_ratio(server: &Server, mut trace: Trace) -> f64 {
    let mut client = server.connect();
    let (mut hits, mut pending) = (0, Vec::new());
    for _ in 0..REQUESTS {
        let key = format!("key{}", trace.next_key());
        // The set of the last miss travels with the next get.
        pending.extend_from_slice(format!("get {key}\r\n").as_bytes());
        client.send(&pending);
        pending.clear();
        let reply = receive_until(&mut client, b"END\r\n");
        if reply.len() > b"END\r\n".len() {
            hits += 1;
        } else {
            let header = format!("set {key} 0 0 1000 noreply\r\n");
            pending = [header.as_bytes(), &[b'x'; 1000], b"\r\n"].concat();
        }
    }
    f64::from(hits) / REQUESTS as f64
}

/// Measures memcached on the same trace beside ours, which has to be better than it and than 1.6.45 was.
#[track_caller]
fn compare_hit_ratios(exponent: f64, scans: usize, newest_memcached: f64) {
    let (ours, memcached) = (watched(&["-m", "16"]), Server::memcached(&["-m", "16"]));
    let measure = |server| hit_ratio(server, Trace::new(exponent, scans));
    let (ours, theirs) = thread::scope(|scope| {
        let theirs = scope.spawn(|| measure(&memcached));
        (
            measure(&ours.server),
            theirs.join().expect("memcached's hit ratio"),
        )
    });
    eprintln!(
        "Zipf {exponent}, one in {scans} a scan: ours {ours:.3}, memcached {theirs:.3}, 1.6.45 {newest_memcached}"
    );
    assert!(ours > theirs, "ours {ours:.3}, memcached {theirs:.3}");
    assert!(
        ours > newest_memcached,
        "ours {ours:.3}, 1.6.45 {newest_memcached}"
    );
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_hit_ratio_of_zipf_1_0_is_above_memcacheds() {
    compare_hit_ratios(1.0, 0, 0.714);
}

#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_hit_ratio_of_zipf_0_8_is_above_memcacheds() {
    compare_hit_ratios(0.8, 0, 0.434);
}

/// Every sixth request asks for a key that never comes again: the mix in which memcached gets near 0.565.
#[test]
#[ignore = "needs memcached: apt-get install memcached"]
fn the_hit_ratio_of_zipf_1_0_with_scans_is_above_memcacheds() {
    compare_hit_ratios(1.0, 6, 0.565);
}
