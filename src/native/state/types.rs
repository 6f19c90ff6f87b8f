//! Types by their structure.
// gimli spells the constants as the DWARF standard does.
#![allow(non_upper_case_globals)]

use super::super::debuginfo::Die;
use gimli::{
    AttributeValue, DW_AT_bit_offset, DW_AT_bit_size, DW_AT_const_value, DW_AT_count,
    DW_AT_data_bit_offset, DW_AT_data_member_location, DW_AT_encoding, DW_AT_external,
    DW_AT_upper_bound, DW_ATE_UTF, DW_ATE_address, DW_ATE_boolean, DW_ATE_float, DW_ATE_signed,
    DW_ATE_signed_char, DW_ATE_unsigned, DW_ATE_unsigned_char, DW_TAG_array_type, DW_TAG_base_type,
    DW_TAG_class_type, DW_TAG_enumeration_type, DW_TAG_enumerator, DW_TAG_inheritance,
    DW_TAG_member, DW_TAG_pointer_type, DW_TAG_ptr_to_member_type, DW_TAG_reference_type,
    DW_TAG_rvalue_reference_type, DW_TAG_structure_type, DW_TAG_subrange_type,
    DW_TAG_subroutine_type, DW_TAG_union_type, DW_TAG_unspecified_type, DW_TAG_variant_part, DwTag,
};
use std::collections::HashMap;
use std::sync::Arc;

/// How deep types nest at most; damaged information may nest them without end.
const DEEPEST: usize = 64;

/// How many types a type is made of at most, each counted as often as it occurs.
const HEAVIEST: u32 = 1 << 16;

const POINTERS: [DwTag; 6] = [
    DW_TAG_pointer_type,
    DW_TAG_reference_type,
    DW_TAG_rvalue_reference_type,
    DW_TAG_ptr_to_member_type,
    DW_TAG_subroutine_type,
    DW_TAG_unspecified_type,
];

/// A type. Two are equal if values of one are values of the other, whatever they are called.
#[derive(Debug, Eq)]
pub(super) struct Type {
    /// For people.
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub shape: Shape,
    weight: u32,
}

impl PartialEq for Type {
    fn eq(&self, other: &Type) -> bool {
        self.size == other.size && self.shape == other.shape
    }
}

/// What a type is made of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// At most eight bytes that are one value.
    Scalar(Scalar),
    /// Bytes that are only ever copied: a `long double`, a complex number. Equal under equal names.
    Opaque(String),
    Array(Arc<Type>, u64),
    Struct(Vec<Field>),
    Union(Vec<Field>),
    Pointer,
    /// A type without a fixed size, or one that the debug information does not explain.
    Unknown,
}

/// The kinds of single values.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Integer {
        signed: bool,
    },
    Boolean,
    Float,
    Enumeration {
        signed: bool,
        names: Vec<(String, i128)>,
    },
    /// One byte of something that is only ever copied.
    Byte,
}

/// A member of a structure or union.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    /// Where it begins, and its size, in bits.
    pub start: u64,
    pub bits: u64,
    pub ty: Arc<Type>,
}

impl Type {
    fn new(name: String, size: u64, shape: Shape) -> Arc<Type> {
        let fields = |fields: &[Field]| {
            fields.iter().fold(1, |sum: u32, field| sum.saturating_add(field.ty.weight))
        };
        let weight = match &shape {
            Shape::Array(element, _) => element.weight.saturating_add(1),
            Shape::Struct(members) | Shape::Union(members) => fields(members),
            _ => 1,
        };
        match weight {
            0..HEAVIEST => Arc::new(Type { name, size, shape, weight }),
            _ => Arc::new(Type { name, size, shape: Shape::Unknown, weight: 1 }),
        }
    }

    /// One byte of anything.
    pub fn byte() -> Arc<Type> {
        Type::new("byte".to_owned(), 1, Shape::Scalar(Scalar::Byte))
    }

    /// The type inside of it, or itself, that is of a kind, and the path there, such as `.next`.
    pub fn find(&self, wanted: &Shape) -> Option<String> {
        if self.shape == *wanted {
            return Some(String::new());
        }
        match &self.shape {
            Shape::Array(element, _) => Some(format!("[]{}", element.find(wanted)?)),
            Shape::Struct(fields) | Shape::Union(fields) => fields
                .iter()
                .find_map(|field| Some(format!(".{}{}", field.name, field.ty.find(wanted)?))),
            _ => None,
        }
    }

    /// Whether it is a value, or an array of values, and not put together from fields.
    pub fn is_plain(&self) -> bool {
        match &self.shape {
            Shape::Array(element, _) => element.is_plain(),
            Shape::Scalar(_) | Shape::Opaque(_) => true,
            _ => false,
        }
    }
}

/// Reads types, each once.
#[derive(Debug, Default)]
pub(super) struct Types {
    known: HashMap<usize, Arc<Type>>,
}

impl Types {
    /// The type of a variable; `None` if it has none.
    pub fn of(&mut self, variable: &Die) -> Option<Arc<Type>> {
        Some(self.read(&variable.type_itself()?, DEEPEST))
    }

    fn read(&mut self, die: &Die, depth: usize) -> Arc<Type> {
        let unknown = || Type::new(name(die), die.size().unwrap_or(0), Shape::Unknown);
        let (Some(offset), Some(depth)) = (die.offset(), depth.checked_sub(1)) else {
            return unknown();
        };
        if let Some(known) = self.known.get(&offset) {
            return known.clone();
        }
        // Whatever contains itself finds this.
        self.known.insert(offset, unknown());
        let found = match die.tag() {
            DW_TAG_base_type => base(die),
            DW_TAG_enumeration_type => enumeration(die),
            DW_TAG_array_type => self.array(die, depth),
            DW_TAG_structure_type | DW_TAG_class_type => {
                self.fields(die, depth).map(|f| Type::new(name(die), size(die), Shape::Struct(f)))
            }
            DW_TAG_union_type => {
                self.fields(die, depth).map(|f| Type::new(name(die), size(die), Shape::Union(f)))
            }
            tag if POINTERS.contains(&tag) => {
                let size = die.size().unwrap_or(die.unit.encoding().address_size.into());
                Some(Type::new("pointer".to_owned(), size, Shape::Pointer))
            }
            _ => None,
        };
        let found = found.unwrap_or_else(unknown);
        self.known.insert(offset, found.clone());
        found
    }

    /// Arrays of arrays are one entry, with the outermost dimension first.
    fn array(&mut self, die: &Die, depth: usize) -> Option<Arc<Type>> {
        let element = self.read(&die.type_itself()?, depth);
        let base = element.name.clone();
        let mut ty = element;
        let mut dimensions = String::new();
        let ranges = die.children().into_iter().filter(|c| c.tag() == DW_TAG_subrange_type);
        for range in ranges.collect::<Vec<_>>().iter().rev() {
            let count = match range.number(DW_AT_count) {
                Some(count) => count,
                None => range.number(DW_AT_upper_bound)?.checked_add(1)?,
            };
            // What ends in an array of no fixed length is larger than its type.
            if count == 0 {
                return None;
            }
            dimensions = format!("[{count}]{dimensions}");
            let size = ty.size.checked_mul(count)?;
            ty = Type::new(format!("{base}{dimensions}"), size, Shape::Array(ty, count));
        }
        Some(ty)
    }

    fn fields(&mut self, die: &Die, depth: usize) -> Option<Vec<Field>> {
        // A declaration without a definition has no size.
        let whole = die.size()?.checked_mul(8)?;
        let mut fields = Vec::new();
        for child in &die.children() {
            match child.tag() {
                DW_TAG_member if child.entry.has_attr(DW_AT_external) => continue,
                DW_TAG_member | DW_TAG_inheritance => {}
                // Which fields there are depends on another one, as in Rust's enums.
                DW_TAG_variant_part => return None,
                _ => continue,
            }
            let ty = self.read(&child.type_itself()?, depth);
            let whole_bits = ty.size.checked_mul(8)?;
            let bits = child.number(DW_AT_bit_size).unwrap_or(whole_bits);
            let is_value = matches!(ty.shape, Shape::Scalar(_));
            if bits != whole_bits && !(is_value && (1..whole_bits).contains(&bits)) {
                return None;
            }
            let start = start(child, ty.size, bits)?;
            let is_misplaced = !is_value && !start.is_multiple_of(8);
            if is_misplaced
                || start.checked_add(bits)? > whole
                || ty.size == 0 && ty.shape == Shape::Unknown
            {
                return None;
            }
            match (&ty.shape, child.name()) {
                // The fields of a nameless structure are used like those of the outer one.
                (Shape::Struct(inner), None) if child.tag() == DW_TAG_member => {
                    fields.extend(inner.iter().map(|f| Field {
                        name: f.name.clone(),
                        start: start + f.start,
                        bits: f.bits,
                        ty: f.ty.clone(),
                    }));
                }
                (_, given) => {
                    let given = given.map(str::to_owned);
                    let name = given.unwrap_or_else(|| match child.tag() {
                        DW_TAG_inheritance => ty.name.clone(),
                        // Their order is all that tells nameless unions apart.
                        _ => format!("({} {})", ty.name, fields.len()),
                    });
                    fields.push(Field { name, start, bits, ty });
                }
            }
        }
        Some(fields)
    }
}

/// The bit that a field begins with. A base class that is found at run time has none.
fn start(field: &Die, size: u64, bits: u64) -> Option<u64> {
    if let Some(start) = field.number(DW_AT_data_bit_offset) {
        return Some(start);
    }
    let start = match field.attr(DW_AT_data_member_location) {
        None => 0,
        Some(location) => location.udata_value()?.checked_mul(8)?,
    };
    match field.number(DW_AT_bit_offset) {
        // Before DWARF 5, bits were counted from the upper end of the field's storage.
        Some(from_above) => {
            let storage = field.size().unwrap_or(size).checked_mul(8)?;
            start.checked_add(storage)?.checked_sub(from_above.checked_add(bits)?)
        }
        None => Some(start),
    }
}

fn base(die: &Die) -> Option<Arc<Type>> {
    let (name, size) = (name(die), die.size()?);
    let AttributeValue::Encoding(encoding) = die.attr(DW_AT_encoding)? else { return None };
    let shape = match (encoding, size) {
        (DW_ATE_signed | DW_ATE_signed_char, 1..=8) => integer(true),
        (DW_ATE_unsigned | DW_ATE_unsigned_char | DW_ATE_UTF, 1..=8) => integer(false),
        (DW_ATE_boolean, 1..=8) => Shape::Scalar(Scalar::Boolean),
        (DW_ATE_float, 4 | 8) => Shape::Scalar(Scalar::Float),
        (DW_ATE_address, _) => Shape::Pointer,
        (_, 1..=64) => Shape::Opaque(name.clone()),
        _ => return None,
    };
    Some(Type::new(name, size, shape))
}

fn integer(signed: bool) -> Shape {
    Shape::Scalar(Scalar::Integer { signed })
}

fn enumeration(die: &Die) -> Option<Arc<Type>> {
    let size = die.size().filter(|size| (1..=8).contains(size))?;
    let children = die.children();
    let enumerators = children.iter().filter(|child| child.tag() == DW_TAG_enumerator);
    let names: Vec<_> = enumerators
        .filter_map(|e| {
            let value = e.attr(DW_AT_const_value)?;
            let value = match value {
                AttributeValue::Sdata(signed) => signed.into(),
                unsigned => unsigned.udata_value()?.into(),
            };
            Some((e.name()?.to_owned(), value))
        })
        .collect();
    // Compilers differ in whether they state it, and C in what it lets them choose.
    let signed = names.iter().any(|(_, value)| *value < 0);
    Some(Type::new(name(die), size, Shape::Scalar(Scalar::Enumeration { signed, names })))
}

fn size(die: &Die) -> u64 {
    die.size().unwrap_or(0)
}

fn name(die: &Die) -> String {
    let kind = match die.tag() {
        DW_TAG_structure_type => "struct",
        DW_TAG_class_type => "class",
        DW_TAG_union_type => "union",
        DW_TAG_enumeration_type => "enum",
        _ => "",
    };
    match die.name() {
        Some(name) if kind.is_empty() => name.to_owned(),
        Some(name) => format!("{kind} {name}"),
        None => kind.to_owned(),
    }
}
