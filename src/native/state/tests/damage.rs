//! Bytes from anywhere.

use super::*;
use crate::native::debuginfo::section;
use proptest::prelude::*;
use std::sync::LazyLock;

const KINDS: [(&str, &str); 2] =
    [("kinds.c", include_str!("kinds.c")), ("other.c", include_str!("other.c"))];

/// A library with something to read.
static SOUND: LazyLock<Vec<u8>> =
    LazyLock::new(|| Library::compile("cc", &["-O2", "-flto"], &KINDS).bytes);

/// Where in the file the information is that is read; elsewhere damage would go unnoticed.
static SENSITIVE: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let names = [".debug_info", ".debug_abbrev", ".symtab", ".rela.dyn", ".debug_str"];
    let places = names.into_iter().flat_map(|name| {
        let content = section(&SOUND, name).unwrap();
        let start = SOUND.windows(content.len()).position(|window| window == &*content).unwrap();
        start..start + content.len()
    });
    let headers = (0..64 + 56 * 12).chain(SOUND.len() - 64 * 40..SOUND.len());
    headers.chain(places).collect()
});

/// Reads, and plans a migration between it and the sound library, both ways.
fn read(bytes: &[u8]) {
    let (sound, damaged) = (Statics::read(&SOUND), Statics::read(bytes));
    Migration::plan(&sound, &damaged, StateMode::Consistent);
    Migration::plan(&damaged, &sound, StateMode::Consistent);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        read(&bytes);
        read(&[b"\x7fELF\x02\x01\x01", &*bytes].concat());
    }

    #[test]
    fn damaged_libraries_can_be_read(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        length in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.1),
    ) {
        let mut bytes = SOUND.clone();
        for (at, value) in damage {
            bytes[SENSITIVE[at.index(SENSITIVE.len())]] = value;
        }
        if cut {
            bytes.truncate(length.index(SOUND.len()));
        }
        read(&bytes);
    }
}
