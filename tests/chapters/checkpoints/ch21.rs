//! Chapter 21: lines of any length.

/// What a server is started with that a check judges.
pub const OPTIONS: &[(&str, &[&str])] = &[];
