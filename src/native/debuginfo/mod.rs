//! Debug information: what a compiler wrote down about a library's functions, variables and types.
//!
//! It is read from a file's bytes, and nothing of the library runs. There are three steps, because
//! each borrows from the one before:
//!
//! 1. [`separate_file`]: the bytes, where the information was moved to a file of its own;
//! 2. [`DebugFile::read`]: the sections, unpacked;
//! 3. [`DebugFile::open`]: the units, with [`Die`]s that know how to follow each other.
//!
//! Debug information is advice and may be damaged: whatever makes no sense reads as absent, and
//! nothing here can panic or go round in circles.

mod die;
mod sections;
mod separate;
#[cfg(all(test, target_os = "linux"))]
mod tests;

pub(super) use die::{Declared, Die};
pub(super) use sections::{DebugFile, section};
pub(super) use separate::separate_file;

use gimli::{DebugInfoOffset, DwTag, EndianSlice, RunTimeEndian, UnitOffset, UnitType};

/// The bytes of a section, with their order.
pub(super) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// One source file's part of the debug information.
pub(super) type Unit<'a> = gimli::Unit<Slice<'a>>;

/// All units of a file. References may lead from one to another: after link-time optimisation a
/// function's code and its declaration stand in different units.
#[derive(Debug)]
pub(super) struct DebugInfo<'a> {
    /// For what gimli offers beyond this.
    pub dwarf: gimli::Dwarf<Slice<'a>>,
    /// In the order of the file, which is that of their offsets; those of `.debug_types` come last.
    pub units: Vec<Unit<'a>>,
}

impl<'a> DebugInfo<'a> {
    fn new(dwarf: gimli::Dwarf<Slice<'a>>) -> DebugInfo<'a> {
        let headers = dwarf.units().map_while(Result::ok);
        let headers = headers.chain(dwarf.type_units().map_while(Result::ok));
        let units = headers.filter_map(|header| dwarf.unit(header).ok()).collect();
        DebugInfo { dwarf, units }
    }

    /// All entries of a unit that have one of these tags, at any depth, in the order of the file.
    pub fn dies<'i>(&'i self, unit: &'i Unit<'a>, tags: &[DwTag]) -> Vec<Die<'i, 'a>> {
        let mut found = Vec::new();
        let Ok(mut entries) = unit.entries_raw(None) else { return found };
        while !entries.is_empty() {
            let offset = entries.next_offset();
            match entries.read_abbreviation() {
                Ok(Some(abbreviation)) => {
                    if tags.contains(&abbreviation.tag()) {
                        found.extend(self.die(unit, offset));
                    }
                    if entries.skip_attributes(abbreviation.attributes()).is_err() {
                        break;
                    }
                }
                Ok(None) => {}
                Err(_) => break,
            }
        }
        found
    }

    /// All entries of the file that have one of these tags.
    pub fn all(&self, tags: &[DwTag]) -> Vec<Die<'_, 'a>> {
        self.units.iter().flat_map(|unit| self.dies(unit, tags)).collect()
    }

    /// The entry at an offset of a unit.
    pub fn die<'i>(&'i self, unit: &'i Unit<'a>, offset: UnitOffset) -> Option<Die<'i, 'a>> {
        let entry = unit.entry(offset).ok()?;
        Some(Die { info: self, unit, entry })
    }

    /// The entry at an offset of `.debug_info`, in whichever unit that is.
    pub fn die_at(&self, offset: DebugInfoOffset) -> Option<Die<'_, 'a>> {
        let start = |unit: &Unit| unit.header.debug_info_offset().map_or(usize::MAX, |o| o.0);
        let after = self.units.partition_point(|unit| start(unit) <= offset.0);
        let unit = self.units.get(after.checked_sub(1)?)?;
        self.die(unit, offset.to_unit_offset(&unit.header)?)
    }

    /// The type that a type unit of this signature describes.
    fn signed_type(&self, signature: gimli::DebugTypeSignature) -> Option<Die<'_, 'a>> {
        self.units.iter().find_map(|unit| match unit.header.type_() {
            UnitType::Type { type_signature, type_offset } if type_signature == signature => {
                self.die(unit, type_offset)
            }
            _ => None,
        })
    }
}
