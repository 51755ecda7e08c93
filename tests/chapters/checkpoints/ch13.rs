//! Chapter 13: memory has a bound, and what goes is what is missed least.
//!
//! The server must have the limit of 64 megabytes that it has without arguments. It is emptied, and filled.

use super::{client, exchange};
use crate::common::Connection;
use crate::peer::{Peer, Verdict, random_key};

/// Between 33 and 67 values of this length fit.
const LARGE: usize = 1_000_000;

/// More values than fit.
const MANY: usize = 90;

/// A client, a name for its keys, and the value that it stores under them.
struct Filler {
    connection: Connection,
    name: String,
    block: String,
}

impl Filler {
    fn new(peer: &Peer) -> Result<Filler, String> {
        let (connection, name) = (client(peer)?, random_key());
        let block = "x".repeat(LARGE);
        let mut filler = Filler {
            connection,
            name,
            block,
        };
        exchange(&mut filler.connection, "flush_all\r\n", b"OK\r\n")?;
        Ok(filler)
    }

    fn key(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    fn set(&mut self, number: usize) -> Verdict {
        let (key, block) = (self.key(number), &self.block);
        let set = format!("set {key} 0 0 {LARGE}\r\n{block}\r\n");
        exchange(&mut self.connection, set, b"STORED\r\n")
    }

    /// Asks for these, whether they are there or not.
    fn ask(&mut self, numbers: impl Iterator<Item = usize>) -> Verdict {
        let touch = |number| format!("touch {} 0 noreply\r\n", self.key(number));
        let touches: String = numbers.map(touch).collect();
        exchange(&mut self.connection, touches + "get none\r\n", b"END\r\n")
    }

    /// Whether it is there, without asking for it: an `add` is refused if it is.
    fn has(&mut self, number: usize) -> Verdict {
        let add = format!("add {} 0 0 1\r\nx\r\n", self.key(number));
        exchange(&mut self.connection, add, b"NOT_STORED\r\n")
    }

    fn lacks(&mut self, number: usize) -> Verdict {
        let add = format!("add {} 0 0 1\r\nx\r\n", self.key(number));
        exchange(&mut self.connection, add, b"STORED\r\n")
    }
}

/// What has been done before, so that a failure tells it.
fn after(what: &str, verdict: Verdict) -> Verdict {
    verdict.map_err(|failure| format!("after {what}:{failure}"))
}

pub fn ch13_memory_has_a_bound(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    (0..MANY).try_for_each(|number| filler.set(number))?;
    let what = "90 values of a megabyte";
    after(what, filler.has(MANY - 1))?;
    after(what, filler.lacks(0))
}

/// At any time those that came last are there, as many as half of what fits.
pub fn ch13_not_everything_goes_for_one_item(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    for number in 0..140 {
        filler.set(number)?;
        if let Some(earlier) = number.checked_sub(30) {
            let what = format!("{} values of a megabyte", number + 1);
            after(&what, filler.has(earlier))?;
        }
    }
    Ok(())
}

pub fn ch13_what_is_asked_for_stays(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    for number in 0..MANY {
        filler.set(number)?;
        filler.ask([0].into_iter())?;
    }
    let what = "90 values of a megabyte, of which the first was asked for all the time";
    after(what, filler.has(0))
}

/// All that are there have been asked for when the next one comes.
pub fn ch13_what_was_just_stored_is_there(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    for number in 0..MANY {
        filler.ask(0..number)?;
        filler.set(number)?;
        let what = format!("{number} values that were all asked for, and one more");
        after(&what, filler.has(number))?;
    }
    Ok(())
}

/// All but the newest have been asked for when the next one comes: the hand goes to the end each time. Then nobody is
/// asked for any more, and some come that must not go one for the other.
pub fn ch13_the_hand_begins_again_at_the_oldest(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    for number in 0..MANY {
        filler.ask(0..number.saturating_sub(1))?;
        filler.set(number)?;
    }
    (MANY..MANY + 5).try_for_each(|number| filler.set(number))?;
    let what = "many values that were asked for, and five that were not";
    (MANY..MANY + 5).try_for_each(|number| after(what, filler.has(number)))
}

/// Items of some twenty bytes, which must take several times as much.
pub fn ch13_a_small_item_weighs_more_than_its_bytes(peer: &Peer) -> Verdict {
    let mut filler = Filler::new(peer)?;
    for first in (0..400_000).step_by(4_000) {
        let set = |number| format!("set {} 0 0 1 noreply\r\nx\r\n", filler.key(number));
        let bundle: String = (first..first + 4_000).map(set).collect();
        exchange(&mut filler.connection, bundle + "get none\r\n", b"END\r\n")?;
    }
    let what = "400,000 items with a value of one byte";
    after(what, filler.has(399_999))?;
    after(what, filler.lacks(0))
}
