//! Operations chosen at random: classic and meta commands over a few keys, valid ones mostly. They know no sockets.

/// Few keys, so that operations meet; the last has the length of the longest key there is.
pub const KEYS: [&str; 6] = ["k0", "k1", "k2", "k3", "k4", LONGEST];

const LONGEST: &str = concat!(
    "key-of-250-bytes--------------------------------------------------------------------------------------------",
    "----------------------------------------------------------------------------------------------------------",
    "------------------------------------",
);

/// The same keys in base64; the longest would be too long.
const KEYS_IN_BASE64: [&str; 5] = ["azA=", "azE=", "azI=", "azM=", "azQ="];

const VALUES: [&str; 12] = [
    "0",
    "5",
    "42",
    "99",
    "100",
    "007",
    " 8",
    "9 ",
    "abc",
    "",
    "18446744073709551615",
    "a longer value with spaces and \r\n in it",
];

/// For ever, over already, and so far away that no second matters.
const EXPTIMES: [&str; 6] = ["0", "0", "-1", "1000", "100000", "2592001"];

const FLAGS: [&str; 4] = ["0", "1", "77", "4294967295"];
const DELTAS: [&str; 7] = ["0", "1", "1", "10", "95", "18446744073709551615", "x"];

/// Where a line is to carry the cas unique that the server gave last for a key.
const CAS: &str = "<cas>";

/// xorshift64*: small, good enough, and the same on every machine.
pub struct Random(u64);

impl Random {
    pub fn from(seed: u64) -> Random {
        Random(seed.max(1))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        number as usize % bound
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A line, perhaps with its data block, and the keys it is about (as positions in [`KEYS`]).
pub struct Operation {
    text: String,
    pub keys: Vec<usize>,
}

impl Operation {
    /// What is sent to a server that gave these cas uniques last.
    pub fn bytes(&self, cas: &[u64; KEYS.len()]) -> Vec<u8> {
        let cas = self.keys.first().map_or(0, |&key| cas[key]);
        self.text.replace(CAS, &cas.to_string()).into_bytes()
    }

    fn is_about(&self, key: &str) -> bool {
        self.keys == KEYS.iter().position(|&name| name == key).as_slice()
    }
}

/// The one key in base64 of which `mg` may ask how it came, which our server remembers longer than memcached: there it is
/// forgotten when a number grows, when a value is appended to, and when mg or ma make the item. That is not asked for here.
const REMEMBERED: &str = "k4";

/// Whether our server answers this operation otherwise on purpose, or would answer a later one so.
fn deviates(operation: &Operation) -> bool {
    let line = operation.text.lines().next().unwrap_or_default();
    let words: Vec<&str> = line.split(' ').collect();
    let [command, _, flags @ ..] = &words[..] else {
        return false;
    };
    let has = |start: &str| flags.iter().any(|flag| flag.starts_with(start));
    match *command {
        // memcached notices too long an opaque token when mg has marked the item as asked for, and ma has counted.
        "mg" | "ma" if has(LONG_OPAQUE) => true,
        "append" | "prepend" | "incr" | "decr" => operation.is_about(REMEMBERED),
        // memcached forgets T when the number grows; one that is counted down does not.
        "ma" => operation.is_about(REMEMBERED) || has("T") && !has("MD") && !has("M-"),
        "ms" => operation.is_about(REMEMBERED) && (has("MA") || has("MP")),
        "mg" if operation.is_about(REMEMBERED) => has("b") && has("N"),
        "mg" => has("k") && !operation.is_about(LONGEST),
        _ => false,
    }
}

/// A classic command.
pub fn classic(random: &mut Random) -> Operation {
    any_but_deviating(random, any_classic)
}

/// A meta command with any of its flags, in any order; now and then with one flag too many.
pub fn meta(random: &mut Random) -> Operation {
    any_but_deviating(random, any_meta)
}

fn any_but_deviating(random: &mut Random, any: fn(&mut Random) -> Operation) -> Operation {
    loop {
        let operation = any(random);
        if !deviates(&operation) {
            return operation;
        }
    }
}

fn any_classic(random: &mut Random) -> Operation {
    if random.one_in(500) {
        return odd(random);
    }
    let key = random.below(KEYS.len());
    let text = match random.below(20) {
        0..=7 => storage(random, KEYS[key]),
        8..=11 => return retrieval(random),
        12..=13 => format!("gets {}", KEYS[key]),
        14 => format!("gats {} {}", random.one_of(&EXPTIMES), KEYS[key]),
        15 => format!(
            "touch {} {}{}",
            KEYS[key],
            random.one_of(&EXPTIMES),
            noreply(random)
        ),
        16 => format!("delete {}{}", KEYS[key], noreply(random)),
        _ => {
            let command = random.one_of(&["incr", "incr", "decr"]);
            format!(
                "{command} {} {}{}",
                KEYS[key],
                random.one_of(&DELTAS),
                noreply(random)
            )
        }
    };
    Operation {
        text: text + "\r\n",
        keys: vec![key],
    }
}

fn noreply(random: &mut Random) -> &'static str {
    if random.one_in(8) { " noreply" } else { "" }
}

/// A storage line and its block, without the very last line end; now and then the block is too long or too short.
fn storage(random: &mut Random, key: &str) -> String {
    let commands = [
        "set", "set", "set", "add", "replace", "append", "prepend", "cas", "cas",
    ];
    let command = random.one_of(&commands);
    let unique = match (command, random.below(4)) {
        ("cas", 0) => " 99999999999",
        ("cas", _) => " <cas>",
        _ => "",
    };
    let (flags, exptime) = (random.one_of(&FLAGS), random.one_of(&EXPTIMES));
    let (value, noreply) = (random.one_of(&VALUES), noreply(random));
    let length = value.len();
    let wrong = random.one_in(100);
    let surplus = if wrong { "surplus" } else { "" };
    format!("{command} {key} {flags} {exptime} {length}{unique}{noreply}\r\n{value}{surplus}")
}

/// get or gat, of several keys.
fn retrieval(random: &mut Random) -> Operation {
    let command = match random.below(5) {
        0 => format!("gat {}", random.one_of(&EXPTIMES)),
        _ => "get".to_string(),
    };
    let keys: Vec<usize> = (0..=random.below(4))
        .map(|_| random.below(KEYS.len()))
        .collect();
    let names: Vec<&str> = keys.iter().map(|&key| KEYS[key]).collect();
    Operation {
        text: format!("{command} {}\r\n", names.join(" ")),
        keys,
    }
}

/// What clients seldom send.
const ODD: [&str; 27] = [
    "flush_all",
    "flush_all 0",
    "flush_all noreply",
    "flush_all -1",
    "flush_all x",
    "",
    "nonsense",
    "get",
    "set k0",
    "incr k0",
    "touch k0 x",
    "set k0 0 0 x",
    "set k0 0 0 -1",
    "delete k0 10",
    "delete k0 0",
    "incr k0 1 1 1",
    "gat 0",
    "GET k0",
    "verbosity 0",
    "  get   k0  ",
    "mz k0",
    "mg",
    "ms k0",
    "ms k0 x",
    "mg k0 v v",
    "md k0 q q",
    "ma k0 z",
];

/// One of those, which may concern any key.
fn odd(random: &mut Random) -> Operation {
    let keys = (0..KEYS.len()).collect();
    Operation {
        text: random.one_of(&ODD).to_string() + "\r\n",
        keys,
    }
}

fn any_meta(random: &mut Random) -> Operation {
    let key = random.below(KEYS.len());
    let in_base64 = KEYS_IN_BASE64.get(key).filter(|_| random.one_in(8));
    let mut flags: Vec<&str> = match random.below(10) {
        0..=3 => return finished("mg", key, in_base64, get_flags(random), None),
        4..=6 => set_flags(random),
        7 => return finished("md", key, in_base64, delete_flags(random), None),
        _ => return finished("ma", key, in_base64, arithmetic_flags(random), None),
    };
    if random.one_in(50) {
        flags.push("T1000");
    }
    let value = random.one_of(&VALUES);
    finished("ms", key, in_base64, flags, Some(value))
}

fn finished(
    command: &str,
    key: usize,
    in_base64: Option<&&str>,
    mut flags: Vec<&str>,
    value: Option<&str>,
) -> Operation {
    if in_base64.is_some() {
        flags.push("b");
    }
    let name = in_base64.unwrap_or(&KEYS[key]);
    let length = value.map_or(String::new(), |value| format!(" {}", value.len()));
    let block = value.map_or(String::new(), |value| format!("{value}\r\n"));
    let flags: String = flags.iter().map(|flag| format!(" {flag}")).collect();
    Operation {
        text: format!("{command} {name}{length}{flags}\r\n{block}"),
        keys: vec![key],
    }
}

/// Each of these once in so many commands, then shuffled; sometimes one twice, or one that does not exist.
fn choose<'a>(random: &mut Random, choices: &[(usize, &[&'a str])]) -> Vec<&'a str> {
    let mut flags: Vec<&str> = Vec::new();
    for (rarity, forms) in choices {
        if random.one_in(*rarity) {
            flags.push(random.one_of(forms));
        }
    }
    if let (true, Some(&flag)) = (random.one_in(60), flags.first()) {
        flags.push(flag);
    }
    if random.one_in(100) {
        flags.push(random.one_of(&["z", "!", "Tx", "T", LONG_OPAQUE]));
    }
    for index in (1..flags.len()).rev() {
        flags.swap(index, random.below(index + 1));
    }
    // What is left to live of an item that is over already is nothing one could compare.
    if flags
        .iter()
        .any(|flag| flag.contains("-1") || flag.contains("2592001"))
    {
        flags.retain(|&flag| flag != "t");
    }
    flags
}

const TTL: &[&str] = &["T0", "T0", "T1000", "T100000", "T-1", "T2592001"];
const VIVIFY: &[&str] = &["N0", "N1000", "N-1"];
const COMPARE: &[&str] = &["C<cas>", "C<cas>", "C<cas>", "C99999999999", "C0"];
const LONG_OPAQUE: &str = "Oan-opaque-token-of-more-than-32-bytes";
const OPAQUE: &[&str] = &["O1", "Oabc", "O"];

fn get_flags(random: &mut Random) -> Vec<&'static str> {
    let choices: [(usize, &[&str]); 15] = [
        (2, &["v"]),
        (4, &["c"]),
        (4, &["t"]),
        (4, &["f"]),
        (4, &["s"]),
        (4, &["k"]),
        (4, OPAQUE),
        (4, &["h"]),
        (8, &["l"]),
        (8, &["u"]),
        (6, &["q"]),
        (6, VIVIFY),
        (6, &["R30", "R5000", "R500000"]),
        (8, TTL),
        (20, &["Lpath/", "P"]),
    ];
    choose(random, &choices)
}

fn set_flags(random: &mut Random) -> Vec<&'static str> {
    let choices: [(usize, &[&str]); 8] = [
        (2, &["ME", "MA", "MP", "MR", "MS"]),
        (3, &["c"]),
        (4, COMPARE),
        (4, &["F1", "F77", "F4294967295"]),
        (4, &["I"]),
        (4, &["k"]),
        (4, OPAQUE),
        (3, TTL),
    ];
    let mut flags = choose(random, &choices);
    if random.one_in(8) {
        flags.push("q");
    }
    flags
}

fn delete_flags(random: &mut Random) -> Vec<&'static str> {
    let choices: [(usize, &[&str]); 6] = [
        (2, &["I"]),
        (4, COMPARE),
        (4, TTL),
        (6, &["q"]),
        (4, &["k"]),
        (4, OPAQUE),
    ];
    choose(random, &choices)
}

fn arithmetic_flags(random: &mut Random) -> Vec<&'static str> {
    let choices: [(usize, &[&str]); 11] = [
        (2, &["v"]),
        (4, &["c"]),
        (4, &["t"]),
        (4, &["k"]),
        (4, OPAQUE),
        (6, &["q"]),
        (3, VIVIFY),
        (3, &["J0", "J13", "J95"]),
        (3, &["D0", "D10", "D95", "D18446744073709551615"]),
        (3, &["MI", "MD", "M+", "M-"]),
        (6, TTL),
    ];
    let mut flags = choose(random, &choices);
    if random.one_in(6) {
        flags.push(random.one_of(COMPARE));
    }
    flags
}
