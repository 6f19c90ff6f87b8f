//! Signatures from BTF, the type format of the Linux kernel, which `gcc -gbtf` writes into any file.
//!
//! A blob is a header, then types that refer to each other by number from 1, then their names. The
//! linker puts the blobs of its inputs one behind the other, each with numbers of its own.

use super::types::{Class, Sign, Type, Value, declaration};
use super::{CSignature, Source};
use std::collections::BTreeMap;

const MAGIC: u16 = 0xeb9f;
const HEADER: usize = 24;

/// How deep a type is followed.
const DEPTH: usize = 12;

/// The pointers of every machine that is compiled for with BTF.
const POINTER: u64 = 8;

const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FWD: u32 = 7;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// All functions of a `.BTF` section, by name. Of two different ones by one name, of which one must be
/// `static`, none is told: not every compiler notes which.
pub(super) fn read(mut section: &[u8]) -> BTreeMap<String, CSignature> {
    let mut found: BTreeMap<String, Vec<CSignature>> = BTreeMap::new();
    while let Some(begin) = section.iter().position(|&byte| byte != 0) {
        section = &section[begin..];
        let Some((blob, size)) = Blob::parse(section) else { break };
        blob.functions(&mut found);
        section = &section[size..];
    }
    let alike = |all: &[CSignature]| all.iter().all(|one| one.declaration == all[0].declaration);
    found.retain(|_, all| alike(all));
    found.into_iter().filter_map(|(name, mut all)| Some((name, all.pop()?))).collect()
}

/// One input's types.
struct Blob<'a> {
    big: bool,
    strings: &'a [u8],
    types: Vec<Entry<'a>>,
}

/// A type: its first three words and what follows them.
#[derive(Clone, Copy)]
struct Entry<'a> {
    name: u32,
    kind: u32,
    /// A bit whose meaning depends on the kind.
    flag: bool,
    /// How many members, values or parameters there are.
    count: usize,
    /// A size or the number of another type.
    other: u32,
    rest: &'a [u8],
}

impl<'a> Blob<'a> {
    /// The blob that `bytes` begin with, and its size.
    fn parse(bytes: &'a [u8]) -> Option<(Blob<'a>, usize)> {
        let big = match bytes.get(..2)? {
            magic if magic == MAGIC.to_le_bytes() => false,
            magic if magic == MAGIC.to_be_bytes() => true,
            _ => return None,
        };
        let field = |index: usize| word(bytes, index, big).map(|n| n as usize);
        let header = field(1)?;
        let part = |offset: usize, size: usize| {
            let start = header.checked_add(offset)?;
            let end = start.checked_add(size)?;
            (header >= HEADER).then_some(())?;
            Some((bytes.get(start..end)?, end))
        };
        let (types, types_end) = part(field(2)?, field(3)?)?;
        let (strings, strings_end) = part(field(4)?, field(5)?)?;
        let mut blob = Blob { big, strings, types: Vec::new() };
        blob.read_types(types);
        Some((blob, types_end.max(strings_end)))
    }

    fn read_types(&mut self, mut bytes: &'a [u8]) {
        while let Some(entry) = self.entry(bytes) {
            bytes = &bytes[12 + entry.rest.len()..];
            self.types.push(entry);
        }
    }

    fn entry(&self, bytes: &'a [u8]) -> Option<Entry<'a>> {
        let info = word(bytes, 1, self.big)?;
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        let size = match kind {
            INT | VAR | DECL_TAG => 4,
            ARRAY => 12,
            STRUCT | UNION | DATASEC | ENUM64 => 12 * count,
            ENUM | FUNC_PROTO => 8 * count,
            PTR | FWD | TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | FLOAT | TYPE_TAG => 0,
            _ => return None,
        };
        Some(Entry {
            name: word(bytes, 0, self.big)?,
            kind,
            flag: info >> 31 != 0,
            count,
            other: word(bytes, 2, self.big)?,
            rest: bytes.get(12..12 + size)?,
        })
    }

    fn functions(&self, found: &mut BTreeMap<String, Vec<CSignature>>) {
        for function in self.types.iter().filter(|entry| entry.kind == FUNC) {
            let prototype = self.get(function.other).filter(|entry| entry.kind == FUNC_PROTO);
            if let (Some(prototype), name @ 1..) = (prototype, function.name) {
                let name = self.text(name);
                let signature = self.signature(&name, prototype);
                found.entry(name).or_default().push(signature);
            }
        }
    }

    fn signature(&self, name: &str, prototype: &Entry) -> CSignature {
        let mut params = self.params(prototype);
        // `...` is a last parameter without name and type.
        let variadic = params.last() == Some(&(0, 0));
        if variadic {
            params.pop();
        }
        let value =
            |&(name, ty): &(u32, u32)| Value::new(&self.read_type(ty, DEPTH), &self.text(name));
        let params: Vec<Value> = params.iter().map(value).collect();
        let result = self.read_type(prototype.other, DEPTH);
        CSignature {
            declaration: declaration(&result, name, &params, variadic),
            declared: None,
            source: Source::Btf,
            result: Value::new(&result, ""),
            params,
            variadic,
            stated: None,
            flaw: None,
        }
    }

    /// The names and types of a prototype's parameters.
    fn params(&self, prototype: &Entry) -> Vec<(u32, u32)> {
        let param = |at| {
            Some((word(prototype.rest, at, self.big)?, word(prototype.rest, at + 1, self.big)?))
        };
        (0..prototype.count).map_while(|index| param(2 * index)).collect()
    }

    /// The type of this number; 0 is `void`.
    fn read_type(&self, number: u32, depth: usize) -> Type {
        if number == 0 {
            return Type::Void;
        }
        let (Some(entry), Some(depth)) = (self.get(number), depth.checked_sub(1)) else {
            return Type::Unknown;
        };
        let inner = || Box::new(self.read_type(entry.other, depth));
        let name = self.text(entry.name);
        let tagged = |word: &str| match &*name {
            "" => format!("{word} {{…}}"),
            name => format!("{word} {name}"),
        };
        match entry.kind {
            INT => self.integer(&name, entry),
            FLOAT => Type::float(&name, entry.other.into()),
            PTR => Type::Pointer(POINTER, inner()),
            TYPEDEF => Type::Named(name, inner()),
            CONST => Type::Qualified("const", inner()),
            VOLATILE => Type::Qualified("volatile", inner()),
            RESTRICT => Type::Qualified("restrict", inner()),
            TYPE_TAG => *inner(),
            ENUM | ENUM64 => Type::integer(&tagged("enum"), entry.other.into(), Sign::Either),
            STRUCT => Type::Plain(tagged("struct"), Class::Other),
            UNION => Type::Plain(tagged("union"), Class::Other),
            FWD => Type::Plain(tagged(if entry.flag { "union" } else { "struct" }), Class::Other),
            ARRAY => {
                let of = word(entry.rest, 0, self.big).unwrap_or(u32::MAX);
                Type::Array(Box::new(self.read_type(of, depth)))
            }
            FUNC_PROTO => {
                let params = self.params(entry);
                let params = params.iter().map(|&(_, ty)| self.read_type(ty, depth)).collect();
                Type::Function(inner(), params)
            }
            _ => Type::Unknown,
        }
    }

    fn integer(&self, name: &str, entry: &Entry) -> Type {
        let encoding = word(entry.rest, 0, self.big).unwrap_or(0) >> 24 & 0xf;
        match (name, encoding) {
            ("_Bool" | "bool", _) | (_, 4) => Type::Plain(name.to_owned(), Class::Bool),
            ("char", _) => Type::integer(name, 1, Sign::Either),
            (_, encoding) if encoding & 1 != 0 => {
                Type::integer(name, entry.other.into(), Sign::Signed)
            }
            _ => Type::integer(name, entry.other.into(), Sign::Unsigned),
        }
    }

    fn get(&self, number: u32) -> Option<&Entry<'a>> {
        self.types.get((number as usize).checked_sub(1)?)
    }

    fn text(&self, offset: u32) -> String {
        let rest = self.strings.get(offset as usize..).unwrap_or(&[]);
        let text = rest.split(|&byte| byte == 0).next().unwrap_or(&[]);
        String::from_utf8_lossy(text).into_owned()
    }
}

/// The word of this index.
fn word(bytes: &[u8], index: usize, big: bool) -> Option<u32> {
    let word = bytes.get(4 * index..4 * index + 4)?.try_into().ok()?;
    Some(if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
}
