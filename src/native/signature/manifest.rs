//! Signatures from the records that `HOTVM_FUNCTION` of hotvm.h leaves in the section `.hotvm`.
//!
//! A record is seven texts, each closed by a zero byte: the mark, the function's name, its signature
//! for programs, its result and parameters in C, and the file and line of the macro. Compilers put
//! zero bytes between records as they please.

use super::types::{Class, Pointee, Sign, Value};
use super::{CSignature, Source};
use crate::isa::{CType, Signature};
use crate::native::debuginfo::Declared;
use std::collections::BTreeMap;

/// What a record begins with. A later hotvm that needs other records will choose another mark.
const MARK: &str = "hotvm function 1";

/// All functions of a `.hotvm` section, by name.
pub(super) fn read(section: &[u8]) -> BTreeMap<String, CSignature> {
    let texts = section.split(|&byte| byte == 0).filter(|text| !text.is_empty());
    let texts: Vec<&str> = texts.map(|text| std::str::from_utf8(text).unwrap_or("?")).collect();
    let marks = texts.iter().enumerate().filter(|(_, text)| **text == MARK);
    marks.filter_map(|(at, _)| record(texts.get(at + 1..at + 7)?)).collect()
}

fn record(texts: &[&str]) -> Option<(String, CSignature)> {
    let &[name, stated, result, params, file, line] = texts else { return None };
    let signature = CSignature {
        declaration: declaration(result, name, params),
        declared: line.parse().ok().map(|line| Declared { file: file.into(), line }),
        source: Source::Manifest,
        result: Value { spelling: result.to_owned(), class: Class::Unknown },
        params: Vec::new(),
        variadic: false,
        stated: None,
        flaw: None,
    };
    let signature = match parse(stated) {
        Ok(stated) => CSignature {
            result: Value { class: class(stated.result), ..signature.result },
            params: stated.params.iter().flat_map(|&param| values(param)).collect(),
            stated: Some(stated),
            ..signature
        },
        Err(why) => {
            CSignature { flaw: Some(format!("{stated:?} is no signature: {why}")), ..signature }
        }
    };
    Some((name.to_owned(), signature))
}

fn declaration(result: &str, name: &str, params: &str) -> String {
    let gap = if result.ends_with('*') { "" } else { " " };
    format!("{result}{gap}{name}{params}")
}

/// What is passed for a parameter.
fn values(param: CType) -> Vec<Value> {
    let value = |spelling: &str, class| Value { spelling: spelling.to_owned(), class };
    match param {
        CType::Bytes => {
            let size = Class::Integer { size: 8, sign: Sign::Unsigned };
            vec![
                value("void *", Class::Pointer { size: 8, to: Pointee::Void }),
                value("size_t", size),
            ]
        }
        _ => vec![value(param.c_name(), class(param))],
    }
}

fn class(ty: CType) -> Class {
    let integer = |size, sign| Class::Integer { size, sign };
    let pointer = |to| Class::Pointer { size: 8, to };
    match ty {
        CType::Void => Class::Void,
        CType::Bool => Class::Bool,
        CType::I8 => integer(1, Sign::Signed),
        CType::I16 => integer(2, Sign::Signed),
        CType::I32 => integer(4, Sign::Signed),
        CType::I64 => integer(8, Sign::Signed),
        CType::U8 => integer(1, Sign::Unsigned),
        CType::U16 => integer(2, Sign::Unsigned),
        CType::U32 => integer(4, Sign::Unsigned),
        CType::U64 => integer(8, Sign::Unsigned),
        CType::F32 => Class::Float { size: 4 },
        CType::F64 => Class::Float { size: 8 },
        CType::Cstr => pointer(Pointee::Char { constant: true }),
        CType::Bytes => pointer(Pointee::Void),
        CType::Ptr => pointer(Pointee::Opaque),
    }
}

/// Reads `(cstr, u8) -> i64`, or says what is wrong with it.
fn parse(text: &str) -> Result<Signature, String> {
    let rest = text.trim().strip_prefix('(').ok_or("it begins with no `(`")?;
    let (params, rest) = rest.split_once(')').ok_or("it has no `)`")?;
    let params = params.trim();
    let names = params.split(',').filter(|_| !params.is_empty());
    let params = names.map(|name| ty(name, CType::is_param)).collect::<Result<_, _>>()?;
    let result = match rest.trim() {
        "" => CType::Void,
        rest => ty(rest.strip_prefix("->").ok_or("behind `)` stands no `->`")?, CType::is_result)?,
    };
    Ok(Signature { params, result })
}

fn ty(name: &str, allowed: fn(CType) -> bool) -> Result<CType, String> {
    let name = name.trim();
    let ty = CType::from_name(name).ok_or_else(|| format!("there is no type `{name}`"))?;
    if allowed(ty) { Ok(ty) } else { Err(format!("`{name}` cannot stand there")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_read_as_programs_write_them() {
        for good in ["()", "(i32)", "(cstr, u8) -> i64", "(bytes, ptr) -> bool"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        assert_eq!(parse(" ( ) -> void ").unwrap(), parse("()").unwrap());
        for (bad, why) in [
            ("i32", "no `(`"),
            ("(i32", "no `)`"),
            ("(int)", "no type `int`"),
            ("(i32,)", "no type ``"),
            ("(void)", "cannot stand"),
            ("() -> bytes", "cannot stand"),
            ("() i32", "no `->`"),
        ] {
            assert!(parse(bad).unwrap_err().contains(why), "{bad}");
        }
    }

    #[test]
    fn records_are_found_between_any_zeros() {
        let record = b"hotvm function 1\0f\0(i32) -> ptr\0void *\0(int)\0a.c\x0012\0";
        let section =
            [&[0; 5], &record[..], &[0; 9], b"hotvm function 9\0g\0", &record[..20]].concat();
        let found = read(&section);
        assert_eq!(found.len(), 1);
        assert_eq!(found["f"].declaration, "void *f(int)");
        assert_eq!(found["f"].declared, Some(Declared { file: "a.c".into(), line: 12 }));
    }
}
