//! Reads a `.vbc` file from anywhere: no bytes make it panic or take much memory.

use super::encode::{END, MAGIC, Section, VERSION};
use super::{Custom, Function, FunctionNames, Global, Location, Memory, Module, Names, checksum};
use super::{Expanded, Lists, MacroCall, Run, Segment, SourceFile, SourceMap};
use crate::isa::leb128::read_unsigned;
use crate::isa::{CType, FuncType, Import, Signature, ValueType};
use std::fmt;
use std::ops::Range;

/// Why bytes are not a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Which byte of the file, from 0.
    pub offset: usize,
    /// What is wrong there.
    pub problem: DecodeProblem,
}

/// What is wrong with bytes that are not a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeProblem {
    /// They do not begin as a `.vbc` file does.
    Foreign,
    /// The file ends too early.
    Truncated,
    /// The checksum is another: what the file says, and what its bytes give.
    Damaged(u32, u32),
    /// The major and minor version are not ours.
    UnknownVersion(u8, u8),
    /// A part does not make sense, in words.
    Malformed(&'static str),
}

impl fmt::Display for DecodeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeProblem::Foreign => f.write_str("this is not hotvm bytecode"),
            DecodeProblem::Truncated => f.write_str("the file ends before it is complete"),
            DecodeProblem::Damaged(said, found) => {
                write!(f, "the file says that its checksum is {said:08x}, but it is {found:08x}")
            }
            DecodeProblem::UnknownVersion(major, minor) => {
                let (ours, _) = VERSION;
                write!(f, "the file has format version {major}.{minor}; this hotvm reads {ours}.x")
            }
            DecodeProblem::Malformed(what) => f.write_str(what),
        }
    }
}

type Result<T> = std::result::Result<T, DecodeError>;

/// Reads a module.
///
/// # Errors
/// When the bytes are not one; with the offset and the reason.
pub fn decode(bytes: &[u8]) -> Result<Module> {
    let (module, code) = read(bytes)?;
    Ok(Module { code: bytes[code].to_vec(), ..module })
}

/// Reads a module from bytes that nobody else needs, and takes no other memory for its code.
///
/// # Errors
/// When the bytes are not one; with the offset and the reason.
pub fn decode_owned(mut bytes: Vec<u8>) -> Result<Module> {
    let (module, code) = read(&bytes)?;
    bytes.truncate(code.end);
    bytes.drain(..code.start);
    Ok(Module { code: bytes, ..module })
}

/// Reads a module all but its code, and tells where that is.
fn read(bytes: &[u8]) -> Result<(Module, Range<usize>)> {
    let parts = layout(bytes)?;
    let (mut module, mut code) = (Module::default(), 0..0);
    let mut last = None;
    for (id, part) in parts {
        let mut r = Reader { bytes: &bytes[..part.end], pos: part.start };
        let Some(section) = Section::from_byte(id) else {
            return Err(r.malformed("a section of a kind that this hotvm does not know"));
        };
        if section != Section::Custom && last >= Some(section) {
            return Err(r.malformed("sections out of order"));
        }
        last = Some(section);
        if section == Section::Code {
            code = part;
            continue;
        }
        read_section(&mut r, section, &mut module)?;
        if r.pos != part.end {
            return Err(r.malformed("a section is longer than its contents"));
        }
    }
    // Only the end tells, because a file may lack the section of either.
    let code_end = module.functions.last().map_or(0, |f| f.code.end);
    if code_end as usize != code.len() {
        let problem = DecodeProblem::Malformed("the code is not as long as its functions");
        return Err(DecodeError { offset: bytes.len(), problem });
    }
    Ok((module, code))
}

/// The names of the sections of a file, and how many bytes each holds.
///
/// # Errors
/// When the bytes are not such a file.
pub fn section_sizes(bytes: &[u8]) -> Result<Vec<(&'static str, usize)>> {
    let known = |(id, part): (u8, Range<usize>)| Some((Section::from_byte(id)?.name(), part.len()));
    Ok(layout(bytes)?.into_iter().filter_map(known).collect())
}

/// Splits a file into its sections and checks its checksum, before any of them is read: a file that
/// was cut off is called that, and one that was damaged is not searched for a meaning.
fn layout(bytes: &[u8]) -> Result<Vec<(u8, Range<usize>)>> {
    let mut r = Reader { bytes, pos: 0 };
    if !bytes.starts_with(&MAGIC) {
        let cut = MAGIC.starts_with(bytes) && !bytes.is_empty();
        return Err(r.error(if cut { DecodeProblem::Truncated } else { DecodeProblem::Foreign }));
    }
    r.pos = MAGIC.len();
    let (major, minor) = (r.byte()?, r.byte()?);
    if major != VERSION.0 {
        let problem = DecodeProblem::UnknownVersion(major, minor);
        return Err(DecodeError { offset: MAGIC.len(), problem });
    }
    let mut parts = Vec::new();
    loop {
        let id = r.byte()?;
        if id == END {
            break;
        }
        let len = r.unsigned()? as usize;
        let start = r.pos;
        r.take(len)?;
        parts.push((id, start..r.pos));
    }
    let end = r.pos;
    let said = u32::from_le_bytes(r.array()?);
    let found = checksum(&bytes[..end]);
    if said != found {
        return Err(DecodeError { offset: end, problem: DecodeProblem::Damaged(said, found) });
    }
    if r.pos != bytes.len() {
        return Err(r.malformed("bytes follow behind the checksum"));
    }
    Ok(parts)
}

fn read_section(r: &mut Reader, section: Section, module: &mut Module) -> Result<()> {
    match section {
        Section::Imports => module.imports = r.imports()?,
        Section::Types => module.types = r.list(Reader::func_type)?,
        Section::Functions => {
            let mut start = 0;
            module.functions = r.list(|r| r.function(&mut start))?;
        }
        Section::Start => {
            module.entry = r.u32()?;
            module.memory = Memory { min: r.unsigned()?, max: r.unsigned()? };
        }
        Section::Globals => {
            module.globals = r.list(|r| {
                Ok(Global { ty: r.value_type()?, init: u64::from_le_bytes(r.array()?) })
            })?;
        }
        Section::Data => {
            module.data = r.list(|r| {
                let (address, len, bytes) = (r.unsigned()?, r.unsigned()?, r.blob()?);
                Ok(Segment { address, len, bytes: bytes.to_vec() })
            })?;
        }
        Section::Texts => module.texts = r.list(|r| r.blob().map(<[u8]>::to_vec))?,
        Section::Code => unreachable!("left where it is"),
        Section::Names => module.names = Some(r.names()?),
        Section::SourceMap => module.source_map = Some(r.source_map()?),
        Section::Public => {
            module.public = r.list(Reader::u32)?;
            if module.public.is_empty() || !module.public.is_sorted_by(|a, b| a < b) {
                return Err(r.malformed("public functions are not in order"));
            }
        }
        Section::Custom => {
            let name = r.string()?;
            module.custom.push(Custom { name, bytes: r.rest().to_vec() });
        }
    }
    Ok(())
}

/// The most items of a list that memory is reserved for before they are read.
const MOST_AT_ONCE: u64 = 16;

/// A place in the bytes, with what can be read there.
struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, problem: DecodeProblem) -> DecodeError {
        DecodeError { offset: self.pos, problem }
    }

    fn malformed(&self, what: &'static str) -> DecodeError {
        self.error(DecodeProblem::Malformed(what))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let end = self.pos.checked_add(len);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.pos..end)) else {
            return Err(self.error(DecodeProblem::Truncated));
        };
        self.pos += len;
        Ok(taken)
    }

    fn rest(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.pos..];
        self.pos = self.bytes.len();
        rest
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as long as was asked"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn unsigned(&mut self) -> Result<u64> {
        let start = self.pos;
        read_unsigned(self.bytes, &mut self.pos).ok_or_else(|| {
            let cut = self.pos == self.bytes.len() && self.pos - start < 10;
            self.pos = start;
            if cut {
                self.error(DecodeProblem::Truncated)
            } else {
                self.malformed("a number is not in its shortest form")
            }
        })
    }

    fn u32(&mut self) -> Result<u32> {
        let n = self.unsigned()?;
        n.try_into().map_err(|_| self.malformed("a number is over 32 bits"))
    }

    /// Every item takes a byte at least, so a count beyond the bytes left is a lie that must not
    /// reserve memory.
    fn count(&mut self) -> Result<u64> {
        match self.unsigned()? {
            count if count > (self.bytes.len() - self.pos) as u64 => {
                Err(self.malformed("a list is longer than the section"))
            }
            count => Ok(count),
        }
    }

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count()?;
        // A short list gets what it needs, a long one grows with what is really there.
        let mut list = Vec::with_capacity(count.min(MOST_AT_ONCE) as usize);
        for _ in 0..count {
            list.push(each(self)?);
        }
        Ok(list)
    }

    fn lists<T>(&mut self, mut each: impl FnMut(&mut Self) -> Result<T>) -> Result<Lists<T>> {
        let mut lists = Lists::default();
        for _ in 0..self.count()? {
            for _ in 0..self.count()? {
                lists.add(each(self)?);
            }
            lists.end();
        }
        Ok(lists)
    }

    fn option<T>(&mut self, each: impl FnMut(&mut Self) -> Result<T>) -> Result<Option<T>> {
        let mut list = self.list(each)?;
        if list.len() > 1 {
            return Err(self.malformed("more than one where at most one can be"));
        }
        Ok(list.pop())
    }

    fn blob(&mut self) -> Result<&'a [u8]> {
        let len = self.unsigned()?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX))
    }

    fn string(&mut self) -> Result<String> {
        let bytes = self.blob()?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.malformed("a name is not UTF-8"))?;
        Ok(text.to_owned())
    }

    fn value_type(&mut self) -> Result<ValueType> {
        let byte = self.byte()?;
        let ty = ValueType::ALL.get(byte as usize).copied();
        ty.ok_or_else(|| self.malformed("no value type has this number"))
    }

    fn c_type(&mut self) -> Result<CType> {
        let byte = self.byte()?;
        let ty = CType::ALL.get(byte as usize).copied();
        ty.ok_or_else(|| self.malformed("no C type has this number"))
    }

    fn func_type(&mut self) -> Result<FuncType> {
        Ok(FuncType {
            params: self.list(Reader::value_type)?,
            result: self.option(Reader::value_type)?,
        })
    }

    fn imports(&mut self) -> Result<Vec<Import>> {
        let libraries = self.list(Reader::string)?;
        self.list(|r| {
            let slot = r.u32()?.try_into().map_err(|_| r.malformed("a slot over 65535"))?;
            let library = r.u32()? as usize;
            let Some(library) = libraries.get(library).cloned() else {
                return Err(r.malformed("a slot names a library that is not in the list"));
            };
            let symbol = r.string()?;
            let signature = Signature { params: r.list(Reader::c_type)?, result: r.c_type()? };
            let version = r.option(Reader::u32)?;
            let lazy = match r.byte()? {
                0 => false,
                1 => true,
                _ => return Err(r.malformed("a flag is neither 0 nor 1")),
            };
            Ok(Import { slot, library, symbol, signature, version, lazy })
        })
    }

    fn function(&mut self, start: &mut u32) -> Result<Function> {
        let ty = self.u32()?;
        let locals = self.list(Reader::value_type)?;
        let len = self.u32()?;
        let Some(end) = start.checked_add(len) else {
            return Err(self.malformed("code over 4 GiB"));
        };
        let code = std::mem::replace(start, end)..end;
        Ok(Function { ty, locals, code })
    }

    fn names(&mut self) -> Result<Names> {
        Ok(Names {
            functions: self.list(|r| {
                Ok(FunctionNames {
                    name: r.string()?,
                    locals: r.list(Reader::string)?,
                    labels: r.list(|r| Ok((r.u32()?, r.string()?)))?,
                })
            })?,
            globals: self.list(Reader::string)?,
            data: self.list(Reader::string)?,
        })
    }

    fn location(&mut self) -> Result<Location> {
        Ok(Location { file: self.u32()?, line: self.u32()?, column: self.u32()? })
    }

    fn source_map(&mut self) -> Result<SourceMap> {
        Ok(SourceMap {
            files: self.list(|r| {
                Ok(SourceFile { name: r.string()?, crc: u32::from_le_bytes(r.array()?) })
            })?,
            functions: self.lists(|r| Ok(Run { count: r.u32()?, first: r.location()? }))?,
            imports: self.list(Reader::location)?,
            macros: self.list(Reader::string)?,
            calls: self.list(|r| {
                Ok(MacroCall { name: r.u32()?, at: r.location()?, within: r.option(Reader::u32)? })
            })?,
            expanded: self.list(|r| {
                let (function, first) = (r.u32()?, r.u32()?);
                Ok(Expanded { function, first, count: r.u32()?, call: r.u32()? })
            })?,
        })
    }
}
