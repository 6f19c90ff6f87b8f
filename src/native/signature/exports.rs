//! The functions that a library exports: ELF, PE or Mach-O, of this machine or any other.

use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{
    Architecture, BinaryFormat, FileKind, Object, ObjectKind, ObjectSection, ObjectSymbol,
    SectionKind, SymbolKind,
};
use std::ops::Range;

/// The format of a library's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::native) enum Format {
    /// Linux and most Unixes.
    #[default]
    Elf,
    /// Windows.
    Pe,
    /// macOS.
    MachO,
}

impl Format {
    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Elf => "ELF",
            Format::Pe => "PE",
            Format::MachO => "Mach-O",
        }
    }
}

/// An exported function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::native) struct Exported {
    /// The name that a `.lib` line uses.
    pub name: String,
    /// Where its code is, in the file's own counting; `None` where the symbol stands for code that
    /// is chosen only when the library is loaded.
    pub address: Option<u64>,
}

/// What a library exports.
#[derive(Debug, Default)]
pub(in crate::native) struct Functions {
    pub format: Format,
    /// By name, each once.
    pub functions: Vec<Exported>,
}

/// The functions that the library in `bytes` exports, or what is wrong with the bytes.
pub(in crate::native) fn exports(bytes: &[u8]) -> Result<Functions, String> {
    let file = object::File::parse(thin(bytes)).map_err(|error| error.to_string())?;
    if matches!(file.kind(), ObjectKind::Executable | ObjectKind::Relocatable | ObjectKind::Core) {
        return Err("it is a program or an object file, and no shared library".to_owned());
    }
    let table = |prefix| of_table(&file, prefix).map_err(|error| error.to_string());
    let (format, mut functions) = match file.format() {
        BinaryFormat::Elf => (Format::Elf, of_elf(&file)),
        BinaryFormat::Pe => (Format::Pe, table("")?),
        // Before each C name stands an underscore.
        _ => (Format::MachO, table("_")?),
    };
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    functions.dedup_by(|a, b| a.name == b.name);
    Ok(Functions { format, functions })
}

/// The part of a file for several machines that is for this one, else the first; all of any other
/// file.
pub(in crate::native) fn thin(bytes: &[u8]) -> &[u8] {
    let range = match FileKind::parse(bytes) {
        Ok(FileKind::MachOFat32) => {
            MachOFatFile32::parse(bytes).ok().and_then(|fat| preferred(fat.arches()))
        }
        Ok(FileKind::MachOFat64) => {
            MachOFatFile64::parse(bytes).ok().and_then(|fat| preferred(fat.arches()))
        }
        _ => None,
    };
    range.and_then(|range| bytes.get(range)).unwrap_or(bytes)
}

fn preferred(arches: &[impl FatArch]) -> Option<Range<usize>> {
    let ours = match std::env::consts::ARCH {
        "aarch64" => Architecture::Aarch64,
        _ => Architecture::X86_64,
    };
    let arch = arches.iter().find(|arch| arch.architecture() == ours).or(arches.first())?;
    let (offset, size) = arch.file_range();
    let start = usize::try_from(offset).ok()?;
    Some(start..start.checked_add(usize::try_from(size).ok()?)?)
}

fn of_elf(file: &object::File) -> Vec<Exported> {
    let exported = file.dynamic_symbols().filter(|symbol| {
        !symbol.is_undefined() && symbol.is_global() && symbol.kind() == SymbolKind::Text
    });
    let function = |symbol: object::Symbol| {
        let resolved_late = matches!(symbol.flags(), object::SymbolFlags::Elf { st_info, .. }
            if st_info & 0xf == object::elf::STT_GNU_IFUNC);
        let name = symbol.name().ok()?.to_owned();
        Some(Exported { name, address: (!resolved_late).then(|| symbol.address()) })
    };
    exported.filter_map(function).collect()
}

/// From an export table, which holds variables too: functions are what lies in a section of code.
fn of_table(file: &object::File, prefix: &str) -> Result<Vec<Exported>, object::Error> {
    let code: Vec<Range<u64>> = file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| section.address()..section.address().saturating_add(section.size()))
        .collect();
    let in_code = |address: u64| code.iter().any(|range| range.contains(&address));
    let exported = file.exports()?;
    let functions =
        exported.iter().filter(|export| in_code(export.address())).filter_map(|export| {
            let name = std::str::from_utf8(export.name()).ok()?;
            let name = name.strip_prefix(prefix).unwrap_or(name).to_owned();
            Some(Exported { name, address: Some(export.address()) })
        });
    Ok(functions.collect())
}
