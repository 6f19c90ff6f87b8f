//! What a file is, by its first bytes.

use super::Flaw;

/// The formats that go on to a closer look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// ELF, on a system that loads it.
    Elf,
    /// This system's own format, where that is not ELF.
    Native,
}

const ELF: &[u8] = b"\x7fELF";
const PE: &[u8] = b"MZ";
const MACH_O: [[u8; 4]; 4] =
    [*b"\xfe\xed\xfa\xcf", *b"\xcf\xfa\xed\xfe", *b"\xfe\xed\xfa\xce", *b"\xce\xfa\xed\xfe"];
const UNIVERSAL: &[u8] = b"\xca\xfe\xba\xbe";

/// How many bytes are enough to tell what a file is that is no library.
pub(in crate::native) const BEGINNING: u64 = 4096;

/// Whether a file that begins so may be a library, of whichever system.
pub(in crate::native) fn begins_a_library(bytes: &[u8]) -> bool {
    let of = |magic: &[u8]| bytes.starts_with(magic);
    of(ELF) || of(PE) || of(UNIVERSAL) || MACH_O.iter().any(|magic| of(magic))
}

/// Tells a shared library of this system from everything that is commonly mistaken for one.
pub(super) fn sniff(bytes: &[u8]) -> Result<Format, Flaw> {
    let mach_o =
        MACH_O.iter().any(|magic| bytes.starts_with(magic)) || bytes.starts_with(UNIVERSAL);
    let elf = bytes.starts_with(ELF);
    let pe = bytes.starts_with(PE);
    if elf && cfg!(all(unix, not(target_vendor = "apple"))) {
        return Ok(Format::Elf);
    }
    if (mach_o && cfg!(target_vendor = "apple")) || (pe && cfg!(windows)) {
        return Ok(Format::Native);
    }
    let written = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    if ELF.starts_with(&bytes[..written]) {
        return Err(Flaw::Incomplete(format!("its first {} bytes hold nothing yet", bytes.len())));
    }
    let (what, help) = match bytes {
        _ if elf => ("an ELF library, which this system does not load", Some(REBUILD)),
        _ if pe => ("a Windows library or program (PE)", Some(REBUILD)),
        _ if mach_o => ("a macOS library or program (Mach-O)", Some(REBUILD)),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => ("a static library", Some(LINK_SHARED)),
        [b'B', b'C', 0xc0, 0xde, ..] => ("LLVM bitcode", Some(LINK_SHARED)),
        [0, b'a', b's', b'm', ..] => ("a WebAssembly module", Some(REBUILD)),
        _ => text(bytes).unwrap_or(("not in a format that hotvm knows", None)),
    };
    Err(Flaw::NotALibrary(what.to_owned(), help))
}

const REBUILD: &str = "build it as a shared library for this system";
pub(super) const LINK_SHARED: &str = "link it as a shared library: `cc -shared -fPIC`";
const SOURCE: &str = "hotvm builds sources named `.c` and `.rs` itself; give it that ending";

/// Which kind of text it is, if it is one.
fn text(bytes: &[u8]) -> Option<(&'static str, Option<&'static str>)> {
    // The sample may end within a character.
    let sample = &bytes[..bytes.len().min(BEGINNING as usize)];
    let text = match std::str::from_utf8(sample) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&sample[..e.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let has = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    let begins =
        |words: &[&str]| text.lines().any(|l| words.iter().any(|word| l.starts_with(word)));
    Some(
        if has(&["GROUP (", "GROUP(", "INPUT (", "INPUT("]) || text.starts_with("/* GNU ld script")
        {
            (
                "a linker script, which only a linker can use",
                Some("name the library that it points to"),
            )
        } else if has(&["fn main", "#[no_mangle]", "#[unsafe(no_mangle)]", "pub extern \"C\" fn"]) {
            ("a text, by its looks Rust source", Some(SOURCE))
        } else if begins(&[
            "#include", "#define", "int ", "void ", "double ", "static ", "typedef ",
        ]) {
            ("a text, by its looks C source", Some(SOURCE))
        } else {
            ("a text, not a shared library", None)
        },
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn what(bytes: &[u8]) -> String {
        match sniff(bytes) {
            Err(Flaw::NotALibrary(what, _)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn things_mistaken_for_libraries_are_named() {
        assert!(what(b"#include <stdio.h>\nint f(void);\n").contains("C source"));
        assert!(
            what("#[no_mangle]\npub extern \"C\" fn f() {} // \u{fc}".as_bytes()).contains("Rust")
        );
        assert!(what(b"/* GNU ld script */\nGROUP ( /lib/libm.so.6 )").contains("linker script"));
        assert!(what(b"hello\n").contains("a text"));
        assert!(what(b"MZ\x90\0\x03").contains("Windows"));
        assert!(what(b"\xcf\xfa\xed\xfe\x07").contains("macOS"));
        assert!(what(b"!<arch>\nfoo").contains("static library"));
        assert!(what(b"\0asm\x01").contains("WebAssembly"));
        assert!(what(&[0x80, 1, 2]).contains("not in a format"));
    }

    #[test]
    fn what_may_become_a_library_is_incomplete() {
        for bytes in [&b""[..], b"\x7f", b"\x7fEL", b"\x7fE\0\0\0\0", &[0; 5000]] {
            assert!(matches!(sniff(bytes), Err(Flaw::Incomplete(_))), "{bytes:?}");
        }
        assert_eq!(sniff(b"\x7fELF"), Ok(Format::Elf));
    }

    #[test]
    fn a_character_cut_by_the_end_of_the_sample_is_still_text() {
        let text = format!("{}\u{20ac}\u{20ac}", "x".repeat(4095));
        assert!(what(text.as_bytes()).contains("a text"));
    }
}
