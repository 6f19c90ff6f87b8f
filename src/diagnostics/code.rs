//! The table of error codes.
//!
//! A code is stable: once released, its number keeps its meaning. The hundreds tell the room that
//! finds the problem: 01 text, 02 names and operands, 03 bytecode files, 04 verification, 05 traps,
//! 06 libraries, 07 files and usage, 08 warnings. What each means stands in `explanations`.

use std::fmt;

macro_rules! codes {
    ($($code:ident $variant:ident $title:literal;)*) => {
        /// Which kind of problem a diagnostic reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = concat!("`", stringify!($code), "`: ", $title)] $variant),* }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// Its name, such as `E0107`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => stringify!($code)),* }
            }

            /// The name of a warning in `-W`, `-A` and `-D`, such as `unused-label`.
            pub fn warning_name(self) -> Option<String> {
                let variant = match self { $(Code::$variant => stringify!($variant)),* };
                self.name().starts_with('W').then(|| kebab(variant))
            }

            /// The problem in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }

            /// What it means and what to do, in Markdown.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => {
                        include_str!(concat!("explanations/", stringify!($code), ".md"))
                    }),*
                }
            }
        }
    };
}

codes! {
    E0101 UnexpectedCharacter "unexpected character";
    E0102 UnterminatedText "unterminated text";
    E0103 BadEscape "bad escape";
    E0104 BadInteger "bad integer";
    E0105 BadFloat "bad float";
    E0106 Syntax "syntax error";
    E0107 UnknownMnemonic "unknown instruction";
    E0108 UnknownDirective "unknown directive";
    E0109 NotText "not program text";
    E0110 EmptyProgram "empty program";
    E0111 TooComplex "too complex";
    E0112 BadInclude "cannot include";

    E0201 WrongOperand "wrong operand";
    E0202 DuplicateName "duplicate name";
    E0203 UnknownLabel "unknown label";
    E0204 UnknownName "unknown name";
    E0205 MissingEnd "missing end";
    E0206 MisplacedDirective "misplaced directive";
    E0207 BadConstant "bad constant expression";
    E0208 BadLib "bad .lib";
    E0209 DoesNotFit "value does not fit";
    E0210 BadEntry "bad entry";
    E0211 UnknownType "unknown type";
    E0212 TooMany "too many";
    E0213 BadMacroCall "wrong number of macro arguments";
    E0214 EndlessMacro "macro expands without end";
    E0215 DuplicatePublic "public in two files";
    E0216 NotPublic "not public anywhere";
    E0217 ExternMismatch "extern of another type";

    E0301 NotBytecode "not bytecode";
    E0302 TruncatedBytecode "truncated bytecode";
    E0303 DamagedBytecode "damaged bytecode";
    E0304 UnknownVersion "unknown bytecode version";
    E0305 MalformedBytecode "malformed bytecode";

    E0401 StackUnderflow "stack underflow";
    E0402 TypeMismatch "type mismatch";
    E0403 PathsDisagree "paths disagree";
    E0404 JumpOutside "jump out of the function";
    E0405 MissingReturn "path without an end";
    E0406 BadIndex "index out of range";
    E0407 LimitExceeded "limit exceeded";

    E0501 DivisionByZero "division by zero";
    E0502 IntegerOverflow "integer overflow";
    E0503 InvalidConversion "invalid conversion to integer";
    E0504 OutOfBounds "address out of bounds";
    E0505 CallStackExhausted "call stack exhausted";
    E0506 BadArgument "argument does not fit";
    E0507 SlotUnbound "slot not bound";
    E0508 Trap "trap";
    E0509 BadExitStatus "bad exit status";
    E0510 NotACharacter "not a character";
    E0511 InputOutput "input or output failed";
    E0512 NativeFault "native code crashed";
    E0513 NativeTimeout "native call did not return";
    E0514 OutOfFuel "out of fuel";
    E0515 OutOfTime "out of time";
    E0516 Interrupted "interrupted";

    E0601 LibraryNotFound "library not found";
    E0602 NotALibrary "not a shared library";
    E0603 IncompleteLibrary "incomplete library";
    E0604 LoadFailed "library could not be loaded";
    E0605 MissingSymbol "missing symbol";
    E0606 NotAFunction "not a function";
    E0607 NotAllowed "library not allowed";
    E0608 VersionMismatch "library version mismatch";
    E0609 StillChanging "file still changing";
    E0610 BadConfig "bad hotvm.toml";
    E0611 NoCompiler "no compiler";
    E0612 BuildFailed "build failed";
    E0613 WrongMachine "library for another machine";
    E0614 Unsupported "not supported here";
    E0615 BuildWarning "build warning";
    E0616 SignatureMismatch "signature contradicts the library";
    E0617 NotCallable "function that no slot can call";
    E0618 BadManifest "wrong manifest";
    E0619 KnownBad "content that has crashed";
    E0620 UpgradeRefused "state refused";
    E0621 CrashedEarly "crashed before its first call";
    E0622 OutdatedNeed "needed library has changed";

    E0701 CannotRead "cannot read";
    E0702 CannotWrite "cannot write";
    E0703 IsAFolder "is a folder";
    E0704 BinaryToTerminal "binary to a terminal";
    E0705 BadExpectation "bad expectation";
    E0706 GivenTwice "file given twice";

    W0801 UnreachableCode "unreachable code";
    W0802 UnusedLabel "unused label";
    W0803 UnusedLocal "unused local";
    W0804 ValueLeft "value left on the stack";
    W0805 ConstantCondition "constant condition";
    W0806 UnusedSlot "slot never called";
    W0807 UnusedConstant "unused constant";
    W0808 UnusedFunction "unused function";
    W0809 UnusedData "unused data";
    W0810 UnusedGlobal "unused global";
}

/// `UnusedLabel` as `unused-label`.
fn kebab(variant: &str) -> String {
    let mut out = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

impl Code {
    /// The warnings that can be allowed and denied by name, with their names.
    pub fn warnings() -> impl Iterator<Item = (Code, String)> {
        Code::ALL.iter().filter_map(|&code| Some((code, code.warning_name()?)))
    }

    /// The code with this name, in any case; a warning's also by the name that flags know.
    pub fn from_name(name: &str) -> Option<Code> {
        let is_it = |code: &Code| {
            code.name().eq_ignore_ascii_case(name) || code.warning_name().as_deref() == Some(name)
        };
        Code::ALL.iter().copied().find(is_it)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_in_order_and_explained() {
        assert!(Code::ALL.windows(2).all(|w| w[0].name() < w[1].name()));
        for &code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(code));
            assert!(code.explanation().len() > 100 && !code.title().is_empty(), "{code}");
        }
        assert_eq!(Code::from_name("w0802"), Some(Code::UnusedLabel));
        assert_eq!(Code::from_name("unused-label"), Some(Code::UnusedLabel));
        assert_eq!(Code::from_name("E9999"), None);
    }
}
