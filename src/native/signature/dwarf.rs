//! Signatures from DWARF.

use super::types::{Class, Sign, Type, Value, declaration};
use super::{CSignature, Exported, Source};
use crate::native::debuginfo::{DebugInfo, Die};
use gimli::{self as dw, AttributeValue, DwAte};
use std::collections::{BTreeMap, HashMap};

/// How deep a type is followed: pointers to pointers to functions of pointers.
const DEPTH: usize = 12;

/// What the debug information tells about these functions, by name.
///
/// A function is found by its name, and where no entry has that name, by its address: an alias, or
/// a function that the linker has folded into another of the same code.
pub(super) fn read(info: &DebugInfo, wanted: &[Exported]) -> BTreeMap<String, CSignature> {
    let defined = |die: &Die| !flag(die, dw::DW_AT_declaration) && tells_types(die);
    let dies = info.all(&[dw::DW_TAG_subprogram]);
    let addresses: HashMap<&str, Option<u64>> =
        wanted.iter().map(|function| (&*function.name, function.address)).collect();
    let mut by_name: HashMap<&str, &Die> = HashMap::new();
    let mut by_address: HashMap<u64, &Die> = HashMap::new();
    for die in dies.iter().filter(|die| defined(die)) {
        let address = code_address(die);
        if let Some(address) = address {
            by_address.entry(address).or_insert(die);
        }
        let name = symbol(die).filter(|_| die.with(dw::DW_AT_external).is_some());
        if let Some((&name, wanted)) = name.and_then(|name| addresses.get_key_value(name)) {
            // Of two by one name, that with the code of the symbol is meant.
            if !by_name.contains_key(name) || (address.is_some() && address == *wanted) {
                by_name.insert(name, die);
            }
        }
    }
    let found = |function: &Exported| {
        let by_address = || by_address.get(&function.address?);
        let die = by_name.get(&*function.name).or_else(by_address)?;
        Some((function.name.clone(), signature(die, &function.name)))
    };
    wanted.iter().filter_map(found).collect()
}

/// The name in the symbol table. C++ has another there than in the source.
fn symbol<'a>(die: &Die<'_, 'a>) -> Option<&'a str> {
    match die.with(dw::DW_AT_linkage_name) {
        Some(named) => named.string(dw::DW_AT_linkage_name),
        None => die.name(),
    }
}

fn flag(die: &Die, name: dw::DwAt) -> bool {
    matches!(die.attr(name), Some(AttributeValue::Flag(true)))
}

/// `-g1` writes functions without types, which must not read as `void f(void)`.
fn tells_types(die: &Die) -> bool {
    let known = [dw::DW_AT_prototyped, dw::DW_AT_type];
    known.iter().any(|&attribute| die.with(attribute).is_some()) || !parameters(die).is_empty()
}

fn code_address(die: &Die) -> Option<u64> {
    let value = die.attr(dw::DW_AT_low_pc)?;
    die.info.dwarf.attr_address(die.unit, value).ok()?
}

/// The parameters, and the entry for `...`. The code of a function may be described without them,
/// or without those that it does not use; then its origin has them.
fn parameters<'i, 'a>(die: &Die<'i, 'a>) -> Vec<Die<'i, 'a>> {
    let of = |die: Die<'i, 'a>| -> Vec<Die<'i, 'a>> {
        let tags = [dw::DW_TAG_formal_parameter, dw::DW_TAG_unspecified_parameters];
        die.children().into_iter().filter(|child| tags.contains(&child.tag())).collect()
    };
    // The longest list, and of equals the first.
    let lists = die.line_of_origin().map(of);
    lists
        .reduce(|best, other| if other.len() > best.len() { other } else { best })
        .unwrap_or_default()
}

fn signature(die: &Die, name: &str) -> CSignature {
    let promoted = die.with(dw::DW_AT_prototyped).is_none() && is_c(&die.origin());
    let (params, rest): (Vec<_>, Vec<_>) =
        parameters(die).into_iter().partition(|p| p.tag() == dw::DW_TAG_formal_parameter);
    let value = |param: &Die| {
        let value = Value::new(&type_of(param, DEPTH), param.name().unwrap_or(""));
        if promoted { as_promoted(value) } else { value }
    };
    let params: Vec<Value> = params.iter().map(value).collect();
    let result = type_of(die, DEPTH);
    CSignature {
        declaration: declaration(&result, name, &params, !rest.is_empty()),
        declared: die.declared(),
        source: Source::Dwarf,
        result: Value::new(&result, ""),
        params,
        variadic: !rest.is_empty(),
        stated: None,
        flaw: None,
    }
}

fn is_c(die: &Die) -> bool {
    let root = die.info.die(die.unit, die.unit.header.root_offset());
    let language = root.and_then(|unit| unit.attr(dw::DW_AT_language));
    let c = [dw::DW_LANG_C, dw::DW_LANG_C89, dw::DW_LANG_C99, dw::DW_LANG_C11, dw::DW_LANG_C17];
    matches!(language, Some(AttributeValue::Language(language)) if c.contains(&language))
}

/// A definition in the style before 1989 takes small numbers as larger ones, whatever it says.
fn as_promoted(mut value: Value) -> Value {
    value.class = match value.class {
        Class::Float { .. } => Class::Float { size: 8 },
        Class::Integer { size: 1 | 2, .. } | Class::Bool => {
            Class::Integer { size: 4, sign: Sign::Either }
        }
        other => other,
    };
    value
}

/// The type of a function's result, a parameter, or what another type is made of.
fn type_of(die: &Die, depth: usize) -> Type {
    let Some(with) = die.with(dw::DW_AT_type) else { return Type::Void };
    match (with.reference(dw::DW_AT_type), depth.checked_sub(1)) {
        (Some(ty), Some(depth)) => read_type(&ty, depth),
        _ => Type::Unknown,
    }
}

fn read_type(die: &Die, depth: usize) -> Type {
    let inner = || Box::new(type_of(die, depth));
    let qualified = |word| Type::Qualified(word, inner());
    let name = || die.name().unwrap_or("?").to_owned();
    let tagged = |word: &str| match die.name() {
        Some(name) => format!("{word} {name}"),
        None => format!("{word} {{…}}"),
    };
    match die.tag() {
        dw::DW_TAG_base_type => base_type(die),
        dw::DW_TAG_typedef => Type::Named(name(), inner()),
        dw::DW_TAG_const_type => qualified("const"),
        dw::DW_TAG_volatile_type => qualified("volatile"),
        dw::DW_TAG_restrict_type => qualified("restrict"),
        dw::DW_TAG_atomic_type => qualified("_Atomic"),
        dw::DW_TAG_pointer_type | dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
            let size = die.size().unwrap_or(die.unit.encoding().address_size.into());
            Type::Pointer(size, inner())
        }
        dw::DW_TAG_enumeration_type => {
            Type::integer(&tagged("enum"), die.size().unwrap_or(4), Sign::Either)
        }
        dw::DW_TAG_structure_type => Type::Plain(tagged("struct"), Class::Other),
        dw::DW_TAG_union_type => Type::Plain(tagged("union"), Class::Other),
        dw::DW_TAG_class_type => Type::Plain(tagged("class"), Class::Other),
        // A vector is an array too, and is passed in registers of its own.
        dw::DW_TAG_array_type if die.attr(dw::DW_AT_GNU_vector).is_some() => {
            Type::Plain(format!("vector of {}", inner().spelled("")), Class::Other)
        }
        dw::DW_TAG_array_type => Type::Array(inner()),
        dw::DW_TAG_subroutine_type => {
            let params = parameters(die).iter().map(|param| type_of(param, depth)).collect();
            Type::Function(inner(), params)
        }
        dw::DW_TAG_ptr_to_member_type | dw::DW_TAG_unspecified_type => {
            Type::Plain(name(), Class::Other)
        }
        _ => Type::Unknown,
    }
}

fn base_type(die: &Die) -> Type {
    let (Some(name), Some(size)) = (die.name(), die.size()) else { return Type::Unknown };
    let Some(AttributeValue::Encoding(encoding)) = die.attr(dw::DW_AT_encoding) else {
        return Type::Unknown;
    };
    match encoding {
        dw::DW_ATE_boolean if size == 1 => Type::Plain(name.to_owned(), Class::Bool),
        dw::DW_ATE_float => Type::float(name, size),
        _ => match sign(encoding, name) {
            Some(sign) => Type::integer(name, size, sign),
            None => Type::Plain(name.to_owned(), Class::Other),
        },
    }
}

/// The sign of an integer type; `None` if it is none.
fn sign(encoding: DwAte, name: &str) -> Option<Sign> {
    Some(match encoding {
        dw::DW_ATE_signed_char | dw::DW_ATE_unsigned_char if name == "char" => Sign::Either,
        dw::DW_ATE_signed | dw::DW_ATE_signed_char => Sign::Signed,
        dw::DW_ATE_unsigned | dw::DW_ATE_unsigned_char | dw::DW_ATE_UTF => Sign::Unsigned,
        _ => return None,
    })
}
