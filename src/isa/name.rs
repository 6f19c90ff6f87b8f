//! Names, as program text spells them.
//!
//! A name may hold any characters. One of ASCII letters, digits and `_` is written as it is; any other
//! stands in quotes behind a dollar sign, with escapes: `$"größe"`, `$"a b"`, `$"line\nbreak"`. Messages and
//! listings spell names in the same way, so no name can do anything to a terminal.

use crate::chars::is_invisible;
use std::borrow::Cow;
use std::fmt::Write;

/// Whether a name is written without quotes.
pub fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
    begins && bytes.all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

/// A name as text spells it, which is the same for the same name.
pub fn spelled(name: &str) -> Cow<'_, str> {
    if is_plain(name) { name.into() } else { quoted(name).into() }
}

/// A name in quotes.
pub fn quoted(name: &str) -> String {
    let mut out = "$\"".to_owned();
    name.chars().for_each(|c| escape(c, &mut out));
    out + "\""
}

/// Appends a character as it stands between quotes: by an escape where it would end them, or cannot be
/// seen.
pub fn escape(c: char, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0' => out.push_str("\\0"),
        '"' | '\\' => out.extend(['\\', c]),
        c if is_invisible(c) => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_without_anything_invisible() {
        for plain in ["a", "_", "PUSH", "x_1", "inf"] {
            assert_eq!(spelled(plain), plain);
        }
        for (name, text) in [
            ("", r#"$"""#),
            ("1", r#"$"1""#),
            ("größe", r#"$"größe""#),
            ("it's e\u{301}", "$\"it's e\u{301}\""),
            ("a.b c", r#"$"a.b c""#),
            ("\"\\\n\0", r#"$"\"\\\n\0""#),
            ("\u{1b}[2J\u{202e}\u{feff}", r#"$"\u{1b}[2J\u{202e}\u{feff}""#),
        ] {
            assert_eq!(spelled(name), text);
        }
    }
}
