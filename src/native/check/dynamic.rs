//! The dynamic table: where the loader finds everything else.

use super::elf::{Image, ORDER};
use super::sniff::LINK_SHARED;
use super::{Flaw, Needed, ensure};
use object::NativeEndian as Endian;
use object::elf::{self, Dyn64, Rel64, Rela64, Relr64, Sym64};

/// Entries whose value the loader asserts: another one ends the process with a failed assertion.
const ENTRY_SIZES: [(i64, usize); 4] = [
    (elf::DT_SYMENT, size_of::<Sym64<Endian>>()),
    (elf::DT_RELAENT, size_of::<Rela64<Endian>>()),
    (elf::DT_RELENT, size_of::<Rel64<Endian>>()),
    (elf::DT_RELRENT, size_of::<Relr64<Endian>>()),
];

/// The dynamic table and the strings that it refers to.
pub(super) struct Dynamic<'a> {
    entries: Vec<(i64, u64)>,
    strings: &'a [u8],
}

impl<'a> Dynamic<'a> {
    /// Reads the table up to its end mark.
    pub fn parse(image: &Image<'a>) -> Result<Dynamic<'a>, Flaw> {
        let (address, size) = image.dynamic;
        let table = image.table::<Dyn64<Endian>>(address, size, "dynamic table")?;
        let entry = |d: &Dyn64<Endian>| (d.d_tag.get(ORDER), d.d_val.get(ORDER));
        let entries: Vec<_> = table.iter().map(entry).take_while(|e| e.0 != elf::DT_NULL).collect();
        ensure(entries.len() < table.len(), || "its dynamic table has no end".to_owned())?;
        let mut dynamic = Dynamic { entries, strings: &[] };
        let (at, size) = (dynamic.get(elf::DT_STRTAB), dynamic.get(elf::DT_STRSZ));
        let (Some(at), Some(size)) = (at, size) else {
            return Err(Flaw::Incomplete("its dynamic table names no strings".to_owned()));
        };
        dynamic.strings = image.table(at, size, "string table")?;
        let ends = (dynamic.strings.first(), dynamic.strings.last());
        ensure(ends == (Some(&0), Some(&0)), || "its string table is not written yet".to_owned())?;
        dynamic.check(image)?;
        Ok(dynamic)
    }

    /// The value of the first entry with this tag.
    pub fn get(&self, tag: i64) -> Option<u64> {
        self.entries.iter().find(|e| e.0 == tag).map(|e| e.1)
    }

    /// The tags of all entries, in their order.
    pub fn tags(&self) -> impl Iterator<Item = i64> {
        self.entries.iter().map(|e| e.0)
    }

    /// The string at an offset of the string table, without its end mark.
    pub fn string(&self, offset: u64) -> Result<&'a [u8], Flaw> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.strings.get(offset..));
        // The last string is closed, so any offset inside begins one.
        rest.and_then(|rest| rest.split(|&b| b == 0).next())
            .ok_or_else(|| Flaw::Incomplete("a name lies outside of its string table".to_owned()))
    }

    /// The libraries that this one needs.
    pub fn needed(&self) -> impl Iterator<Item = &'a [u8]> {
        let needed = self.entries.iter().filter(|(tag, _)| *tag == elf::DT_NEEDED);
        needed.filter_map(|&(_, at)| self.string(at).ok())
    }

    /// The same, and where the loader is to look for them.
    pub fn needed_places(&self) -> Needed {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let path = self.get(elf::DT_RUNPATH).or(self.get(elf::DT_RPATH));
        let path = path.and_then(|at| self.string(at).ok()).map(text).unwrap_or_default();
        let folders = path.split(':').filter(|folder| !folder.is_empty()).map(str::to_owned);
        Needed { names: self.needed().map(text).collect(), folders: folders.collect() }
    }

    fn check(&self, image: &Image) -> Result<(), Flaw> {
        if self.get(elf::DT_FLAGS_1).is_some_and(|flags| flags & u64::from(elf::DF_1_PIE) != 0) {
            let what = "a program, not a shared library".to_owned();
            return Err(Flaw::NotALibrary(what, Some(LINK_SHARED)));
        }
        for (tag, size) in ENTRY_SIZES {
            ensure(self.get(tag).is_none_or(|found| found == size as u64), || {
                "its dynamic table has entries of an unknown size".to_owned()
            })?;
        }
        for &(tag, value) in &self.entries {
            match tag {
                elf::DT_NEEDED | elf::DT_SONAME | elf::DT_RPATH | elf::DT_RUNPATH => {
                    self.string(value).map(drop)?;
                }
                // The loader calls these.
                elf::DT_INIT | elf::DT_FINI => ensure(image.in_code(value, 1), || {
                    "its initialiser is outside of its code".to_owned()
                })?,
                _ => {}
            }
        }
        let arrays = [
            (elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ),
            (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ),
        ];
        for (at, size) in arrays {
            if let (Some(at), Some(size)) = (self.get(at), self.get(size)) {
                image.table::<u64>(at, size, "list of initialisers")?;
            }
        }
        Ok(())
    }
}
