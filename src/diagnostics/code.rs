//! The table of error codes.
//!
//! A code is stable: once released, its number keeps its meaning. The hundreds tell the room that
//! finds the problem: 01 text, 02 names and operands, 03 bytecode files, 04 verification, 05 traps,
//! 06 libraries, 07 files and usage, 08 warnings.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $code:ident $variant:ident $title:literal;)*) => {
        /// Which kind of problem a diagnostic reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])* $variant),* }

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

            /// What it means and what to do, in full.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => concat!($($doc, "\n"),*)),* }
            }
        }
    };
}

codes! {
    /// A character that begins no token of the language. Outside of texts and comments a program is
    /// made of names, numbers, `.directives`, and the signs `: , ( ) = - > + * / % & | ^ ~ ! < >`.
    E0101 UnexpectedCharacter "unexpected character";
    /// A text or character literal that is not closed on its own line. Close it with the quote it
    /// began with; write a newline inside a text as `\n`.
    E0102 UnterminatedText "unterminated text";
    /// An escape that does not exist. These do: `\n \r \t \0 \\ \" \'`, `\xNN` for a byte, and
    /// `\u{…}` for a Unicode character.
    E0103 BadEscape "bad escape";
    /// An integer that is malformed or does not fit 64 bits. Decimal integers range from
    /// -9223372036854775808 to 9223372036854775807; `0x`, `0b` and `0o` may use all 64 bits. `_` may
    /// stand between digits.
    E0104 BadInteger "bad integer";
    /// A float that is malformed or too large, or a `nan:0x…` whose payload is 0 or over 52 bits.
    /// Floats have a point or an exponent: `1.0`, `2.5e-3`, `inf`, `nan`, `nan:0x8000000000001`.
    E0105 BadFloat "bad float";
    /// The statement does not have the form that its first word asks for. One statement stands on
    /// one line; the message says what was expected and what was found.
    E0106 Syntax "syntax error";
    /// No instruction has this name. Mnemonics may be written in any case; `docs/isa.md` lists them.
    E0107 UnknownMnemonic "unknown instruction";
    /// No directive has this name. They are `.lib .func .end .local .global .data .zero .align .const
    /// .memory .entry .public .extern .include .macro .endmacro .if .elif .else .endif`, and in what `hotvm dis`
    /// writes, `.source .loc .expansion .endexpansion`.
    E0108 UnknownDirective "unknown directive";
    /// Program text must be UTF-8 and under 4 GiB.
    E0109 NotText "not program text";
    /// The input has no instruction at all, so there is nothing to run. The shortest program is
    /// `HALT`.
    E0110 EmptyProgram "empty program";
    /// An expression or list is nested or long beyond what the assembler takes.
    E0111 TooComplex "too complex";
    /// A file that an `.include` names cannot be read, or includes itself. A name is looked for in the
    /// folder of the file that includes it, then in each `-I DIR`, then in the `include-dirs` of
    /// `hotvm.toml`.
    E0112 BadInclude "cannot include";

    /// The instruction takes another kind of operand, none at all, or one more. `docs/isa.md` gives
    /// the form of each.
    E0201 WrongOperand "wrong operand";
    /// Two things of one kind have the same name. Labels are local to their function, parameters and
    /// locals to theirs, and each expansion of a macro has its own; functions, globals, data, constants,
    /// macros and native functions are known in the whole program. Constants and data share their names,
    /// also with the floats `inf` and `nan`, and macros theirs with the instructions.
    E0202 DuplicateName "duplicate name";
    /// A jump to a label that its function does not have. Labels are local to a function.
    E0203 UnknownLabel "unknown label";
    /// A name that nothing declares.
    E0204 UnknownName "unknown name";
    /// A `.func` without its `.end`, a `.macro` without its `.endmacro`, or an `.if` without its
    /// `.endif`. The last two end in the text, or in the macro, where they began.
    E0205 MissingEnd "missing end";
    /// A directive that cannot stand here: a `.func` inside a function, an `.end` outside of one, a
    /// second `.memory` or `.entry`, a `.macro` inside a macro, an `.else` or `.endif` without an `.if`.
    E0206 MisplacedDirective "misplaced directive";
    /// A constant expression without a value: a division by zero, a constant defined by itself, a
    /// float where an integer must be, or a result over 64 bits.
    E0207 BadConstant "bad constant expression";
    /// A `.lib` that cannot be: a slot number over 65535, or a result type that C cannot give back
    /// into VM memory.
    E0208 BadLib "bad .lib";
    /// A value that does not fit where it goes: an element of `.data`, a size of memory.
    E0209 DoesNotFit "value does not fit";
    /// The function named by `.entry` must exist, and take and give nothing. Main and `.entry` also
    /// exclude each other, and only one file of a program has either.
    E0210 BadEntry "bad entry";
    /// Not a type. Values are `i64` or `f64`; native signatures know `i8 i16 i32 i64 u8 u16 u32 u64
    /// bool f32 f64 cstr bytes ptr` and, for no result, `void`.
    E0211 UnknownType "unknown type";
    /// More of something than a module can hold.
    E0212 TooMany "too many";
    /// A macro is called with another number of arguments than it has parameters. Commas outside of
    /// parentheses set arguments apart.
    E0213 BadMacroCall "wrong number of macro arguments";
    /// Macros that call each other more than 64 deep, or that expand to more than 64 MiB of text. A
    /// recursion ends only by an `.if` in the macro.
    E0214 EndlessMacro "macro without end";
    /// Two files of a program make the same name `.public`. All other names are a file's own, and may
    /// be those of other files as well.
    E0215 DuplicatePublic "public in two files";
    /// An `.extern` says that another file of the program has a name, and none makes it `.public`.
    /// All files of a program are assembled together: `hotvm asm main.vasm other.vasm -o game.vbc`.
    E0216 NotPublic "not public anywhere";
    /// The types that an `.extern` states are not those of the function or global that the other file
    /// makes public.
    E0217 ExternMismatch "extern of another type";

    /// The file is neither program text nor hotvm bytecode.
    E0301 NotBytecode "not bytecode";
    /// The bytecode file ends before it is complete. It was probably cut off while it was copied or
    /// written; assemble it again.
    E0302 TruncatedBytecode "truncated bytecode";
    /// The checksum at the end of the file does not match its contents: the file was damaged after it
    /// was written. Assemble it again.
    E0303 DamagedBytecode "damaged bytecode";
    /// The file is of a format version that this hotvm does not know.
    E0304 UnknownVersion "unknown bytecode version";
    /// The file is bytecode, but a part of it does not make sense. It was written by a program with a
    /// fault, or by hand.
    E0305 MalformedBytecode "malformed bytecode";

    /// An instruction takes more values than the stack holds there.
    E0401 StackUnderflow "stack underflow";
    /// An instruction needs a value of one type and finds the other, or two values of one type and
    /// finds one of each. `ITOF` and `FTOI` convert.
    E0402 TypeMismatch "type mismatch";
    /// Two ways lead to one instruction, and leave different numbers or types of values on the
    /// stack. A loop must leave the stack as it found it.
    E0403 PathsDisagree "paths disagree";
    /// A jump to an instruction that its function does not have.
    E0404 JumpOutside "jump out of the function";
    /// A way through the function runs past its last instruction. Main ends with `HALT`, a function
    /// with `RET`.
    E0405 MissingReturn "path without an end";
    /// An instruction names a local, global, function, slot or text that does not exist.
    E0406 BadIndex "index out of range";
    /// A function or module beyond what an engine takes: a stack deeper than 65535 values, more than
    /// 65535 locals, memory larger than its maximum.
    E0407 LimitExceeded "limit exceeded";

    /// An integer was divided by zero, or its remainder was taken.
    E0501 DivisionByZero "division by zero";
    /// An integer result that does not fit 64 bits: the smallest integer divided by -1, or a float too
    /// large for `FTOI` or `FTOU`, of which `FTOIS` and `FTOUS` give the nearest limit instead.
    E0502 IntegerOverflow "integer overflow";
    /// NaN has no integer. `FTOIS` and `FTOUS` give 0 instead.
    E0503 InvalidConversion "invalid conversion to integer";
    /// The bytes that an instruction or a native argument names are not all inside memory. `.memory`
    /// sets its size, `MEMGROW` grows it.
    E0504 OutOfBounds "address out of bounds";
    /// Calls are nested too deep, most often because a recursion does not end. All calls together may
    /// use 1,048,576 cells: one for each local and operand, and 4 more for each call.
    E0505 CallStackExhausted "call stack exhausted";
    /// An argument that does not fit the C type of its parameter, or a host pointer that no native
    /// function of this program returned. hotvm never wraps a value silently.
    E0506 BadArgument "argument does not fit";
    /// A call through a slot whose library is not loaded. A slot that its `.lib` calls `lazy` is bound
    /// by `LOAD_LIB`, which pushes 0 when it cannot.
    E0507 SlotUnbound "slot not bound";
    /// The program reached a `TRAP` instruction.
    E0508 Trap "trap";
    /// `EXIT` takes a status of 0 to 255.
    E0509 BadExitStatus "bad exit status";
    /// `PUTC` takes the number of a Unicode character.
    E0510 NotACharacter "not a character";
    /// Standard input or output failed.
    E0511 InputOutput "input or output failed";
    /// A native function crashed, and the guard (`--guard on`) caught it. The message tells signal,
    /// address and place. The process lives on, but what the function was changing may be half
    /// changed: mend it and reload. When the crash was inside the C library, which may then hold a
    /// lock for good, or the C library found the heap damaged, the process has to end.
    E0512 NativeFault "native code crashed";
    /// A native function did not return within `--native-timeout` and was interrupted. What it was
    /// changing may be half changed.
    E0513 NativeTimeout "native call did not return";
    /// The program was to execute more instructions than `--fuel` allows. Fuel is counted by straight
    /// stretches of instructions, and a stretch that it is not enough for is not begun; so the count
    /// is the same in every engine.
    E0514 OutOfFuel "out of fuel";
    /// The program ran for longer than `--time-limit` allows.
    E0515 OutOfTime "out of time";
    /// Ctrl-C, or whoever embeds hotvm, ended the program. The place is where it was just then.
    E0516 Interrupted "interrupted";

    /// No file of that name where libraries are searched. A name with a `/` or a known ending is a
    /// path beside the program; a bare name such as `math_ops` becomes `libmath_ops.so` (or the like)
    /// and is searched beside the program, in each `--lib-dir`, in the `lib-dirs` of `hotvm.toml`, in
    /// `HOTVM_LIB_PATH`, and, with `--allow-system-libs`, by the system.
    E0601 LibraryNotFound "library not found";
    /// The file is not a shared library of this system, or has more than 4 GiB.
    E0602 NotALibrary "not a shared library";
    /// The file is a shared library that is incomplete or inconsistent, probably because something
    /// is still writing it. It was not handed to the system's loader, which could crash on it.
    E0603 IncompleteLibrary "incomplete library";
    /// The system's loader refused the library. Its own words say why; often another library that it
    /// needs is missing.
    E0604 LoadFailed "library could not be loaded";
    /// The library does not export the symbol. In C, a function is exported unless it is `static`; in
    /// C++ it needs `extern "C"`.
    E0605 MissingSymbol "missing symbol";
    /// The library exports the symbol, but as data.
    E0606 NotAFunction "not a function";
    /// A program may load libraries from its own folder, from each `--lib-dir`, and from the
    /// `lib-dirs` of the `hotvm.toml` in its folder or above; the system's own with
    /// `--allow-system-libs`, single files with `--allow-lib PATH`. Bytecode may come from strangers,
    /// libraries may not.
    E0607 NotAllowed "library not allowed";
    /// The `.lib` asks for another version than the library reports by `HOTVM_VERSION` or
    /// `get_version`. `--version-mismatch warn` makes this a warning.
    E0608 VersionMismatch "library version mismatch";
    /// The file kept changing while it was read. Something is writing it; try again when it is done.
    E0609 StillChanging "file still changing";
    /// A `hotvm.toml` that is not TOML, or has a key that hotvm does not know.
    E0610 BadConfig "bad hotvm.toml";
    /// There is no C compiler to build a source library with. Install one, name one with `CC` or with
    /// `cc` in `hotvm.toml`, or bind a library that is built already.
    E0611 NoCompiler "no compiler";
    /// The compiler refused the source. Its own words follow.
    E0612 BuildFailed "build failed";
    /// The library is made for another processor or system.
    E0613 WrongMachine "library for another machine";
    /// The call needs something that hotvm cannot do on this platform.
    E0614 Unsupported "not supported here";
    /// The compiler built the source, and has doubts about it. Its own words follow.
    E0615 BuildWarning "build warning";
    /// The signature of a `.lib` contradicts the library, which tells the types of its functions by a
    /// manifest, BTF or DWARF. Called like that, C would read arguments from the wrong place or in the
    /// wrong size, so nothing is called. Take the signature that the message proposes; `hotvm bind`
    /// prints those of a whole library.
    E0616 SignatureMismatch "signature contradicts the library";
    /// The function takes or returns something that no slot can pass: a structure by value, a variable
    /// number of arguments, a `long double`, a complex number or a vector. Write a C function around it
    /// that takes and returns numbers and pointers.
    E0617 NotCallable "function that no slot can call";
    /// A `HOTVM_FUNCTION` of the library states a signature that is none, or that contradicts the C
    /// function as the debug information describes it.
    E0618 BadManifest "wrong manifest";
    /// A library crashed with this very content, and was rolled back to the generation before. The
    /// same content is not tried again in the same process; change it, or start anew.
    E0619 KnownBad "content that has crashed";
    /// The new version of a library has a `hotvm_upgrade`, which makes its state from that of the old
    /// version, and it returned something other than 0; or it has no `HOTVM_STATE` to keep a state in.
    /// The old version stays in use, with its state unchanged.
    E0620 UpgradeRefused "state refused";
    /// A function of a library that hotvm calls by itself, before the program calls any, crashed or did
    /// not return: an initialiser (`__attribute__((constructor))`, a global object of C++),
    /// `get_version` or `hotvm_upgrade`. The library is not taken; where an older generation is in use,
    /// it stays. The guard must be on for that: `--watch`, `--reload-on-enter` or `--guard on`.
    E0621 CrashedEarly "crashed before its first call";
    /// A library needs another one (as `readelf -d` shows), which lies in a folder that it names (its
    /// `RUNPATH`, such as `$ORIGIN`) and has changed since it was loaded. The system's loader loads a
    /// name once in a process, so the new version of the library goes on with the old one of the other.
    /// Start anew to use it. To have it reloaded, link it into the library, from its sources or as a
    /// static library.
    E0622 OutdatedNeed "needed library has changed";

    /// A file could not be read.
    E0701 CannotRead "cannot read";
    /// A file could not be written. What was there before is unchanged.
    E0702 CannotWrite "cannot write";
    /// A folder was given where a file is needed.
    E0703 IsAFolder "is a folder";
    /// Bytecode is not written to a terminal. Name a file with `-o`, or redirect the output.
    E0704 BinaryToTerminal "binary to a terminal";
    /// An expectation in a test file that cannot be read. They are `;! stdout: …`, `;! stderr: …`,
    /// `;! exit: N`, `;! error: CODE at LINE:COLUMN`, `;! args: …`, `;! stdin: …`, `;! with: FILES` and
    /// `;! flags: …`, each on a line of its own.
    E0705 BadExpectation "bad expectation";
    /// A file is named more than once as one of the files of a program. Each is a unit of its own, so
    /// everything in it would be there twice.
    E0706 GivenTwice "file given twice";

    /// No way leads to this instruction. Often a label or a condition above it is wrong.
    W0801 UnreachableCode "unreachable code";
    /// Nothing jumps to the label. A name that begins with `_` is not looked at.
    W0802 UnusedLabel "unused label";
    /// No instruction names the local. A name that begins with `_` is not looked at.
    W0803 UnusedLocal "unused local";
    /// The program ends here, and values lie on the stack that nothing has used.
    W0804 ValueLeft "value left on the stack";
    /// A jump on a condition that is a constant: it is always taken, or never.
    W0805 ConstantCondition "constant condition";
    /// No instruction names the slot that a `.lib` binds.
    W0806 UnusedSlot "slot never called";
    /// Nothing in its file names the constant. Neither a name that begins with `_` is looked at, nor one
    /// that is `.public`, nor what an included file defines.
    W0807 UnusedConstant "unused constant";
    /// Nothing in its file calls the function, nor is it the `.entry`. Neither a name that begins with `_`
    /// is looked at, nor one that is `.public`, nor what an included file defines.
    W0808 UnusedFunction "unused function";
    /// Nothing in its file names the piece of data. Neither a name that begins with `_` is looked at, nor
    /// one that is `.public`, nor what an included file defines, nor what is put `at` an address.
    W0809 UnusedData "unused data";
    /// No instruction of its file names the global. Neither a name that begins with `_` is looked at, nor
    /// one that is `.public`, nor what an included file defines.
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

    /// The text of `docs/errors.md`.
    pub fn markdown() -> String {
        let mut out = String::from(
            "<!-- Generated from src/diagnostics/code.rs. To refresh: BLESS=1 cargo test --test generated -->\n\n\
             # Error codes\n\n\
             `hotvm explain CODE` shows the same. A code keeps its meaning for ever.\n",
        );
        for &code in Code::ALL {
            let words: Vec<_> = code.explanation().split_whitespace().collect();
            out += &format!("\n## {code}: {}\n\n{}\n", code.title(), words.join(" "));
            if let Some(name) = code.warning_name() {
                out += &format!("\nIts name is `{name}`.\n");
            }
        }
        out
    }

    /// The code with this name, in any case.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|c| c.name().eq_ignore_ascii_case(name))
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
            assert!(code.explanation().len() > 20 && !code.title().is_empty(), "{code}");
        }
        assert_eq!(Code::from_name("E9999"), None);
    }
}
