//! The functions of a library that the loader calls when it has loaded it.

use super::dynamic::Dynamic;
use super::elf::Image;
use object::NativeEndian as Endian;
use object::elf::{self, Dyn64};

/// A library's initialisers. Addresses are those of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::native) struct Initialisers {
    /// The one that is called first.
    pub first: Option<u64>,
    /// Where the list of the others is, and how many there are.
    pub list: Option<(u64, usize)>,
    /// Where in the file the loader is told of them.
    entries: Vec<usize>,
}

impl Initialisers {
    /// A number of the systems' own range for entries of the dynamic table that no system has given a
    /// meaning, so that every loader passes over it.
    const UNKNOWN: i64 = 0x6a68_7476;

    pub(super) fn find(image: &Image, dynamic: &Dynamic) -> Initialisers {
        let list = dynamic.get(elf::DT_INIT_ARRAY).zip(dynamic.get(elf::DT_INIT_ARRAYSZ));
        let (table, size) = image.dynamic;
        let start = image.offset(table, size).unwrap_or_default() as usize;
        let tells = |tag| [elf::DT_INIT, elf::DT_INIT_ARRAY].contains(&tag);
        let entries = dynamic.tags().enumerate().filter(|&(_, tag)| tells(tag));
        Initialisers {
            first: dynamic.get(elf::DT_INIT),
            list: list.map(|(at, size)| (at, size as usize / size_of::<usize>())),
            entries: entries.map(|(index, _)| start + index * size_of::<Dyn64<Endian>>()).collect(),
        }
    }

    /// Hides them from the loader in the bytes that they were found in.
    pub fn hide(&self, bytes: &mut [u8]) {
        for &entry in &self.entries {
            bytes[entry..entry + size_of::<i64>()].copy_from_slice(&Self::UNKNOWN.to_ne_bytes());
        }
    }
}
