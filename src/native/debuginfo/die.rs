//! One entry of the debug information.

use super::{DebugInfo, Slice, Unit};
use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_byte_size, DW_AT_decl_file, DW_AT_decl_line,
    DW_AT_name, DW_AT_signature, DW_AT_specification, DW_AT_type, DW_TAG_atomic_type,
    DW_TAG_const_type, DW_TAG_restrict_type, DW_TAG_typedef, DW_TAG_volatile_type, DwAt, DwTag,
};
use std::path::{Path, PathBuf};

/// How many references are followed in a row. Sound information needs few; damaged information can
/// lead in a circle.
const MOST_STEPS: usize = 64;

/// What a type is called or qualified by, without being another type.
const NAMES_OF_A_TYPE: [DwTag; 5] = [
    DW_TAG_typedef,
    DW_TAG_const_type,
    DW_TAG_volatile_type,
    DW_TAG_restrict_type,
    DW_TAG_atomic_type,
];

/// Where a function, variable or type is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::native) struct Declared {
    /// The source file, as the compiler was told of it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u64,
}

/// An entry ("debugging information entry"), with what it takes to follow its references.
#[derive(Clone, Debug)]
pub(in crate::native) struct Die<'i, 'a> {
    pub info: &'i DebugInfo<'a>,
    pub unit: &'i Unit<'a>,
    pub entry: gimli::DebuggingInformationEntry<Slice<'a>>,
}

impl<'i, 'a> Die<'i, 'a> {
    /// What kind of entry it is.
    pub fn tag(&self) -> DwTag {
        self.entry.tag()
    }

    /// Where it stands in its section, which tells it from all others of that section.
    pub fn offset(&self) -> Option<usize> {
        let header = &self.unit.header;
        let offset = self.entry.offset();
        let in_info = offset.to_debug_info_offset(header).map(|offset| offset.0);
        in_info.or_else(|| offset.to_debug_types_offset(header).map(|offset| offset.0))
    }

    /// An attribute of this very entry.
    pub fn attr(&self, name: DwAt) -> Option<AttributeValue<Slice<'a>>> {
        self.entry.attr_value(name)
    }

    /// An attribute of this entry that is a whole number.
    pub fn number(&self, name: DwAt) -> Option<u64> {
        self.attr(name)?.udata_value()
    }

    /// The size in bytes that this entry states.
    pub fn size(&self) -> Option<u64> {
        self.number(DW_AT_byte_size)
    }

    /// The entry that an attribute of this one refers to, in this unit or another.
    pub fn reference(&self, name: DwAt) -> Option<Die<'i, 'a>> {
        let there = self.referred(name)?;
        // A type may have a unit of its own, and a stand-in where it is used.
        Some(there.referred(DW_AT_signature).unwrap_or(there))
    }

    fn referred(&self, name: DwAt) -> Option<Die<'i, 'a>> {
        match self.attr(name)? {
            AttributeValue::UnitRef(offset) => self.info.die(self.unit, offset),
            AttributeValue::DebugInfoRef(offset) => self.info.die_at(offset),
            AttributeValue::DebugTypesRef(signature) => self.info.signed_type(signature),
            _ => None,
        }
    }

    /// This entry, then what it is an instance of, and so on: a function's code may refer to its
    /// definition in the source, and that to its declaration.
    pub fn line_of_origin(&self) -> impl Iterator<Item = Die<'i, 'a>> + use<'i, 'a> {
        let origin = |die: &Die<'i, 'a>| {
            die.reference(DW_AT_abstract_origin).or_else(|| die.reference(DW_AT_specification))
        };
        std::iter::successors(Some(self.clone()), origin).take(MOST_STEPS)
    }

    /// The last in its line of origin: the one in the unit of the source that it was written in.
    pub fn origin(&self) -> Die<'i, 'a> {
        self.line_of_origin().last().unwrap_or_else(|| self.clone())
    }

    /// The nearest in its line of origin that has this attribute.
    pub fn with(&self, name: DwAt) -> Option<Die<'i, 'a>> {
        self.line_of_origin().find(|die| die.entry.has_attr(name))
    }

    /// Its name in the source, its own or that of its origin.
    pub fn name(&self) -> Option<&'a str> {
        self.with(DW_AT_name)?.string(DW_AT_name)
    }

    /// An attribute of this entry that is a text.
    pub fn string(&self, name: DwAt) -> Option<&'a str> {
        let value = self.attr(name)?;
        let text = self.info.dwarf.attr_string(self.unit, value).ok()?;
        std::str::from_utf8(text.slice()).ok()
    }

    /// Its type, as it is written; `None` is `void`.
    pub fn type_as_written(&self) -> Option<Die<'i, 'a>> {
        self.with(DW_AT_type)?.reference(DW_AT_type)
    }

    /// Its type itself, behind all names and qualifiers; `None` is `void`.
    pub fn type_itself(&self) -> Option<Die<'i, 'a>> {
        self.type_as_written()?.stripped()
    }

    /// This type without the names and qualifiers around it: `const volatile myint` is `int`. `None`
    /// is `void`.
    pub fn stripped(self) -> Option<Die<'i, 'a>> {
        let inner = |die: &Die<'i, 'a>| die.reference(DW_AT_type);
        std::iter::successors(Some(self), inner)
            .take(MOST_STEPS)
            .find(|die| !NAMES_OF_A_TYPE.contains(&die.tag()))
    }

    /// The entries right below it: parameters, fields, blocks, local variables.
    pub fn children(&self) -> Vec<Die<'i, 'a>> {
        let mut found = Vec::new();
        let Ok(mut tree) = self.unit.entries_tree(Some(self.entry.offset())) else { return found };
        let Ok(root) = tree.root() else { return found };
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry().clone();
            found.push(Die { info: self.info, unit: self.unit, entry });
        }
        found
    }

    /// Where it is declared, as far as it or its origin says.
    pub fn declared(&self) -> Option<Declared> {
        let die = self.with(DW_AT_decl_line)?;
        let line = die.number(DW_AT_decl_line)?;
        let AttributeValue::FileIndex(file) = die.with(DW_AT_decl_file)?.attr(DW_AT_decl_file)?
        else {
            return None;
        };
        Some(Declared { file: die.file(file)?, line })
    }

    /// The source file that its unit is compiled from. For what link-time optimisation has moved,
    /// ask its [`origin`](Die::origin).
    pub fn unit_path(&self) -> Option<PathBuf> {
        Some(path_in(&self.unit.comp_dir, self.unit.name?.slice()))
    }

    /// A file in the table of this entry's unit.
    fn file(&self, index: u64) -> Option<PathBuf> {
        let header = self.unit.line_program.as_ref()?.header();
        let file = header.file(index)?;
        let text = |value| self.info.dwarf.attr_string(self.unit, value).ok();
        let name = text(file.path_name())?;
        let folder = file.directory(header).and_then(text);
        let folder = folder.map(|folder| path_in(&self.unit.comp_dir, folder.slice()));
        Some(folder.unwrap_or_default().join(path(name.slice())))
    }
}

/// A path that starts from the folder that the compiler ran in, if it is known.
fn path_in(folder: &Option<Slice>, rest: &[u8]) -> PathBuf {
    folder.as_ref().map(|folder| path(folder.slice())).unwrap_or(Path::new("")).join(path(rest))
}

/// Compilers write paths in UTF-8 nearly always; one that is not names no file to anybody.
fn path(bytes: &[u8]) -> &Path {
    Path::new(std::str::from_utf8(bytes).unwrap_or("?"))
}
