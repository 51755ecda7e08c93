//! The terminal sessions of the README and of the handout: they are no chapter's, and meet the finished server.

use crate::checks::Faults;
use crate::common::Server;
use crate::prose::{self, Against, Fault, Kind, Mode, Place, Session};
use crate::{session, terminal};
use std::fs;
use std::path::Path;

/// What these sessions must be: nothing but `printf … | nc localhost 11211`.
const PLAIN: Session = Session {
    mode: Mode::Client,
    against: Against::Program,
    exercise: false,
    colour: None,
};

/// Every session of a page of the project replays against this server; there is at least one.
pub fn sessions(root: &Path, page: &str, server: &Server) -> Faults {
    let (file, line) = (page.into(), 1);
    let text = fs::read_to_string(root.join(page)).expect("a page in UTF-8");
    let (blocks, mut faults) = prose::blocks(&file, &text);
    let mut replayed = 0;
    for block in &blocks {
        match block.kind {
            Kind::Session(words) if words == PLAIN => {
                let (_, commands) = session::commands(&block.lines);
                replayed += commands.len();
                faults.extend(terminal::clients(&commands, server.into(), &[11211], false));
            }
            Kind::Session(_) => faults.push(Fault::at(&block.place, "no plain `console` block")),
            _ => {}
        }
    }
    if replayed == 0 {
        faults.push(Fault::at(&Place { file, line }, "no session is shown"));
    }
    faults
}
