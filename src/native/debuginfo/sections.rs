//! Sections of object files, unpacked where they are compressed.

use super::DebugInfo;
use gimli::{DwarfSections, EndianSlice, RunTimeEndian};
use object::{CompressionFormat, Object, ObjectSection};
use std::borrow::Cow;
use std::convert::Infallible;

/// Deflate packs at most 1032 bytes into one; zstd, which knows no limit, seldom as many. A header
/// that promises more is damaged, and memory is not set aside for it.
const GREATEST_RATIO: u64 = 1032;

/// The sections that debug information is in.
#[derive(Debug)]
pub(in crate::native) struct DebugFile<'a> {
    sections: DwarfSections<Cow<'a, [u8]>>,
    order: RunTimeEndian,
}

impl<'a> DebugFile<'a> {
    /// The debug information in the bytes of a library or of a file of its own: ELF, PE or Mach-O.
    /// `None` if there is none.
    pub fn read(bytes: &'a [u8]) -> Option<DebugFile<'a>> {
        let file = object::File::parse(bytes).ok()?;
        let order = match file.is_little_endian() {
            true => RunTimeEndian::Little,
            false => RunTimeEndian::Big,
        };
        let load = |id: gimli::SectionId| {
            Ok::<_, Infallible>(unpacked(&file, id.name()).unwrap_or_default())
        };
        let Ok(sections) = DwarfSections::load(load);
        sections.borrow(|section| EndianSlice::new(section, order)).units().next().ok()??;
        Some(DebugFile { sections, order })
    }

    /// The same, with its units found.
    pub fn open(&self) -> DebugInfo<'_> {
        DebugInfo::new(self.sections.borrow(|section| EndianSlice::new(section, self.order)))
    }
}

/// The content of a section, by its ELF name; other formats have names of their own for the same.
pub(in crate::native) fn section<'a>(bytes: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    unpacked(&object::File::parse(bytes).ok()?, name)
}

fn unpacked<'a>(file: &object::File<'a>, name: &str) -> Option<Cow<'a, [u8]>> {
    let packed = file.section_by_name(name)?.compressed_data().ok()?;
    let size = packed.data.len() as u64;
    let plain = packed.format == CompressionFormat::None;
    if !plain && packed.uncompressed_size > size.saturating_mul(GREATEST_RATIO) {
        return None;
    }
    packed.decompress().ok()
}
