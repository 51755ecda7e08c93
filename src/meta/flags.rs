//! The flags of a meta command: what each letter means, read once for all commands.

use crate::base64;
use crate::change::{Change, Mode};
use crate::clock::Moment;
use crate::command::{BAD_FORMAT, number};
use crate::item::BINARY_KEY;

/// More flags than that are refused.
const FLAGS_MAX: usize = 17;

/// The token of `O` is shorter than this, in bytes.
const OPAQUE_MAX: usize = 32;

/// All letters. P and L are notes to proxies, and mean nothing here.
const KNOWN: &[u8] = b"bcCDEfFhIJklLMNOPqRstTuv";

const BAD_TOKEN: &str = "CLIENT_ERROR bad token in command line format";
pub const TOO_MANY: &str = "CLIENT_ERROR options flags too long";
pub const LONG_OPAQUE: &str = "CLIENT_ERROR opaque token too long";

/// The flags of one command, each but those that only ask to be told something with what it says.
#[derive(Default)]
pub struct Flags<'a> {
    /// All of them, in the order in which they came.
    pub list: &'a [&'a [u8]],
    /// As the store knows it.
    pub key: Vec<u8>,
    /// b: the key came as base64.
    pub binary: bool,
    /// q: the reply of least interest is left out.
    pub quiet: bool,
    /// v: tell the value.
    pub value: bool,
    /// u: do not mark the item as asked for.
    pub unmarked: bool,
    /// I: invalidate.
    pub invalidate: bool,
    /// N: on a miss make an item that expires then.
    pub vivify: Option<Moment>,
    /// T: when the item is to expire.
    pub expires: Option<Moment>,
    /// R: an item that expires before that is to be fetched anew by one client.
    pub recache: Option<Moment>,
    /// C: the cas unique that the item must have.
    pub compare: Option<u64>,
    /// E: the cas unique that the item is to get.
    pub cas: Option<u64>,
    /// F: the client's own flags.
    pub client_flags: u32,
    /// M: the letter of the mode.
    pub mode: Option<u8>,
    /// J: the number an item that is made on a miss begins with.
    pub initial: u64,
    /// D: what to add or to subtract, instead of 1.
    pub delta: Option<u64>,
}

impl<'a> Flags<'a> {
    /// The error is the line to answer. Of several bad tokens memcached complains about the last.
    pub fn read(
        key: &[u8],
        list: &'a [&'a [u8]],
        moment: impl Fn(i32) -> Moment,
    ) -> Result<Flags<'a>, &'static str> {
        let mut flags = Flags {
            list,
            key: key.to_vec(),
            ..Flags::default()
        };
        if list.len() > FLAGS_MAX {
            return Err(TOO_MANY);
        }
        let mut problem = None;
        for (index, flag) in list.iter().enumerate() {
            let (letter, token) = flag.split_first().ok_or(BAD_FORMAT)?;
            if list[..index]
                .iter()
                .any(|earlier| earlier.first() == Some(letter))
            {
                return Err("CLIENT_ERROR duplicate flag");
            }
            if !KNOWN.contains(letter) {
                return Err("CLIENT_ERROR invalid flag");
            }
            problem = flags.set(*letter, token, &moment).err().or(problem);
        }
        problem.map_or(Ok(flags), Err)
    }

    /// Takes in one flag with its token.
    fn set(
        &mut self,
        letter: u8,
        token: &[u8],
        moment: impl Fn(i32) -> Moment,
    ) -> Result<(), &'static str> {
        let time = || number(token).map(moment).ok_or(BAD_TOKEN).map(Some);
        match letter {
            b'b' => {
                self.binary = true;
                self.key = base64::decode(&self.key).ok_or("CLIENT_ERROR error decoding key")?;
            }
            b'q' => self.quiet = true,
            b'v' => self.value = true,
            b'u' => self.unmarked = true,
            b'I' => self.invalidate = true,
            b'N' => self.vivify = time()?,
            b'T' => self.expires = time()?,
            b'R' => self.recache = time()?,
            b'C' => self.compare = Some(number(token).ok_or(BAD_TOKEN)?),
            b'E' => self.cas = Some(number(token).ok_or(BAD_TOKEN)?),
            b'F' => self.client_flags = number(token).ok_or(BAD_FORMAT)?,
            b'J' => {
                self.initial = number(token).ok_or("CLIENT_ERROR invalid numeric initial value")?
            }
            b'D' => {
                self.delta = Some(number(token).ok_or("CLIENT_ERROR invalid numeric delta value")?)
            }
            b'M' => match token {
                [mode] => self.mode = Some(*mode),
                _ => return Err("CLIENT_ERROR incorrect length for M token"),
            },
            b'O' if token.len() >= OPAQUE_MAX => return Err(LONG_OPAQUE),
            _ => {}
        }
        Ok(())
    }

    /// What ms is to do with the item that is there.
    pub fn change(&self) -> Result<Change, &'static str> {
        let mode = match self.mode {
            None | Some(b'S') => Mode::Set,
            Some(b'E') => Mode::Add,
            Some(b'R') => Mode::Replace,
            Some(b'A') => Mode::Append,
            Some(b'P') => Mode::Prepend,
            Some(_) => return Err("CLIENT_ERROR invalid mode for ms M token"),
        };
        Ok(Change {
            mode,
            compare: self.compare,
            invalidate: self.invalidate,
            cas: self.cas,
        })
    }

    /// The state of a new item.
    pub fn state(&self) -> u8 {
        if self.binary { BINARY_KEY } else { 0 }
    }
}
