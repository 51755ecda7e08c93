//! The places for clients: how many there are, and who has one.

use crate::counters::COUNT;
use crate::memory::system_says;

/// Open files that are no clients: stdin, stdout, stderr, the listeners, what is read from /proc, and a client too many
/// while it is told so.
const SPARE_FILES: usize = 16;

/// One of the places for clients; it is free again when this is dropped, even by a panic.
pub struct Place;

impl Place {
    pub fn take(places: usize) -> Option<Place> {
        let taken = COUNT.curr_connections.add(1);
        let place = Place;
        (taken < places as u64).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        COUNT.curr_connections.subtract(1);
    }
}

/// How many places there can be: `-c`, or fewer where the system lets a process open fewer files (`ulimit -Sn`). Whoever
/// connects beyond that would be accepted by nobody, and hear nothing.
pub fn places(conn_limit: usize) -> usize {
    let files = system_says("/proc/self/limits", "Max open files").unwrap_or(usize::MAX);
    conn_limit.min(files.saturating_sub(SPARE_FILES))
}
