//! The rules: which `.lib` signature fits which C function.
//!
//! What protects the program decides. A value that C would read from another register, in another
//! size or with another sign is a contradiction. Types that differ in name alone are not: `long` and
//! `long long` of one size, `int` and an enumeration, any pointer and `ptr`. A result that the
//! program has no use for may be left out.

use super::types::{Class, Pointee, Sign};
use super::{CSignature, Signatures};
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::{CType, Import, Signature};
use crate::native::debuginfo::Declared;

impl Signatures {
    /// Checks that an import's signature is that of the function, as far as it is known.
    pub fn check(&self, import: &Import) -> Result<(), Diagnostic> {
        let Some(c) = self.get(&import.symbol) else { return Ok(()) };
        let diagnostic = if let Some(flaw) = &c.flaw {
            bad_manifest(import, c, flaw)
        } else if let Some(why) = c.uncallable() {
            not_callable(import, c, &why)
        } else {
            let differences = differences(&import.signature, "the `.lib`", c);
            if differences.is_empty() {
                return Ok(());
            }
            mismatch(import, c, differences)
        };
        let place = c.declared.as_ref().map(|declared| format!("{} declares it", shown(declared)));
        Err(place.into_iter().fold(diagnostic, Diagnostic::note))
    }
}

/// The first difference of the signature in a manifest and a function, if there is one.
pub(super) fn contradiction(declared: &Signature, c: &CSignature) -> Option<String> {
    c.uncallable().or_else(|| differences(declared, "the manifest", c).into_iter().next())
}

/// A cell on its way to C.
#[derive(Clone, Copy)]
enum Passed {
    Value(CType),
    /// The two that `bytes` become.
    Address,
    Length,
}

fn differences(declared: &Signature, declares: &str, c: &CSignature) -> Vec<String> {
    let passed: Vec<_> = declared.params.iter().flat_map(|&param| passed(param)).collect();
    let mut found = Vec::new();
    if passed.len() != c.params.len() {
        let (takes, passes) = (arguments(c.params.len()), passed.len());
        let for_two = match declared.params.contains(&CType::Bytes) {
            true => ", `bytes` being two",
            false => "",
        };
        found.push(format!("it takes {takes}, and {declares} passes {passes}{for_two}"));
    }
    let pairs = passed.iter().zip(&c.params).enumerate();
    for (index, (passed, param)) in pairs.filter(|(_, (passed, p))| !passed.fits(p.class)) {
        let (what, number) = (passed.described(), index + 1);
        found.push(format!(
            "argument {number} is `{}`, and {declares} passes {what}",
            param.spelling
        ));
    }
    let fits = match (declared.result, c.result.class) {
        (CType::Void, _) => true,
        (result, class) => Passed::Value(result).fits(class),
    };
    if !fits {
        let result = declared.result;
        found.push(format!("it returns `{}`, and {declares} says `{result}`", c.result.spelling));
    }
    found
}

fn passed(param: CType) -> Vec<Passed> {
    match param {
        CType::Bytes => vec![Passed::Address, Passed::Length],
        param => vec![Passed::Value(param)],
    }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    }
}

impl Passed {
    fn described(self) -> String {
        match self {
            Passed::Value(ty) => format!("`{ty}`"),
            Passed::Address => "the address of `bytes`".to_owned(),
            Passed::Length => "the length of `bytes`".to_owned(),
        }
    }

    /// Whether C receives this as what it is.
    fn fits(self, class: Class) -> bool {
        match (self, class) {
            (_, Class::Unknown) => true,
            (Passed::Value(CType::Bool), Class::Bool) => true,
            (Passed::Value(CType::F32), Class::Float { size }) => size == 4,
            (Passed::Value(CType::F64), Class::Float { size }) => size == 8,
            (Passed::Value(CType::Ptr), Class::Pointer { .. }) => true,
            (Passed::Value(CType::Cstr), Class::Pointer { to, .. }) => {
                matches!(to, Pointee::Char { .. } | Pointee::Byte | Pointee::Void)
            }
            (Passed::Value(ty), Class::Integer { size, sign }) => {
                integer(ty).is_some_and(|(s, signed)| s == size && sign.allows(signed))
            }
            // C programmers write lengths with and without a sign, and none is that great.
            (Passed::Length, Class::Integer { size, .. }) => size == 8,
            (Passed::Address, Class::Pointer { to, .. }) => {
                !matches!(to, Pointee::Code | Pointee::Opaque)
            }
            _ => false,
        }
    }
}

/// The size of an integer type and whether it is signed.
fn integer(ty: CType) -> Option<(u64, bool)> {
    Some(match ty {
        CType::I8 => (1, true),
        CType::I16 => (2, true),
        CType::I32 => (4, true),
        CType::I64 => (8, true),
        CType::U8 => (1, false),
        CType::U16 => (2, false),
        CType::U32 => (4, false),
        CType::U64 => (8, false),
        _ => return None,
    })
}

impl Sign {
    fn allows(self, signed: bool) -> bool {
        match self {
            Sign::Signed => signed,
            Sign::Unsigned => !signed,
            Sign::Either => true,
        }
    }
}

fn mismatch(import: &Import, c: &CSignature, differences: Vec<String>) -> Diagnostic {
    let Import { library, symbol, signature, .. } = import;
    let (declared, found) = (signature.c_declaration(symbol), &c.declaration);
    let message = format!("`{symbol}` in `{library}` is not what its `.lib` says");
    let error = Diagnostic::error(Code::SignatureMismatch, message)
        .note(format!("the `.lib` says   {declared}"))
        .note(format!("the library has  {found}   (by its {})", c.source));
    let error = differences.into_iter().fold(error, Diagnostic::note);
    error.maybe_help(c.suggested().ok().map(|signature| match signature.result {
        // Without a result the line would read as if nothing changed but the parameters.
        CType::Void => format!("write `{symbol} {signature}`, without a result"),
        _ => format!("write `{symbol} {signature}`"),
    }))
}

fn not_callable(import: &Import, c: &CSignature, why: &str) -> Diagnostic {
    let Import { library, symbol, .. } = import;
    let message = format!("`{symbol}` in `{library}` cannot be called from a slot: {why}");
    Diagnostic::error(Code::NotCallable, message)
        .note(format!("the library has  {}   (by its {})", c.declaration, c.source))
        .help("write a C function around it that takes and returns numbers and pointers")
}

fn bad_manifest(import: &Import, c: &CSignature, flaw: &str) -> Diagnostic {
    let Import { library, symbol, .. } = import;
    let message = format!("the manifest of `{library}` is wrong about `{symbol}`");
    Diagnostic::error(Code::BadManifest, message)
        .note(format!("its `HOTVM_FUNCTION` is about  {}", c.declaration))
        .note(flaw.to_owned())
        .help("correct the signature in `HOTVM_FUNCTION`, and build the library again")
}

/// A place as messages and editors write it; from the current folder where it lies below.
pub(in crate::native) fn shown(declared: &Declared) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let file = declared.file.strip_prefix(here).unwrap_or(&declared.file);
    format!("{}:{}", file.display(), declared.line)
}
