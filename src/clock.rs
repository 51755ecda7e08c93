//! Seconds, counted from the start of the server: the only time an item knows.
//!
//! memcached's clock ticks once a second and so does this one. A moment is a `u32` of seconds; it begins at 2, so
//! that 1 is always in the past and 0 is free to mean "never".

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since a little before the server started.
pub type Moment = u32;

/// An item that never expires.
pub const NEVER: Moment = 0;

/// An item that has already expired.
const PAST: Moment = 1;

/// The first moment.
const START: Moment = 2;

/// Up to this many seconds (30 days) an exptime is relative, above it is a UNIX time: protocol.txt.
const LONGEST_RELATIVE: i64 = 60 * 60 * 24 * 30;

pub struct Clock {
    started: Instant,
    started_unix: i64,
    now: AtomicU32,
}

impl Clock {
    pub fn start() -> Clock {
        Clock {
            started: Instant::now(),
            started_unix: unix_time(),
            now: AtomicU32::new(START),
        }
    }

    /// Ticks once a second, as long as the server runs: every command asks for the time, and a number is read sooner.
    pub fn tick(&self) -> ! {
        loop {
            let past = u64::from(self.uptime().subsec_nanos());
            thread::sleep(Duration::from_nanos(1_000_000_000 - past));
            let seconds = u32::try_from(self.uptime().as_secs()).unwrap_or(u32::MAX);
            self.now.store(START.saturating_add(seconds), Relaxed);
        }
    }

    pub fn now(&self) -> Moment {
        self.now.load(Relaxed)
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Since the server started, for what is over in less than a second.
    pub fn microseconds(&self) -> u64 {
        u64::try_from(self.uptime().as_micros()).unwrap_or(u64::MAX)
    }

    /// Seconds since 1970, by this clock.
    pub fn unix_now(&self) -> i64 {
        self.started_unix + i64::from(self.now() - START)
    }

    /// Turns the protocol's exptime into the moment from which the item is gone.
    pub fn moment(&self, exptime: i32, now: Moment) -> Moment {
        let since_start = match i64::from(exptime) {
            0 => return NEVER,
            ..0 => return PAST,
            relative @ 1..=LONGEST_RELATIVE => i64::from(now) + relative,
            unix => unix - self.started_unix + i64::from(START),
        };
        u32::try_from(since_start.max(i64::from(PAST))).unwrap_or(u32::MAX)
    }
}

/// Seconds since 1970.
fn unix_time() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
