//! Relocations: the places that the loader writes to, and the functions that it calls while it does.

use super::dynamic::Dynamic;
use super::elf::{Image, ORDER};
use super::symbols::Symbols;
use super::{Flaw, ensure};
use object::NativeEndian as Endian;
use object::elf::{self, Rel64, Rela64, Relr64};

/// The types of this machine's relocations that need more than a look at their place.
#[cfg(target_arch = "aarch64")]
const RESOLVER: u32 = elf::R_AARCH64_IRELATIVE;
#[cfg(not(target_arch = "aarch64"))]
const RESOLVER: u32 = elf::R_X86_64_IRELATIVE;

const WORD: u64 = size_of::<u64>() as u64;

/// Checks all relocations.
pub(super) fn check(image: &Image, dynamic: &Dynamic, symbols: &Symbols) -> Result<(), Flaw> {
    let table = |at, size| dynamic.get(at).zip(dynamic.get(size));
    let of_plt = dynamic.get(elf::DT_PLTREL).unwrap_or(0) as i64;
    if let Some((at, size)) = table(elf::DT_RELA, elf::DT_RELASZ) {
        with_addends(image, dynamic, symbols, at, size)?;
        let relative = dynamic.get(elf::DT_RELACOUNT).unwrap_or(0);
        // The loader applies so many without a look at their type.
        ensure(relative <= size / size_of::<Rela64<Endian>>() as u64, || {
            "its relocations are miscounted".to_owned()
        })?;
    }
    if let Some((at, size)) = table(elf::DT_REL, elf::DT_RELSZ) {
        without_addends(image, dynamic, symbols, at, size)?;
    }
    if let Some((at, size)) = table(elf::DT_JMPREL, elf::DT_PLTRELSZ) {
        match of_plt {
            elf::DT_RELA => with_addends(image, dynamic, symbols, at, size)?,
            elf::DT_REL => without_addends(image, dynamic, symbols, at, size)?,
            // The loader asserts that it is one of these.
            _ => return Err(Flaw::Incomplete("its relocations are of no known kind".to_owned())),
        }
    }
    match table(elf::DT_RELR, elf::DT_RELRSZ) {
        Some((at, size)) => packed(image, at, size),
        None => Ok(()),
    }
}

fn with_addends(
    image: &Image,
    dynamic: &Dynamic,
    symbols: &Symbols,
    at: u64,
    size: u64,
) -> Result<(), Flaw> {
    for entry in image.table::<Rela64<Endian>>(at, size, "relocation table")? {
        let kind = entry.r_type(ORDER, false);
        place(image, entry.r_offset.get(ORDER), kind)?;
        symbols.check_used(image, dynamic, entry.r_sym(ORDER, false))?;
        // The loader calls the function at this address.
        if kind == RESOLVER {
            let resolver = entry.r_addend.get(ORDER) as u64;
            ensure(image.in_code(resolver, 1), || "a resolver is outside of its code".to_owned())?;
        }
    }
    Ok(())
}

fn without_addends(
    image: &Image,
    dynamic: &Dynamic,
    symbols: &Symbols,
    at: u64,
    size: u64,
) -> Result<(), Flaw> {
    for entry in image.table::<Rel64<Endian>>(at, size, "relocation table")? {
        place(image, entry.r_offset.get(ORDER), entry.r_type(ORDER))?;
        symbols.check_used(image, dynamic, entry.r_sym(ORDER))?;
    }
    Ok(())
}

/// Packed relocations: an even word is an address; an odd one is a bit for each of the 63 words
/// that follow.
fn packed(image: &Image, at: u64, size: u64) -> Result<(), Flaw> {
    let mut next = 0u64;
    for entry in image.table::<Relr64<Endian>>(at, size, "relocation table")? {
        let word = entry.0.get(ORDER);
        if word & 1 == 0 {
            target(image, word)?;
            next = word.saturating_add(WORD);
            continue;
        }
        for bit in (1..64).filter(|bit| word >> bit & 1 == 1) {
            target(image, next.saturating_add((bit - 1) * WORD))?;
        }
        next = next.saturating_add(63 * WORD);
    }
    Ok(())
}

fn place(image: &Image, address: u64, kind: u32) -> Result<(), Flaw> {
    // Type 0 means "nothing to do" on every machine.
    if kind == 0 { Ok(()) } else { target(image, address) }
}

fn target(image: &Image, address: u64) -> Result<(), Flaw> {
    ensure(image.in_memory(address, WORD), || "a relocation is outside of its segments".to_owned())
}
