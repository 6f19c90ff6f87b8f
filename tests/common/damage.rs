//! Random damage to programs.

use super::checks::repair_checksum;
use hotvm::isa::{Op, leb128};
use proptest::prelude::*;

/// Changes, inserts and removes bytes.
pub fn damage_bytes(bytes: &mut Vec<u8>, damage: &[(u16, u8)]) {
    for &(place, value) in damage {
        let at = usize::from(place) % (bytes.len() + 1);
        match (place >> 8) % 8 {
            0 => bytes.insert(at, value),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            _ if at < bytes.len() => bytes[at] = value,
            _ => {}
        }
    }
}

/// Damages what the sections of bytecode hold, each place with the number of its section, or leaves
/// a section out. Lengths and checksum are made right again, so that somebody looks at the damage.
pub fn damage_sections(bytecode: &[u8], damage: &[(u8, u16, u8)]) -> Vec<u8> {
    let (head, mut pos) = (6, 6);
    let mut sections = Vec::new();
    while bytecode[pos] != 0 {
        let id = bytecode[pos];
        pos += 1;
        let len = leb128::read_unsigned(bytecode, &mut pos).unwrap() as usize;
        sections.push((id, bytecode[pos..pos + len].to_vec()));
        pos += len;
    }
    for &(section, place, value) in damage {
        let section = usize::from(section) % sections.len();
        match place % 16 {
            0 => drop(sections.remove(section)),
            _ => damage_bytes(&mut sections[section].1, &[(place, value)]),
        }
    }
    let mut damaged = bytecode[..head].to_vec();
    for (id, body) in sections {
        damaged.push(id);
        leb128::write_unsigned(&mut damaged, body.len() as u64);
        damaged.extend(body);
    }
    damaged.extend([0; 5]);
    repair_checksum(&mut damaged);
    damaged
}

/// A change to the words of a text.
#[derive(Clone, Debug)]
pub struct TextDamage {
    at: u16,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Remove,
    /// Swaps with another.
    Swap(u16),
    /// Repeats another here.
    Repeat(u16),
    Insert(String),
    Replace(String),
}

impl TextDamage {
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut words: Vec<&[u8]> =
            text.chunk_by(|&a, &b| is_of_word(a) && is_of_word(b)).collect();
        let at = usize::from(self.at) % (words.len() + 1);
        let count = words.len().max(1);
        let other = |place: u16| usize::from(place) % count;
        match &self.action {
            Action::Insert(word) => words.insert(at, word.as_bytes()),
            _ if at == words.len() => {}
            Action::Remove => drop(words.remove(at)),
            Action::Swap(place) => words.swap(at, other(*place)),
            Action::Repeat(place) => words.insert(at, words[other(*place)]),
            Action::Replace(word) => words[at] = word.as_bytes(),
        }
        words.concat()
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// Words that mean something to the assembler, and some that should not.
const WORDS: [&str; 55] = [
    ".lib",
    ".func",
    ".end",
    ".local",
    ".global",
    ".data",
    ".zero",
    ".const",
    ".memory",
    ".entry",
    ".public",
    ".extern",
    ".source",
    ".loc",
    "i64",
    "f64",
    "i32",
    "bytes",
    "void",
    "at",
    "max",
    "lazy",
    "version",
    "len",
    "inf",
    "nan",
    "nan:0x1",
    "KiB",
    "GiB",
    "\n",
    " ",
    ":",
    ",",
    "(",
    ")",
    "=",
    "->",
    "-",
    "+",
    "*",
    "/",
    "%",
    "<<",
    "~",
    ";",
    "#",
    "\"",
    "'",
    "\\",
    "0x",
    "9223372036854775808",
    "1e999",
    "'é'",
    "\"\\u{110000}\"",
    "\u{feff}",
];

impl Arbitrary for TextDamage {
    type Parameters = ();
    type Strategy = BoxedStrategy<TextDamage>;

    fn arbitrary_with(_: ()) -> Self::Strategy {
        let mnemonics: Vec<&str> = Op::ALL.iter().map(|op| op.mnemonic()).collect();
        let word = || {
            prop_oneof![
                proptest::sample::select(&WORDS[..]).prop_map(str::to_owned),
                proptest::sample::select(mnemonics.clone()).prop_map(|name| format!(" {name} ")),
                any::<i64>().prop_map(|number| format!(" {number} ")),
                "[ -~\n]{0,8}",
                "\\PC{0,4}",
            ]
        };
        let action = prop_oneof![
            Just(Action::Remove),
            any::<u16>().prop_map(Action::Swap),
            any::<u16>().prop_map(Action::Repeat),
            word().prop_map(Action::Insert),
            word().prop_map(Action::Replace),
        ];
        (any::<u16>(), action).prop_map(|(at, action)| TextDamage { at, action }).boxed()
    }
}
