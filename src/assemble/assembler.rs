//! The state of an assembly, and its way through the lines.

use super::advice::MAX_SUGGESTIONS;
use super::body::{Body, Item};
use super::conditions::Conditions;
use super::declare::{DataDecl, Declared, LibDecl};
use super::division::Division;
use super::fixups::Fixup;
use super::link::Public;
use super::macros::{MAX_EXPANSION, Macro};
use super::reading::Input;
use super::units::Unit;
use super::whole::WholeLib;
use super::{Assembled, COMMAND_LINE, Files, Options};
use crate::diagnostics::{Code, Diagnostic, Source, SourceId, Span};
use crate::isa::{FuncType, Op};
use crate::module::{Expanded, FunctionNames, Location, Module, Names, SourceMap};
use crate::syntax::{
    self, Directive, Line, Operands, Origin, Plain, RawLine, RealText, SizeExpr, Statement, TextId,
    Texts, literal,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::rc::Rc;

/// Names of one kind, with what they stand for.
pub(super) type Table<'s, T> = FxHashMap<&'s str, T>;

/// A name that is known in one scope only: that of an expansion, or the function's own, 0.
pub(super) type Scoped<'s> = (TextId, &'s str);

pub(super) struct Assembler<'s> {
    /// The main text. Until the end, diagnostics are told of it with spans in all texts (`origins`).
    pub(super) source: SourceId,
    pub(super) texts: &'s Texts<'s>,
    pub(super) options: &'s Options<'s>,
    /// What each unit is read from.
    pub(super) given: &'s [&'s Source],
    /// The names of the unit that is being read or, when all are, looked at.
    pub(super) unit: Unit<'s>,
    pub(super) at_unit: usize,
    /// The others; the place of that one is empty.
    pub(super) units: Vec<Unit<'s>>,
    /// The names that units share.
    pub(super) public: Table<'s, Public>,
    /// Those that no unit shares, though another asks for them.
    pub(super) missing: FxHashSet<&'s str>,
    /// The names of the included texts.
    pub(super) included: Vec<String>,
    /// For each file of the source map, its text, if it is one of this assembly.
    pub(super) files: Vec<Option<RealText>>,
    /// How many threads share the work on a text.
    pub(super) division: fn(&str) -> Division,
    /// How many bytes further below other threads have read.
    pub(super) read_ahead: u64,
    /// What is being read.
    pub(super) input: Input,
    pub(super) conditions: Conditions,
    /// The `.expansion`s that are open.
    pub(super) expansions: Vec<Span>,
    /// The macro that is being defined.
    pub(super) recording: Option<Macro<'s>>,
    /// The expanded bytes that are still allowed; `None` when macros are known to have no end, and no
    /// further call is expanded.
    pub(super) expansion_left: Option<u32>,
    /// The errors that were told of expansions, by where they are from.
    pub(super) reported: FxHashSet<(Code, Origin)>,
    /// Lines that could not be read.
    pub(super) unread: Vec<Diagnostic>,
    /// Unknown instructions outside of functions, which may be no instructions.
    pub(super) foreign: Vec<Span>,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) module: Module,
    pub(super) names: Names,
    pub(super) map: SourceMap,
    pub(super) types: FxHashMap<FuncType, u32>,
    /// The texts of `WRITE`, each once.
    pub(super) written: FxHashMap<Vec<u8>, u32>,

    pub(super) data_decls: Vec<DataDecl>,
    /// `.align`s, each with the number of the piece of data that follows it.
    pub(super) aligns: Vec<(usize, SizeExpr)>,
    pub(super) global_inits: Vec<(Span, Option<syntax::Expr>)>,
    pub(super) libs: Vec<LibDecl>,
    pub(super) whole_libs: Vec<WholeLib>,
    /// What they offer, for advice on a misspelt name.
    pub(super) offered: Vec<String>,
    pub(super) memory: Option<(SizeExpr, Option<SizeExpr>, Span)>,
    /// The name in `.entry`, and all of it.
    pub(super) entry: Option<(Span, Span)>,

    /// The function that is being read, from `.func` to `.end`.
    pub(super) function: Option<Box<Body<'s>>>,
    /// The instructions of a unit outside of any function.
    pub(super) main: Box<Body<'s>>,
    /// Those of the program, once the unit that has them is read.
    pub(super) program_main: Option<Box<Body<'s>>>,
    /// A body whose memory can be used again.
    pub(super) spare: Option<Box<Body<'s>>>,
    pub(super) fixups: Vec<Fixup>,
    /// Where the next statement stood, when `.loc` says so.
    pub(super) loc: Option<Location>,
    /// The function whose missing instructions are being inserted.
    pub(super) completing: Option<usize>,
    /// Words that are no instructions, each alone on its line, and those of them that jumps name.
    pub(super) unknown_words: FxHashSet<Span>,
    pub(super) meant_labels: FxHashSet<Span>,
    pub(super) suggestions_left: Cell<u32>,
    /// The constants that are being evaluated, each for the next: a unit, and a name that it looks up.
    pub(super) evaluating: Vec<(usize, Span)>,
    /// Whether what has no value now may have one later.
    pub(super) tentative: bool,
}

/// What an assembly ends with.
pub(super) struct Finished {
    pub(super) made: Result<Assembled, Vec<Diagnostic>>,
    /// The names of the included texts.
    pub(super) included: Vec<String>,
    /// For each file of the source map, its text, if it is one of this assembly.
    pub(super) files: Vec<Option<RealText>>,
}

impl<'s> Assembler<'s> {
    pub(super) fn new(
        source: SourceId,
        given: &'s [&'s Source],
        texts: &'s Texts<'s>,
        options: &'s Options<'s>,
        division: fn(&str) -> Division,
    ) -> Assembler<'s> {
        Assembler {
            source,
            texts,
            options,
            given,
            unit: Unit::default(),
            at_unit: 0,
            units: given.iter().map(|_| Unit::default()).collect(),
            public: Table::default(),
            missing: FxHashSet::default(),
            included: Vec::new(),
            files: Vec::new(),
            division,
            read_ahead: 0,
            input: Input::default(),
            conditions: Conditions::default(),
            expansions: Vec::new(),
            recording: None,
            expansion_left: Some(MAX_EXPANSION),
            reported: FxHashSet::default(),
            unread: Vec::new(),
            foreign: Vec::new(),
            diagnostics: Vec::new(),
            warnings: Vec::new(),
            module: Module::default(),
            names: Names::default(),
            map: SourceMap::default(),
            types: FxHashMap::default(),
            written: FxHashMap::default(),
            data_decls: Vec::new(),
            aligns: Vec::new(),
            global_inits: Vec::new(),
            libs: Vec::new(),
            whole_libs: Vec::new(),
            offered: Vec::new(),
            memory: None,
            entry: None,
            function: None,
            main: Box::default(),
            program_main: None,
            spare: None,
            fixups: Vec::new(),
            loc: None,
            completing: None,
            unknown_words: FxHashSet::default(),
            meant_labels: FxHashSet::default(),
            suggestions_left: Cell::new(MAX_SUGGESTIONS),
            evaluating: Vec::new(),
            tentative: false,
        }
    }

    /// Assembles all units.
    pub(super) fn run(mut self) -> Finished {
        self.read_units();
        let perhaps = self.perhaps_declared();
        self.diagnostics.splice(0..0, self.unread.drain(..));
        self.finish();
        self.drop_consequences(&perhaps);
        self.explain_late();
        if self.diagnostics.is_empty() {
            self.settle_places();
            self.tell_names_apart();
            self.module.names = Some(self.names);
            self.module.source_map = Some(self.map);
            let (module, warnings) = (self.module, self.warnings);
            let made = Ok(Assembled { module, warnings, files: Files::default() });
            return Finished { made, included: self.included, files: self.files };
        }
        Finished { made: Err(self.diagnostics), included: self.included, files: self.files }
    }

    /// A line that is neither left out nor part of a macro.
    pub(super) fn line(&mut self, line: Line, raw: RawLine) {
        if let Some(label) = line.label {
            self.label(label);
        }
        match line.statement {
            Statement::Empty => {}
            Statement::Instr { mnemonic, ref operands } => {
                let name = self.texts.name(mnemonic);
                let Some(op) = Op::from_mnemonic(name) else {
                    return match self.unit.macros.get(name) {
                        Some(found) => self.expand(Rc::clone(found), mnemonic, raw, line.span),
                        None => self.unknown_instruction(mnemonic, operands),
                    };
                };
                self.note_first(mnemonic);
                if let Some(item) = self.operands(op, mnemonic, operands) {
                    let at = self.location(line.number, line.begins, mnemonic);
                    self.put(item, at);
                }
            }
            Statement::Directive(directive) => {
                self.directive(*directive, line.number, line.begins, line.span)
            }
        }
    }

    /// Takes a plain line; one that is no instruction with its operand as any other.
    pub(super) fn plain_line(&mut self, plain: &Plain, raw: &RawLine) {
        match *plain {
            Plain::Label { name, .. } => self.label(name),
            Plain::Func { name, line } => self.begin_function(name, &[], None, line),
            Plain::Local { param, .. } => self.local(param),
            Plain::End(line) => self.end_function(line),
            Plain::Instr { op, mnemonic, operand } => match self.plain_arg(op, operand) {
                Some(arg) => {
                    self.note_first(mnemonic);
                    let at = match raw.plain {
                        // Nothing but space stands before it.
                        Some(_) => self.place(raw.number, mnemonic.start - raw.begins + 1),
                        // It may be the argument of a macro.
                        None => self.location(raw.number, raw.begins, mnemonic),
                    };
                    self.put(Item { op, arg }, at);
                }
                None => self.line(plain.line(raw.number, raw.begins), *raw),
            },
        }
    }

    /// Notes where the first instruction of a function stands.
    fn note_first(&mut self, mnemonic: Span) {
        let body = self.body();
        if body.items.is_empty() {
            body.first = mnemonic;
        }
    }

    /// Appends an instruction that stands at this place.
    #[inline(always)]
    fn put(&mut self, item: Item, at: Location) {
        let call = self.input.call;
        let body = self.body();
        if let Some(call) = call {
            let instr = body.items.len() as u32;
            SourceMap::push_expanded(&mut body.expanded, 0, instr, call);
        }
        body.items.push(item);
        SourceMap::push(&mut body.runs, at);
    }

    fn directive(&mut self, directive: Directive, number: u32, begins: u32, span: Span) {
        match directive {
            Directive::Func { name, params, result } => {
                self.begin_function(name, &params, result, span)
            }
            Directive::End => self.end_function(span),
            Directive::Local(params) => params.iter().for_each(|&p| self.local(p)),
            Directive::Loc { line, column } => self.set_loc(&line, &column),
            Directive::Source { file, crc } => self.set_source(file, &crc),
            Directive::Lib { slot, library, symbol, signature, version, lazy } => {
                let location = self.location(number, begins, span);
                let signature = self.signature(signature);
                self.libs.push(LibDecl {
                    slot,
                    library,
                    symbol,
                    signature,
                    version,
                    lazy,
                    span,
                    location,
                });
            }
            Directive::WholeLib { library, version, lazy } => {
                let location = self.location(number, begins, span);
                self.whole_libs.push(WholeLib { library, version, lazy, location });
            }
            Directive::Public(names) => self.unit.public.extend(names),
            Directive::Extern(names) => self.unit.external.extend(names),
            Directive::Include(file) => self.include(file, span),
            Directive::Macro { name, params } => self.begin_macro(name, &params, span),
            Directive::Expansion(name) => self.begin_expansion(name, number, begins, span),
            Directive::EndExpansion => self.end_expansion(span),
            Directive::EndMacro => {
                self.misplaced(span, "`.endmacro` without a `.macro`", "no macro to end here")
            }
            other
            @ (Directive::If(_) | Directive::Elif(_) | Directive::Else | Directive::EndIf) => {
                self.condition(other, span)
            }
            other => self.declare(other, span),
        }
    }

    /// The function that an instruction or label here belongs to.
    pub(super) fn body(&mut self) -> &mut Body<'s> {
        self.function.as_mut().unwrap_or(&mut self.main)
    }

    fn label(&mut self, label: Span) {
        let key = (self.texts.scope(label), self.texts.name(label));
        let at = self.body().items.len() as u32;
        match self.body().labels.insert(key, Declared::new(at, label)) {
            Some(first) => self.duplicate("labels", label, first.span),
            None => self.body().label_names.push((at, key)),
        }
    }

    /// An instruction that does not exist still stands where it stands: labels after it keep their
    /// distance. It may well be a label itself, without its colon.
    fn unknown_instruction(&mut self, mnemonic: Span, operands: &Operands) {
        self.note_first(mnemonic);
        self.unknown_mnemonic(mnemonic);
        if self.function.is_none() {
            self.foreign.push(mnemonic);
        }
        let key = (self.texts.scope(mnemonic), self.texts.name(mnemonic));
        let body = self.body();
        if operands.is_empty() {
            let index = body.items.len() as u32;
            body.labels.insert(key, Declared::new(index, mnemonic));
            self.unknown_words.insert(mnemonic);
        }
        self.body().items.push(Item::nop());
    }

    /// Closes the function that is open, or main at the end of the text.
    pub(super) fn finish_body(&mut self, mut body: Box<Body<'s>>, name: &str) {
        let start = self.module.code.len() as u32;
        self.resolve_body(&mut body);
        self.doubt_unused(&body);
        self.note_meant_labels(&body);
        let end = self.module.code.len() as u32;
        let ty = self.intern_type(&body.ty);
        let params = body.ty.params.len();
        let function = self.module.functions.len() as u32;
        let expanded = body.expanded.drain(..).map(|it| Expanded { function, ..it });
        self.map.expanded.extend(expanded);
        self.module.functions.push(crate::module::Function {
            ty,
            locals: body.local_types[params..].to_vec(),
            code: start..end,
        });
        self.names.functions.push(FunctionNames {
            name: unspelled(name),
            locals: unique_names(body.local_names.iter().copied()),
            labels: {
                let names = unique_names(body.label_names.iter().map(|&(_, key)| key));
                body.label_names.iter().map(|&(at, _)| at).zip(names).collect()
            },
        });
        self.map.functions.push(body.runs.drain(..));
        self.spare = Some(body);
    }

    pub(super) fn intern_type(&mut self, ty: &FuncType) -> u32 {
        if let Some(&index) = self.types.get(ty) {
            return index;
        }
        let index = self.module.types.len() as u32;
        self.module.types.push(ty.clone());
        self.types.insert(ty.clone(), index);
        index
    }

    /// Where a statement stands, for the source map: in which line, which begins at which byte.
    pub(super) fn location(&mut self, line: u32, begins: u32, span: Span) -> Location {
        let before = Span::new(begins, span.start).of(self.texts);
        self.place(line, before.chars().count() as u32 + 1)
    }

    /// The same in a line and a column.
    #[inline]
    fn place(&mut self, line: u32, column: u32) -> Location {
        if let Some(loc) = &mut self.loc {
            let at = *loc;
            loc.line = loc.line.saturating_add(1);
            return at;
        }
        Location { file: self.input.file, line, column }
    }

    pub(super) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        label: &str,
    ) {
        self.push(Diagnostic::error(code, message), span, label);
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic, span: Span, label: impl Into<String>) {
        let mut diagnostic = diagnostic.at_span(self.source, span, label);
        // An argument is wrong only for what the macro does with it.
        if let Some(statement) = self.input.statement
            && self.texts.scope(span) != self.texts.scope(statement)
        {
            diagnostic = diagnostic.at_span(self.source, statement, "what the macro does with it");
        }
        if self.is_new(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports two things of a kind, which is given in the plural, with one name.
    pub(super) fn duplicate(&mut self, kind: &str, again: Span, first: Span) {
        let name = self.texts.name(again);
        let source = self.source;
        let message = format!("there are two {kind} called `{name}`");
        let of_command_line = |span| match self.texts.origin(span).text {
            RealText::Included(number) => self.included[number] == COMMAND_LINE,
            RealText::Unit(_) => false,
        };
        let help = match of_command_line(first) && !of_command_line(again) {
            true => {
                format!("to let `-D` say otherwise, write `.if !defined({name})` in front of it")
            }
            false => "give one of them another name".to_owned(),
        };
        let diagnostic = Diagnostic::error(Code::DuplicateName, message)
            .at_span(source, again, "the second")
            .at_span(source, first, "the first")
            .help(help);
        self.diagnostics.push(diagnostic);
    }
}

/// The name that a spelling is of.
pub(super) fn unspelled(spelling: &str) -> String {
    literal::name(spelling).expect("tokens of names that are none are refused")
}

/// The names of a function's labels or locals, in order. Those of expansions get a number where they
/// would not be the only ones of their name.
fn unique_names<'s>(names: impl Iterator<Item = Scoped<'s>> + Clone) -> Vec<String> {
    if names.clone().all(|(scope, _)| scope == 0) {
        return names.map(|(_, name)| unspelled(name)).collect();
    }
    let own = names.clone().filter(|(scope, _)| *scope == 0);
    let mut taken: FxHashSet<String> = own.map(|(_, name)| unspelled(name)).collect();
    let mut counts: FxHashMap<&str, u32> = FxHashMap::default();
    let mut unique = |spelled: &'s str| {
        let name = unspelled(spelled);
        if taken.insert(name.clone()) {
            return name;
        }
        let count = counts.entry(spelled).or_insert(1);
        loop {
            *count += 1;
            let numbered = format!("{name}_{count}");
            if taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    };
    names.map(|(scope, name)| if scope == 0 { unspelled(name) } else { unique(name) }).collect()
}
