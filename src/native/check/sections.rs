//! The section table: not used by the loader, but written last by linkers, and so the best witness
//! that a file is complete.

use super::elf::{Image, ORDER, SectionHeader, Segment};
use super::{Flaw, ensure};
use object::elf;
use object::read::ReadRef;

/// The longest run of zeros that code may have; a longer one is a page that was never written.
/// Compilers for x86-64 fill gaps with instructions: 65 bytes was the longest run in 1850 libraries.
/// Elsewhere gaps are zeros, up to a page's worth where code is aligned to pages.
const LONGEST_ZERO_RUN: usize = if cfg!(target_arch = "x86_64") { 512 } else { 8192 };

/// Checks the table, that each section is inside the file and its segment, and that code is there.
pub(super) fn check(image: &Image) -> Result<(), Flaw> {
    let offset = image.header.e_shoff.get(ORDER);
    let count = image.header.e_shnum.get(ORDER);
    if offset == 0 && count == 0 {
        // Removed by a tool that strips more than usual. Segments still tell where code is.
        return image.segments.iter().filter(|s| s.is_code()).try_for_each(|s| code(image, s));
    }
    ensure(usize::from(image.header.e_shentsize.get(ORDER)) == size_of::<SectionHeader>(), || {
        "its section table makes no sense".to_owned()
    })?;
    let headers: &[SectionHeader] =
        image.bytes.read_slice_at(offset, count.into()).map_err(|()| {
            let size = image.bytes.len();
            Flaw::Incomplete(format!(
                "its section table begins at byte {offset} and the file ends at byte {size}"
            ))
        })?;
    let names = headers.get(usize::from(image.header.e_shstrndx.get(ORDER)));
    let names = names.filter(|h| h.sh_type.get(ORDER) == elf::SHT_STRTAB);
    let names = names.and_then(|h| contents(image, h)).and_then(|names| names.split_last());
    ensure(names.is_some_and(|(&last, _)| last == 0), || "its section names are missing".into())?;
    let names_size = names.map_or(0, |(_, rest)| rest.len() + 1);
    headers.iter().skip(1).try_for_each(|h| section(image, headers, h, names_size))
}

fn section(
    image: &Image,
    all: &[SectionHeader],
    header: &SectionHeader,
    names_size: usize,
) -> Result<(), Flaw> {
    let kind = header.sh_type.get(ORDER);
    ensure(kind != elf::SHT_NULL, || "its section table is partly empty".to_owned())?;
    ensure((header.sh_name.get(ORDER) as usize) < names_size, || {
        "a section has no name".to_owned()
    })?;
    let bytes = contents(image, header);
    ensure(bytes.is_some() || kind == elf::SHT_NOBITS, || {
        let size = image.bytes.len();
        format!("a section at byte {} is not inside its {size} bytes", header.sh_offset.get(ORDER))
    })?;
    ensure(kind != elf::SHT_STRTAB || bytes.is_some_and(|names| names.last() == Some(&0)), || {
        "a table of names is not written yet".to_owned()
    })?;
    if matches!(kind, elf::SHT_SYMTAB | elf::SHT_DYNSYM | elf::SHT_DYNAMIC) {
        let strings = all.get(header.sh_link.get(ORDER) as usize);
        ensure(strings.is_some_and(|s| s.sh_type.get(ORDER) == elf::SHT_STRTAB), || {
            "a symbol table has no names".to_owned()
        })?;
    }
    let flags = header.sh_flags.get(ORDER) as u32;
    if flags & elf::SHF_ALLOC != 0 && kind != elf::SHT_NOBITS {
        mapped_as_stored(image, header)?;
        if flags & elf::SHF_EXECINSTR != 0 {
            written(bytes.unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Section and segment must agree on which bytes of the file are at an address.
fn mapped_as_stored(image: &Image, header: &SectionHeader) -> Result<(), Flaw> {
    let (address, size) = (header.sh_addr.get(ORDER), header.sh_size.get(ORDER));
    let offset = header.sh_offset.get(ORDER);
    let agrees = |s: &Segment| {
        s.address.wrapping_sub(s.offset) == address.wrapping_sub(offset)
            && image.table::<u8>(address, size, "section").is_ok()
    };
    ensure(size == 0 || image.segments.iter().any(agrees), || {
        "its sections and segments disagree".to_owned()
    })
}

fn contents<'a>(image: &Image<'a>, header: &SectionHeader) -> Option<&'a [u8]> {
    if header.sh_type.get(ORDER) == elf::SHT_NOBITS {
        return None;
    }
    image.bytes.read_bytes_at(header.sh_offset.get(ORDER), header.sh_size.get(ORDER)).ok()
}

fn code(image: &Image, segment: &Segment) -> Result<(), Flaw> {
    written(image.table(segment.address, segment.file_size, "code")?)
}

fn written(code: &[u8]) -> Result<(), Flaw> {
    let empty = code.split(|&byte| byte != 0).any(|zeros| zeros.len() >= LONGEST_ZERO_RUN);
    ensure(!empty, || format!("{LONGEST_ZERO_RUN} bytes or more of its code are all zero"))
}
