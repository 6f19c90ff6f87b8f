//! Long texts: several threads share the work.
//!
//! One thread reads the text from its beginning, as it would alone. The others take pieces from its end
//! and assemble the functions there by themselves, as far as these consist of instructions and locals and
//! nothing is wrong with them: whatever else a text can say is for the first to read, which alone knows
//! what stands above. Where the pieces meet, it appends what the others have made. The module is the same,
//! byte for byte, however the text was divided.

use super::Options;
use super::assembler::Assembler;
use super::declare::Named;
use super::fixups::Fixup;
use super::reading::Input;
use crate::diagnostics::{Diagnostic, SourceId};
use crate::isa::Op;
use crate::module::{Function, FunctionNames, Lists, Module, Run};
use crate::syntax::{Directive, Lexer, Parser, Plain, RawLine, Statement, Texts};
use crate::threads::{self, share};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// From so many bytes on, the work on a text is shared.
const LONG: usize = 1 << 20;

/// How long the pieces are: the threads end together but for one of them, and what one cannot be used for
/// is little.
const PIECE: usize = 64 << 10;

/// How many bytes are split into lines at once to find the end of a function behind a piece.
const LITTLE: usize = 4 << 10;

/// How the work on a text is shared.
#[derive(Clone, Copy)]
pub(super) struct Division {
    /// Among how many threads; with one, it is not.
    pub(super) threads: usize,
    /// How many bytes a piece has.
    pub(super) piece: usize,
}

impl Division {
    const NONE: Division = Division { threads: 1, piece: usize::MAX };

    /// As it is fastest.
    pub(super) fn of(text: &str) -> Division {
        if text.len() < LONG {
            return Division::NONE;
        }
        Division { threads: threads::count(), piece: PIECE }
    }
}

/// Functions that stand one behind the other, assembled without a look at anything else.
struct Stretch {
    /// Where they stand in the text, from the beginning of a line to that of another.
    range: Range<usize>,
    /// How many lines that is.
    lines: u32,
    /// Their names.
    declared: Vec<Named>,
    /// Their code, and its types.
    module: Module,
    names: Vec<FunctionNames>,
    /// Where their instructions stand, in lines from the first of these.
    runs: Lists<Run>,
    fixups: Vec<Fixup>,
    warnings: Vec<Diagnostic>,
}

/// A text whose functions are assembled ahead.
#[derive(Clone, Copy)]
struct Ahead<'s> {
    source: SourceId,
    /// By its number in the source map.
    file: u32,
    text: &'s str,
    /// The position of its first byte.
    base: u32,
}

impl Ahead<'_> {
    /// Assembles the functions that begin in a piece of the text; `None` where nothing comes of it.
    fn assemble(self, piece: Range<usize>) -> Option<Stretch> {
        let start = first_function(self.text.as_bytes(), piece.clone())?;
        let (texts, options) = (Texts::only(self.text, self.base), Options::default());
        let mut made = Assembler::new(self.source, &[], &texts, &options, |_| Division::NONE);
        made.input = Input { file: self.file, base: self.base, ..Input::default() };
        let (end, lines) = made.read_functions(self.text, start..piece.end);
        let count = made.module.functions.len();
        if count == 0 || !made.diagnostics.is_empty() {
            return None;
        }
        // One more may have begun.
        let declared = made.unit.functions.values().map(|it| it.named);
        let mut declared: Vec<Named> = declared.filter(|it| (it.index as usize) < count).collect();
        declared.sort_unstable_by_key(|it| it.index);
        Some(Stretch {
            range: start..end,
            lines,
            declared,
            module: made.module,
            names: made.names.functions,
            runs: made.map.functions,
            fixups: made.fixups,
            warnings: made.warnings,
        })
    }
}

/// Where the first line in a piece of a text begins that begins a function.
fn first_function(text: &[u8], piece: Range<usize>) -> Option<usize> {
    const BEGIN: &[u8] = b"\n.func";
    // The newline may be the last byte of the piece before, and the rest the first of that behind.
    let from = piece.start.saturating_sub(1);
    let to = text.len().min(piece.end + BEGIN.len() - 2);
    let at = text[from..to].windows(BEGIN.len()).position(|bytes| bytes == BEGIN)?;
    Some(from + at + 1)
}

impl<'s> Assembler<'s> {
    /// Reads a text together with other threads.
    pub(super) fn read_divided(&mut self, text: &'s str, base: u32, division: Division) {
        let Division { threads, piece } = division;
        let range = |part: usize| part * piece..text.len().min((part + 1) * piece);
        let ahead = Ahead { source: self.source, file: self.input.file, text, base };
        let read_ahead = AtomicU64::new(0);
        let mut lexer = Lexer::new(text, base);
        let stretches = share(
            threads,
            text.len().div_ceil(piece),
            |part| {
                self.read_ahead = read_ahead.load(Ordering::Relaxed);
                self.read_lines(&mut lexer, range(part).end);
            },
            |part| {
                read_ahead.fetch_add(range(part).len() as u64, Ordering::Relaxed);
                ahead.assemble(range(part))
            },
        );
        self.read_ahead = 0;
        let functions = stretches.iter().flatten().map(|stretch| stretch.declared.len());
        self.unit.functions.reserve(functions.sum());
        for stretch in stretches.into_iter().flatten() {
            self.read_lines(&mut lexer, stretch.range.start);
            if lexer.at() == stretch.range.start && self.is_between_functions() {
                let lines_before = lexer.lines();
                lexer.skip(stretch.range.end, stretch.lines);
                self.append(stretch, lines_before);
            }
        }
        self.read_lines(&mut lexer, text.len());
    }

    /// Whether a function that stands here is what it would be by itself.
    fn is_between_functions(&self) -> bool {
        self.function.is_none()
            && self.recording.is_none()
            && !self.conditions.leaves_out()
            && self.loc.is_none()
            && self.input.call.is_none()
    }

    /// Reads functions, up to the first one that begins at the end of the range or behind it, or to what
    /// is no simple function. Tells where that is, and how many lines are read.
    fn read_functions(&mut self, text: &'s str, range: Range<usize>) -> (usize, u32) {
        let base = self.input.base;
        let mut lexer = Lexer::new(&text[range.start..], base + range.start as u32);
        let (mut end, mut behind) = (range.len(), (range.start, 0));
        loop {
            while let Some(chunk) = lexer.next_chunk(end) {
                let parser = Parser::new(self.texts);
                for raw in chunk.lines() {
                    if self.function.is_none() {
                        behind = ((raw.begins - base) as usize, raw.number - 1);
                        if behind.0 >= range.end {
                            return behind;
                        }
                    }
                    if !self.read_simple(&parser, raw) {
                        return behind;
                    }
                }
            }
            if self.function.is_none() {
                return (range.start + lexer.at(), lexer.lines());
            }
            if range.start + lexer.at() == text.len() {
                return behind;
            }
            end = lexer.at() + LITTLE;
        }
    }

    /// Reads a line, if it is one that a simple function has or begins with.
    fn read_simple<'c>(&mut self, parser: &Parser<'c, 's>, raw: RawLine<'c>) -> bool {
        let outside = self.function.is_none();
        let of_tokens = raw.plain_tokens(self.texts);
        if let Some(plain) = raw.plain.or(of_tokens.as_ref()) {
            let simple = outside == matches!(plain, Plain::Func { .. });
            if simple {
                self.plain_line(plain, &raw);
            }
            return simple;
        }
        let Ok(line) = parser.line(raw, self.source) else { return false };
        let simple = match &line.statement {
            Statement::Directive(directive) => match **directive {
                Directive::Func { .. } => outside && line.label.is_none(),
                Directive::End | Directive::Local(_) => !outside,
                _ => false,
            },
            // Others may be macros.
            Statement::Instr { mnemonic, .. } => {
                !outside && Op::from_mnemonic(self.texts.name(*mnemonic)).is_some()
            }
            Statement::Empty => !outside,
        };
        if simple {
            self.line(line, raw);
        }
        simple
    }

    /// Appends functions that stand behind so many lines.
    fn append(&mut self, stretch: Stretch, lines_before: u32) {
        let Stretch { declared, module, names, mut runs, fixups, warnings, .. } = stretch;
        let first = self.module.functions.len() as u32;
        let at = self.module.code.len() as u32;
        for Named { index, span } in declared {
            self.function_name(span, first + index);
        }
        let types: Vec<u32> = module.types.iter().map(|ty| self.intern_type(ty)).collect();
        self.module.functions.extend(module.functions.into_iter().map(|it| Function {
            ty: types[it.ty as usize],
            code: it.code.start + at..it.code.end + at,
            ..it
        }));
        self.module.code.extend(module.code);
        self.names.functions.extend(names);
        runs.items_mut().iter_mut().for_each(|run| run.first.line += lines_before);
        self.map.functions.append(runs);
        self.fixups.extend(fixups.into_iter().map(|it| Fixup {
            function: it.function + first,
            at: it.at + at,
            ..it
        }));
        self.warnings.extend(warnings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::{Assembled, assemble_divided};
    use crate::diagnostics::Sources;
    use proptest::prelude::*;

    /// Of such pieces texts are made: what can be assembled ahead, what only looks so, and what is wrong.
    const LINES: [&str; 25] = [
        ".func f%\n    .local x: i64\n    PUSH 7\n    STORE x\nagain:\n    LOAD x\n    JNZ again\n    RET\n.end\n",
        "\n; a comment\n.func f%(a: i64, _b: f64) -> i64\n    LOAD a\n    RET\n.end\n",
        ".func f%\n    .local _x: i64, y: f64\n    WRITE \"one\"\n    WRITE \"é%\"\n    RET\n.end\n",
        ".func f%\n    CALL a\n    LOAD g\n    CALL b\n    POP\n    RET\n.end\n",
        ".func f%\n    PUSH 0\n    SWITCH a, b, a\na:  NOP\nb:  PUSH c + 1\n    POP\n    PUSH 1.5\n    POP\n    RET\n.end\n",
        "  .func f%\n    RET\n  .end\n",
        ".func f%\n    m1\n    RET\n.end\n",
        ".func a\n    RET\n.end\n",
        ".func f%\n    JMP nowhere\n    RET\n.end\n",
        ".func f%\n    PUSH\n",
        ".end\n",
        "PUSH 1\nPOP\n",
        ".global g%: i64 = 5\n",
        ".const c% = 3\n",
        ".data d% \"text\"\n",
        ".macro m%\n.func f%\n    RET\n.end\n.endmacro\n",
        ".macro m%\n    PUSH 1\n    POP\n.endmacro\n",
        ".if 0\n",
        ".if 1\n",
        ".else\n",
        ".endif\n",
        ".source \"a.x\" 0\n.loc 7 1\n",
        ".include \"other\"\n",
        ".expansion \"m\"\n",
        ".func $\"f %\"\n    .local $\"x\": i64, $\"é\": i64\n$\"to do\":\n    LOAD $\"\\u{e9}\"\n    STORE x\n    LOAD $\"g\"\n    JNZ $\"to do\"\n    RET\n.end\n",
    ];

    /// What these name stands first.
    const HEAD: &str =
        ".global g: i64 = 5\n.const c = 3\n.func a\n    RET\n.end\n.func b\n    RET\n.end\n";

    fn assembled(text: &str, division: fn(&str) -> Division) -> Result<Assembled, Vec<Diagnostic>> {
        let mut sources = Sources::new();
        let main = sources.add_text("main", text);
        let unit = sources.add_text("unit", text.replace("HALT\n", ""));
        let include = |name: &str, _: &str| {
            let text = ".func included\n    NOP\n    RET\n.end\n".to_owned();
            Ok(crate::assemble::Included { name: name.to_owned(), text })
        };
        let options = Options { units: &[unit], includes: &include, ..Options::default() };
        assemble_divided(main, &mut sources, &options, division)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn texts_mean_the_same_however_they_are_divided(
            pieces in prop::collection::vec(
                prop_oneof![10 => 0..6_usize, 1 => 0..LINES.len()].prop_map(|at| LINES[at]),
                0..24,
            ),
        ) {
            let numbered = pieces.iter().enumerate();
            let text: String = numbered.map(|(i, it)| it.replace('%', &i.to_string())).collect();
            let text = format!("{HEAD}{text}HALT\n");
            let alone = assembled(&text, |_| Division::NONE);
            for division in [
                |_: &str| Division { threads: 2, piece: 50 },
                |_: &str| Division { threads: 4, piece: 7 },
                |_: &str| Division { threads: 3, piece: 300 },
            ] {
                let divided = assembled(&text, division);
                prop_assert_eq!(format!("{alone:?}"), format!("{divided:?}"));
            }
        }
    }

    #[test]
    fn simple_functions_are_assembled_ahead() {
        let function = LINES[0].replace('%', "x");
        let text = format!("HALT\n{function}\n\n{function}");
        let ahead = Ahead { source: Sources::new().next_id(), file: 0, text: &text, base: 9 };
        let mut second = ahead.assemble(6..text.len()).expect("a function begins there");
        assert_eq!((second.range.start, second.lines), (5 + function.len() + 2, 9));
        assert_eq!(second.range.end, text.len());
        assert_eq!((second.declared.len(), second.names.len()), (1, 1));
        assert_eq!(second.runs.items_mut()[0].first.line, 3);
        let first = ahead.assemble(0..6).expect("a function begins there");
        assert_eq!(first.range, 5..second.range.start);
        assert!(ahead.assemble(text.len() - 20..text.len()).is_none());
    }
}
