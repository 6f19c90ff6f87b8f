//! The variables' memory, as the file says it begins.

use super::home::{Home, Part};
use object::elf;
use object::read::elf::{ElfFile64, ProgramHeader, SectionHeader};
use object::{
    NativeEndian, Object, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget,
    SymbolFlags, SymbolIndex, SymbolKind,
};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

type Elf<'a> = ElfFile64<'a, NativeEndian>;

/// How the loader marks a word that it adds the library's base to.
const RELATIVE: u32 =
    if cfg!(target_arch = "aarch64") { elf::R_AARCH64_RELATIVE } else { elf::R_X86_64_RELATIVE };

/// What a library's file says of its writable memory.
#[derive(Debug, Default)]
pub(super) struct Data {
    segments: Vec<Segment>,
    /// The words that hold an address once the library is loaded, and which one, counted from the
    /// library's base; `None` where it is outside of the library.
    addresses: BTreeMap<u64, Option<u64>>,
    symbols: BTreeMap<u64, Symbol>,
    /// Variables of C++ functions that are initialised when their function first runs.
    guarded: HashSet<u64>,
}

/// A stretch of memory that stays writable.
#[derive(Debug)]
struct Segment {
    range: Range<u64>,
    /// What it begins with. Zeros follow.
    bytes: Vec<u8>,
}

/// What the symbol table says of a variable.
#[derive(Clone, Debug)]
pub(super) struct Symbol {
    name: String,
    pub size: u64,
    /// Whether all generations share it: the loader keeps one for the whole process.
    pub unique: bool,
}

impl Symbol {
    /// The function that the variable of this name is inside of, as the symbol tells: clang calls
    /// the `calls` of `tick` `tick.calls`, and in C++ both compilers call it `_ZZ4tickvE5calls`.
    pub fn function(&self, variable: &str) -> Option<String> {
        if let Some(mangled) = self.name.strip_prefix("_ZZ") {
            let own = format!("E{}{variable}", variable.len());
            return Some(format!("_Z{}", &mangled[..mangled.rfind(&own)?]));
        }
        let (function, rest) = self.name.split_once('.')?;
        let number = rest.strip_prefix(variable)?;
        (number.is_empty() || number.starts_with('.')).then(|| function.to_owned())
    }
}

impl Data {
    /// The writable memory of an ELF library; `None` if the bytes are none. `symbols` are the bytes
    /// to take the symbol table from.
    pub fn read(bytes: &[u8], symbols: &[u8]) -> Option<Data> {
        // Values are read in this order; no machine that hotvm is tested on has the other.
        let file = Elf::parse(bytes).ok().filter(|_| cfg!(target_endian = "little"))?;
        let mut data = Data { segments: segments(&file, bytes), ..Data::default() };
        data.read_addresses(&file);
        data.read_symbols(&Elf::parse(symbols).ok()?);
        Some(data)
    }

    /// Whether there is any variable that a symbol tells of.
    pub fn has_variables(&self) -> bool {
        self.symbols
            .iter()
            .any(|(&address, symbol)| symbol.size > 0 && self.writable(address, symbol.size))
    }

    /// Whether all of a part is writable memory.
    pub fn contains(&self, part: &Part) -> bool {
        part.memory().is_none_or(|(address, size)| self.writable(address, size as u64))
    }

    fn writable(&self, address: u64, size: u64) -> bool {
        self.segments.iter().any(|segment| {
            let Range { start, end } = segment.range;
            start <= address && address.checked_add(size).is_some_and(|after| after <= end)
        })
    }

    /// A variable as it is when the library has been loaded, but for addresses that the loader puts
    /// in.
    pub fn initial(&self, home: &Home) -> Vec<u8> {
        home.gather(|address, into| self.read_initial(address, into))
    }

    fn read_initial(&self, address: u64, into: &mut [u8]) {
        let segment = self.segments.iter().find(|segment| segment.range.contains(&address));
        let from = segment.and_then(|segment| {
            segment.bytes.get(usize::try_from(address - segment.range.start).ok()?..)
        });
        for (to, from) in into.iter_mut().zip(from.unwrap_or_default()) {
            *to = *from;
        }
    }

    /// The addresses that the loader puts into a part of a variable: where in it, and which.
    pub fn addresses_in(&self, part: &Part) -> impl Iterator<Item = (usize, Option<u64>)> {
        let (start, size) = part.memory().unwrap_or_default();
        let words = self.addresses.range(start..start.saturating_add(size as u64));
        words.map(move |(at, address)| ((at - start) as usize, *address))
    }

    /// The same for all parts of a variable.
    pub fn addresses_of(&self, home: &Home) -> Vec<(usize, Option<u64>)> {
        let mut start = 0;
        let mut found = Vec::new();
        for part in home.parts() {
            let here = self.addresses_in(part);
            found.extend(here.map(|(at, address)| (start + at, address)));
            start += part.size;
        }
        found
    }

    pub fn symbol(&self, address: u64) -> Option<&Symbol> {
        self.symbols.get(&address)
    }

    pub fn is_guarded(&self, address: u64) -> bool {
        self.guarded.contains(&address)
    }

    fn read_addresses(&mut self, file: &Elf) {
        let symbols = file.dynamic_symbol_table();
        let symbol = |index: SymbolIndex| {
            let symbol = symbols.as_ref()?.symbol_by_index(index).ok()?;
            Some(symbol.address()).filter(|&address| address != 0)
        };
        for (at, relocation) in file.dynamic_relocations().into_iter().flatten() {
            let addend = relocation.addend() as u64;
            let address = match (relocation.flags(), relocation.target()) {
                (RelocationFlags::Elf { r_type: RELATIVE }, _) => Some(addend),
                (_, RelocationTarget::Symbol(index)) => {
                    symbol(index).map(|s| s.wrapping_add(addend))
                }
                _ => None,
            };
            self.add_address(at, address);
        }
        // Packed relocations keep the address in the word itself.
        for section in file.elf_section_table().iter() {
            let packed = section.relr(file.endian(), file.data()).ok().flatten();
            for at in packed.into_iter().flatten() {
                let mut word = [0; 8];
                self.read_initial(at, &mut word);
                self.add_address(at, Some(u64::from_le_bytes(word)));
            }
        }
    }

    /// Constants hold most addresses, and are none of our concern.
    fn add_address(&mut self, at: u64, address: Option<u64>) {
        if self.writable(at, 8) {
            self.addresses.insert(at, address);
        }
    }

    fn read_symbols(&mut self, file: &Elf) {
        let mut by_name = BTreeMap::new();
        let mut guards = Vec::new();
        for symbol in file.symbols().chain(file.dynamic_symbols()) {
            if symbol.kind() != SymbolKind::Data || !symbol.is_definition() {
                continue;
            }
            let name = symbol.name_bytes().unwrap_or_default();
            // The compiler's own start-up code has a flag in every library.
            if name.starts_with(b"completed.") {
                continue;
            }
            let info = match symbol.flags() {
                SymbolFlags::Elf { st_info, .. } => st_info,
                _ => 0,
            };
            let unique = info >> 4 == elf::STB_GNU_UNIQUE;
            // Of several names for one place, the largest counts.
            let known = self.symbols.entry(symbol.address()).or_insert_with(|| Symbol {
                name: String::from_utf8_lossy(name).into_owned(),
                size: 0,
                unique,
            });
            known.size = known.size.max(symbol.size());
            known.unique |= unique;
            match name.strip_prefix(b"_ZGV") {
                Some(guarded) => guards.push(guarded),
                None if name.starts_with(b"_Z") => {
                    by_name.insert(&name[2..], symbol.address());
                }
                None => {}
            }
        }
        self.guarded = guards.iter().filter_map(|name| by_name.get(name).copied()).collect();
    }
}

/// The writable segments, without what becomes read-only once the loader is done with it.
fn segments(file: &Elf, bytes: &[u8]) -> Vec<Segment> {
    let endian = file.endian();
    let memory = |header: &elf::ProgramHeader64<NativeEndian>| {
        let start = header.p_vaddr(endian);
        start..start.saturating_add(header.p_memsz(endian))
    };
    let headers = file.elf_program_headers();
    let sealed = headers.iter().find(|h| h.p_type(endian) == elf::PT_GNU_RELRO).map(memory);
    let mut segments = Vec::new();
    for header in headers {
        if header.p_type(endian) != elf::PT_LOAD || header.p_flags(endian) & elf::PF_W == 0 {
            continue;
        }
        let range = memory(header);
        let content = header.data(endian, bytes).unwrap_or_default();
        let content = &content[..content.len().min((range.end - range.start) as usize)];
        let (before, after) = match &sealed {
            Some(sealed) if sealed.start < range.end && range.start < sealed.end => {
                (range.start..sealed.start.max(range.start), sealed.end.min(range.end)..range.end)
            }
            _ => (range.clone(), range.end..range.end),
        };
        for part in [before, after].into_iter().filter(|part| !part.is_empty()) {
            let skip = (part.start - range.start) as usize;
            let most = (part.end - part.start) as usize;
            let content = content.get(skip..).unwrap_or_default();
            let bytes = content[..content.len().min(most)].to_vec();
            segments.push(Segment { range: part, bytes });
        }
    }
    segments
}
