//! The names of types: of values, of elements of data, and of C.

use super::assembler::Assembler;
use crate::diagnostics::{Code, Diagnostic, Help, Span};
use crate::isa::{CType, Signature, ValueType};

impl Assembler<'_> {
    pub(super) fn value_type(&mut self, span: Span) -> Option<ValueType> {
        let ty = ValueType::from_name(self.texts.name(span));
        if ty.is_none() {
            self.unknown_type(span, "a value", &ValueType::ALL.map(ValueType::name));
        }
        ty
    }

    pub(super) fn element_type(&mut self, span: Span) -> Option<CType> {
        let ty = CType::from_name(self.texts.name(span)).filter(|ty| is_element(*ty));
        if ty.is_none() {
            self.unknown_type(span, "an element", &names(is_element));
        }
        ty
    }

    /// The signature of a `.lib`; `None` when it has none, or a wrong one.
    pub(super) fn signature(
        &mut self,
        parts: Option<(Vec<Span>, Option<Span>)>,
    ) -> Option<Signature> {
        let (params, result) = parts?;
        let params: Vec<_> =
            params.iter().map(|&p| self.c_type(p, "a parameter", CType::is_param)).collect();
        let result =
            result.map_or(Some(CType::Void), |r| self.c_type(r, "a result", CType::is_result));
        let params: Option<Vec<CType>> = params.into_iter().collect();
        Some(Signature { params: params?, result: result? })
    }

    fn c_type(&mut self, span: Span, what: &str, allowed: fn(CType) -> bool) -> Option<CType> {
        match CType::from_name(self.texts.name(span)) {
            Some(ty) if allowed(ty) => Some(ty),
            Some(CType::Void) => {
                let diagnostic = Diagnostic::error(Code::BadLib, "a parameter cannot be `void`")
                    .help("a function without parameters is written `()`");
                self.push(diagnostic, span, "not a parameter type");
                None
            }
            Some(ty) => {
                let diagnostic =
                    Diagnostic::error(Code::BadLib, format!("a result cannot be `{ty}`")).help(
                        "let the function return a `ptr`, or write into `bytes` that it is given",
                    );
                self.push(diagnostic, span, "memory of the VM is no C result");
                None
            }
            None => {
                self.unknown_type(span, what, &names(allowed));
                None
            }
        }
    }

    /// Reports a type that is none of the known ones, which are those that such a thing can have.
    fn unknown_type(&mut self, span: Span, what: &str, known: &[&str]) {
        let name = self.texts.name(span);
        let all = format!("{what} is one of {}", known.join(", "));
        // What C calls so, or the value that takes it up.
        let of_c = |name: &str| {
            let ty = c_type_named(name)?;
            let mut names =
                std::iter::once(ty.name()).chain(ty.cells().iter().map(|cell| cell.name()));
            names.find(|name| known.contains(name))
        };
        let near = of_c(name).or_else(|| self.closest(name, known.iter().copied()));
        let near =
            near.or_else(|| of_c(self.closest(name, ["float", "double", "int", "long", "char"])?));
        let help = match near {
            Some(near) => Help::replace_by(near, format!("did you mean `{near}`? ({all})")),
            None => all.into(),
        };
        let (message, label) = match CType::from_name(name) {
            Some(_) => (format!("{what} cannot be `{name}`"), "not this type"),
            None => (format!("unknown type `{name}`"), "no type has this name"),
        };
        self.push(Diagnostic::error(Code::UnknownType, message).help(help), span, label);
    }
}

/// The names of the types that something can have.
fn names(allowed: fn(CType) -> bool) -> Vec<&'static str> {
    CType::ALL.iter().filter(|ty| allowed(**ty)).map(|ty| ty.name()).collect()
}

/// Whether the elements of `.data` can have a type.
pub(super) fn is_element(ty: CType) -> bool {
    ty.is_result() && !matches!(ty, CType::Void | CType::Ptr)
}

/// The type with this name, here or in C.
fn c_type_named(name: &str) -> Option<CType> {
    let in_c = || CType::ALL.iter().copied().find(|ty| ty.c_name() == name);
    CType::from_name(name).or_else(in_c).or(match name {
        "char" => Some(CType::I8),
        "short" => Some(CType::I16),
        "int" => Some(CType::I32),
        "long" => Some(CType::I64),
        "unsigned" => Some(CType::U32),
        "size_t" => Some(CType::U64),
        _ => None,
    })
}
