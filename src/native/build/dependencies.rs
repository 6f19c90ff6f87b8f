//! Lists of what a compiler read, in the language of `make`.

use std::path::PathBuf;

/// The files that the first rule of a listing depends on.
///
/// A rule is `target: file file \` with more files on the next line. In a name, a backslash keeps a
/// space or `#` from its meaning, and `$$` is a dollar; other backslashes are themselves.
pub(super) fn parse(listing: &[u8]) -> Vec<PathBuf> {
    let mut names = vec![Vec::new()];
    let mut rest = after_target(listing).iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek()) {
            (b'\\', Some(b'\n')) => {
                rest.next();
                names.push(Vec::new());
            }
            (b'\\', Some(b' ' | b'#')) | (b'$', Some(b'$')) => {
                let kept = rest.next().unwrap_or(byte);
                push(&mut names, kept);
            }
            (b'\n', _) => break,
            (b' ' | b'\t' | b'\r', _) => names.push(Vec::new()),
            _ => push(&mut names, byte),
        }
    }
    names.into_iter().filter(|name| !name.is_empty()).map(path).collect()
}

/// What follows the first `: `. A colon within a target, as in `C:\x.o:`, has no space after it.
fn after_target(listing: &[u8]) -> &[u8] {
    let colon = listing.windows(2).position(|w| w[0] == b':' && w[1].is_ascii_whitespace());
    colon.map_or(&[], |at| &listing[at + 1..])
}

fn push(names: &mut [Vec<u8>], byte: u8) {
    if let Some(name) = names.last_mut() {
        name.push(byte);
    }
}

#[cfg(unix)]
fn path(name: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(name).into()
}

#[cfg(not(unix))]
fn path(name: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&name).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(listing: &str) -> Vec<String> {
        let names = parse(listing.as_bytes()).into_iter();
        names.map(|p| p.into_os_string().into_string().unwrap()).collect()
    }

    #[test]
    fn names_are_read_with_their_escapes() {
        assert_eq!(names("lib.so: a.c /usr/b.h \\\n  c.h\n"), ["a.c", "/usr/b.h", "c.h"]);
        assert_eq!(
            names("x: my\\ file.c a\\#b.h c$$d.h e\\f.h\n"),
            ["my file.c", "a#b.h", "c$d.h", "e\\f.h"]
        );
        assert_eq!(names("C:\\x.o: C:\\a.c\r\n"), ["C:\\a.c"]);
    }

    #[test]
    fn only_the_first_rule_counts_and_nonsense_gives_nothing() {
        assert_eq!(names("out.so: a.rs b.rs\n\na.rs:\nb.rs:\n"), ["a.rs", "b.rs"]);
        for nonsense in ["", ":", ": ", "no rule", "x:\\", "\\\n\\"] {
            names(nonsense);
        }
    }
}
