//! Symbol versions: lists that the loader follows from link to link.

use super::dynamic::Dynamic;
use super::elf::{Image, ORDER};
use super::symbols::Symbols;
use super::{Flaw, ensure};
use object::NativeEndian as Endian;
use object::elf::{self, Verdaux, Verdef, Vernaux, Verneed, Versym};

/// Checks the versions that are needed and defined, and that each symbol's is one of them.
pub(super) fn check(image: &Image, dynamic: &Dynamic, symbols: &Symbols) -> Result<(), Flaw> {
    let needed = dynamic.get(elf::DT_VERNEED).map(|at| needed(image, dynamic, at)).transpose()?;
    let defined = dynamic.get(elf::DT_VERDEF).map(|at| defined(image, dynamic, at)).transpose()?;
    let (Some(at), Some(greatest)) = (dynamic.get(elf::DT_VERSYM), needed.max(defined)) else {
        return Ok(());
    };
    let table: &[Versym<Endian>] = image.table(at, symbols.count() * 2, "version table")?;
    // 0 and 1 are always known: local and global.
    let greatest = greatest.max(1);
    ensure(table.iter().all(|v| v.0.get(ORDER) & elf::VERSYM_VERSION <= greatest), || {
        "a symbol has a version that is not listed".to_owned()
    })
}

/// Follows the list of needed versions; returns the greatest index.
fn needed(image: &Image, dynamic: &Dynamic, start: u64) -> Result<u16, Flaw> {
    let mut greatest = 0;
    follow(start, |at| {
        let need: &Verneed<Endian> = image.entry(at, "version list")?;
        dynamic.string(need.vn_file.get(ORDER).into())?;
        follow(after(at, need.vn_aux.get(ORDER)), |at| {
            let version: &Vernaux<Endian> = image.entry(at, "version list")?;
            dynamic.string(version.vna_name.get(ORDER).into())?;
            greatest = greatest.max(version.vna_other.get(ORDER) & elf::VERSYM_VERSION);
            Ok(version.vna_next.get(ORDER))
        })?;
        Ok(need.vn_next.get(ORDER))
    })?;
    Ok(greatest)
}

/// Follows the list of defined versions; returns the greatest index.
fn defined(image: &Image, dynamic: &Dynamic, start: u64) -> Result<u16, Flaw> {
    let mut greatest = 0;
    follow(start, |at| {
        let version: &Verdef<Endian> = image.entry(at, "version list")?;
        greatest = greatest.max(version.vd_ndx.get(ORDER) & elf::VERSYM_VERSION);
        let name: &Verdaux<Endian> =
            image.entry(after(at, version.vd_aux.get(ORDER)), "version list")?;
        dynamic.string(name.vda_name.get(ORDER).into())?;
        Ok(version.vd_next.get(ORDER))
    })?;
    Ok(greatest)
}

/// Visits the entries of a list. `visit` returns the distance to the next, 0 after the last; since
/// distances only go forward and the file ends, so does the walk.
fn follow(mut at: u64, mut visit: impl FnMut(u64) -> Result<u32, Flaw>) -> Result<(), Flaw> {
    loop {
        match visit(at)? {
            0 => return Ok(()),
            distance => at = after(at, distance),
        }
    }
}

fn after(at: u64, distance: u32) -> u64 {
    at.saturating_add(distance.into())
}
