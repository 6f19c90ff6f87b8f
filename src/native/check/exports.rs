//! What a library offers.

use crate::diagnostics::{Code, Diagnostic, closest};
use std::collections::BTreeMap;

/// What an exported symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::native) enum Kind {
    /// Code.
    Function,
    /// A variable of so many bytes.
    Data { size: u64 },
}

/// The symbols that a library exports.
#[derive(Debug, Default)]
pub(in crate::native) struct Exports(BTreeMap<Box<str>, Kind>);

/// How many names a message lists at most.
const LISTED: usize = 8;

impl Exports {
    pub(super) fn add(&mut self, name: &str, kind: Kind) {
        self.0.insert(name.into(), kind);
    }

    /// What the symbol is, if it is exported.
    pub fn kind(&self, symbol: &str) -> Option<Kind> {
        self.0.get(symbol).copied()
    }

    /// Checks that `library` exports `symbol` as a function.
    pub fn require_function(&self, library: &str, symbol: &str) -> Result<(), Diagnostic> {
        match self.kind(symbol) {
            Some(Kind::Function) => Ok(()),
            Some(Kind::Data { size }) => Err(Diagnostic::error(
                Code::NotAFunction,
                format!("`{symbol}` in `{library}` is not a function"),
            )
            .note(format!("it is a variable of {size} bytes"))),
            None => Err(self.missing(library, symbol)),
        }
    }

    fn missing(&self, library: &str, symbol: &str) -> Diagnostic {
        let functions = || self.0.iter().filter(|e| *e.1 == Kind::Function).map(|e| &**e.0);
        let error = missing_symbol(library, symbol);
        // C++ writes the length before a name: add(int, int) is _Z3addii.
        let mangled = format!("_Z{}{symbol}", symbol.len());
        if functions().any(|name| name.starts_with(&mangled)) {
            return error
                .note("it exports a C++ function of that name, whose symbol also tells its types")
                .help(format!("declare it with `extern \"C\"`: `extern \"C\" … {symbol}(…)`"));
        }
        let listed: Vec<_> =
            functions().filter(|name| !name.starts_with('_')).take(LISTED).collect();
        let near = closest(symbol, functions()).map(|name| format!("did you mean `{name}`?"));
        let error = error.maybe_help(near);
        let error = match error.help {
            Some(_) => error,
            None => error.help("in C, functions that are not `static` are exported"),
        };
        match listed.len() {
            0 => error.note("it exports no functions"),
            LISTED => error.note(format!("it exports, among others, {}", listed.join(", "))),
            _ => error.note(format!("it exports {}", listed.join(", "))),
        }
    }
}

/// The error of a symbol that is not there, where nothing more is known.
pub(in crate::native) fn missing_symbol(library: &str, symbol: &str) -> Diagnostic {
    Diagnostic::error(Code::MissingSymbol, format!("`{library}` does not export `{symbol}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(names: &[&str]) -> Exports {
        let mut exports = Exports::default();
        names.iter().for_each(|name| exports.add(name, Kind::Function));
        exports.add("table", Kind::Data { size: 16 });
        exports
    }

    #[test]
    fn a_missing_symbol_is_told_with_its_likely_meaning() {
        let exports = exports(&["math_add", "math_mul", "_Z3addii"]);
        assert!(exports.require_function("l", "math_add").is_ok());
        let error = exports.require_function("l", "math_ad").unwrap_err();
        assert_eq!(error.code, Code::MissingSymbol);
        assert_eq!(error.help.as_deref(), Some("did you mean `math_add`?"));
        assert_eq!(error.notes, ["it exports math_add, math_mul"]);
        let error = exports.require_function("l", "add").unwrap_err();
        assert!(error.help.unwrap().contains("extern \"C\""));
        let error = exports.require_function("l", "table").unwrap_err();
        assert_eq!(error.code, Code::NotAFunction);
        let none = self::exports(&[]).require_function("l", "f").unwrap_err();
        assert_eq!(none.notes, ["it exports no functions"]);
    }
}
