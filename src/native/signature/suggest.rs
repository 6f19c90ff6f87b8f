//! The signature that a program should declare for a C function.

use super::CSignature;
use super::types::{Class, Pointee, Sign, Value};
use crate::isa::{CType, Signature};

impl CSignature {
    /// The signature for programs. Where C types alone do not tell, it is the likely one: a pointer to
    /// bytes and a `size_t` are `bytes`, a pointer to characters is a `cstr`.
    ///
    /// # Errors
    /// Why no slot can call the function.
    pub fn suggested(&self) -> Result<Signature, String> {
        if let Some(flaw) = &self.flaw {
            return Err(flaw.clone());
        }
        if let Some(why) = self.uncallable() {
            return Err(why);
        }
        if let Some(stated) = &self.stated {
            return Ok(stated.clone());
        }
        let mut params = Vec::new();
        let mut rest = &*self.params;
        while let [first, others @ ..] = rest {
            let (param, used) = match is_bytes(rest) {
                true => (CType::Bytes, 2),
                false => (param(first)?, 1),
            };
            params.push(param);
            rest = &others[used - 1..];
        }
        Ok(Signature { params, result: result(&self.result)? })
    }

    /// Why no slot can call the function, if that is so.
    pub(super) fn uncallable(&self) -> Option<String> {
        if self.variadic {
            return Some("it takes a variable number of arguments".to_owned());
        }
        if self.params.len() > Signature::MAX_PARAMS {
            let most = Signature::MAX_PARAMS;
            return Some(format!(
                "it takes {} arguments, and {most} is the most",
                self.params.len()
            ));
        }
        let param = self.params.iter().position(|param| param.class == Class::Other);
        let param = param.map(|index| {
            format!("argument {} is `{}`, passed by value", index + 1, self.params[index].spelling)
        });
        let result = || format!("it returns `{}` by value", self.result.spelling);
        param.or_else(|| (self.result.class == Class::Other).then(result))
    }
}

/// Whether the arguments begin with an address and a size in bytes. Two sizes in a row rather are
/// a count and a size, as of `qsort`.
fn is_bytes(rest: &[Value]) -> bool {
    let to_bytes = |to| matches!(to, Pointee::Void | Pointee::Byte | Pointee::Char { .. });
    let is_size = |value: &Value| {
        let name = value.spelling.trim_start_matches("const ");
        name.split(' ').next().is_some_and(|name| matches!(name, "size_t" | "usize"))
    };
    match rest {
        [address, size, others @ ..] => {
            matches!(address.class, Class::Pointer { to, .. } if to_bytes(to))
                && is_size(size)
                && !others.first().is_some_and(is_size)
        }
        _ => false,
    }
}

fn param(value: &Value) -> Result<CType, String> {
    match value.class {
        Class::Pointer { to: Pointee::Char { .. }, .. } => Ok(CType::Cstr),
        _ => result(value),
    }
}

fn result(value: &Value) -> Result<CType, String> {
    Ok(match value.class {
        Class::Void => CType::Void,
        Class::Bool => CType::Bool,
        Class::Float { size: 4 } => CType::F32,
        Class::Float { .. } => CType::F64,
        Class::Pointer { .. } => CType::Ptr,
        Class::Integer { size, sign: Sign::Unsigned } => match size {
            1 => CType::U8,
            2 => CType::U16,
            4 => CType::U32,
            _ => CType::U64,
        },
        Class::Integer { size, .. } => match size {
            1 => CType::I8,
            2 => CType::I16,
            4 => CType::I32,
            _ => CType::I64,
        },
        Class::Unknown | Class::Other => {
            return Err(format!("`{}` is a type that is not known", value.spelling));
        }
    })
}
