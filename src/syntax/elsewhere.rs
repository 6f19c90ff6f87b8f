//! What instructions and directives of other assemblers are called here.

use crate::diagnostics::Help;
use crate::isa::{self, Counterpart};

/// The names that a directive has elsewhere, without their point, and what to write here: the form, or the
/// directive alone where the rest of the line stays.
const DIRECTIVES: &[(&[&str], &str)] = &[
    (&["ifdef"], ".if defined(NAME)"),
    (&["ifndef"], ".if !defined(NAME)"),
    (&["elseif", "elsif"], ".elif"),
    (&["fi"], ".endif"),
    (&["define", "equ", "equiv", "set"], ".const NAME = value"),
    (&["ascii", "asciz", "asciiz", "string"], ".data name \"text\""),
    (&["byte", "db", "defb"], ".data name u8 1, 2, 3"),
    (&["short", "half", "hword", "dw", "defw"], ".data name i16 1, 2, 3"),
    (&["int", "long", "word", "dd"], ".data name i32 1, 2, 3"),
    (&["quad", "dword", "dq"], ".data name i64 1, 2, 3"),
    (&["float", "single"], ".data name f32 1.0, 2.0"),
    (&["double"], ".data name f64 1.0, 2.0"),
    (&["space", "skip", "bss", "comm", "resb", "res"], ".zero name 4096"),
    (&["balign", "p2align"], ".align 16"),
    (&["org"], ".data name \"text\" at ADDRESS"),
    (&["var", "variable"], ".global name: i64, or in a function .local name: i64"),
    (&["export", "globl", "pub"], ".public"),
    (&["import", "external"], ".extern"),
    (&["start", "main"], ".entry"),
    (&["proc", "procedure", "fn", "function", "fun", "sub", "method"], ".func"),
    (&["endfunc", "endfunction", "endf", "endp", "endproc", "ret"], ".end"),
    (&["endm", "macend", "mend"], ".endmacro"),
];

/// What to write here for an instruction that has this name elsewhere.
pub fn instruction_elsewhere(name: &str) -> Option<Help> {
    isa::known_elsewhere(name).map(|counterpart| match counterpart {
        Counterpart::Same(op) => Help::did_you_mean(op.mnemonic()),
        Counterpart::Words(words) => words.into(),
    })
}

/// What to write here for a directive that has this name elsewhere, without its point.
pub fn directive_elsewhere(name: &str) -> Option<Help> {
    let named = |known: &&str| known.eq_ignore_ascii_case(name);
    let (_, form) = DIRECTIVES.iter().find(|(names, _)| names.iter().any(named))?;
    Some(match form.contains(' ') {
        true => format!("here that is written {form}").into(),
        false => Help::replace_by(form, format!("here that is `{form}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Kind;
    use std::collections::HashSet;

    #[test]
    fn no_directive_of_elsewhere_is_one_of_ours_or_stands_twice() {
        let mut seen = HashSet::new();
        for name in DIRECTIVES.iter().flat_map(|(names, _)| *names) {
            assert!(
                !Kind::DIRECTIVES.contains(&&*format!(".{name}")) && seen.insert(name),
                "{name}"
            );
        }
        for (_, form) in DIRECTIVES {
            assert!(Kind::DIRECTIVES.contains(&form.split(' ').next().unwrap()), "{form}");
        }
    }
}
