//! The state of an assembly, and its way through the lines.

use super::advice::MAX_SUGGESTIONS;
use super::body::{Body, Item};
use super::consequences::first_span;
use super::constants::Constant;
use super::declare::{DataDecl, LibDecl, Named};
use super::fixups::Fixup;
use super::whole::{Offers, WholeLib};
use crate::diagnostics::{Code, Diagnostic, SourceId, Span};
use crate::isa::{FuncType, Op};
use crate::module::{FunctionNames, Location, Module, Names, SourceFile, SourceMap};
use crate::syntax::{self, Directive, Line, Operands, SizeExpr, Statement};
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Names of one kind, with what they stand for.
pub(super) type Table<'s, T> = FxHashMap<&'s str, T>;

pub(super) struct Assembler<'s> {
    pub(super) source: SourceId,
    pub(super) text: &'s str,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) module: Module,
    pub(super) names: Names,
    pub(super) map: SourceMap,
    pub(super) types: FxHashMap<FuncType, u32>,
    pub(super) texts: FxHashMap<Vec<u8>, u32>,

    pub(super) functions: Table<'s, Named>,
    pub(super) globals: Table<'s, Named>,
    pub(super) constants: Table<'s, Constant>,
    pub(super) data: Table<'s, Named>,
    pub(super) data_decls: Vec<DataDecl>,
    pub(super) global_inits: Vec<(Span, Option<syntax::Expr>)>,
    pub(super) libs: Vec<LibDecl>,
    /// The slots of each native function, once the `.lib`s are evaluated.
    pub(super) slots: FxHashMap<String, Vec<u16>>,
    pub(super) whole_libs: Vec<WholeLib>,
    pub(super) offers: &'s Offers<'s>,
    /// What they offer, for advice on a misspelt name.
    pub(super) offered: Vec<String>,
    pub(super) memory: Option<(SizeExpr, Option<SizeExpr>, Span)>,
    /// The name in `.entry`, and all of it.
    pub(super) entry: Option<(Span, Span)>,

    /// The function that is being read, from `.func` to `.end`.
    pub(super) function: Option<Body<'s>>,
    /// The instructions outside of any function.
    pub(super) main: Body<'s>,
    /// A body whose memory can be used again.
    pub(super) spare: Body<'s>,
    pub(super) fixups: Vec<Fixup>,
    /// Where the next statement stood, when `.loc` says so.
    pub(super) loc: Option<Location>,
    /// The function whose missing instructions are being inserted.
    pub(super) completing: Option<usize>,
    pub(super) suggestions_left: Cell<u32>,
}

impl<'s> Assembler<'s> {
    pub(super) fn new(
        source: SourceId,
        name: &str,
        text: &'s str,
        offers: &'s Offers<'s>,
    ) -> Assembler<'s> {
        let crc = crc32fast::hash(text.as_bytes());
        let files = vec![SourceFile { name: name.to_owned(), crc }];
        Assembler {
            source,
            text,
            diagnostics: Vec::new(),
            module: Module::default(),
            names: Names::default(),
            map: SourceMap { files, ..SourceMap::default() },
            types: FxHashMap::default(),
            texts: FxHashMap::default(),
            functions: Table::default(),
            globals: Table::default(),
            constants: Table::default(),
            data: Table::default(),
            data_decls: Vec::new(),
            global_inits: Vec::new(),
            libs: Vec::new(),
            slots: FxHashMap::default(),
            whole_libs: Vec::new(),
            offers,
            offered: Vec::new(),
            memory: None,
            entry: None,
            function: None,
            main: Body::default(),
            spare: Body::default(),
            fixups: Vec::new(),
            loc: None,
            completing: None,
            suggestions_left: Cell::new(MAX_SUGGESTIONS),
        }
    }

    pub(super) fn run(mut self) -> Result<Module, Vec<Diagnostic>> {
        let mut diagnostics = Vec::new();
        syntax::parse(self.source, self.text, &mut diagnostics, |line, _| self.line(line));
        let declared = self.perhaps_declared(&diagnostics);
        self.diagnostics.append(&mut diagnostics);
        self.finish();
        self.drop_consequences(&declared);
        if self.diagnostics.is_empty() {
            self.module.names = Some(self.names);
            self.module.source_map = Some(self.map);
            return Ok(self.module);
        }
        self.diagnostics.sort_by_key(|d| first_span(d).map_or(u32::MAX, |span| span.start));
        Err(self.diagnostics)
    }

    fn line(&mut self, line: Line) {
        if let Some(label) = line.label {
            self.label(label);
        }
        match line.statement {
            Statement::Empty => {}
            Statement::Instr { mnemonic, ref operands } => {
                let body = self.body();
                if body.items.is_empty() {
                    body.first = mnemonic;
                }
                let Some(op) = Op::from_mnemonic(mnemonic.of(self.text)) else {
                    return self.unknown_instruction(mnemonic, operands);
                };
                if let Some(item) = self.operands(op, mnemonic, operands) {
                    let at = self.location(line.number, line.begins, line.span);
                    let body = self.body();
                    body.items.push(item);
                    SourceMap::push(&mut body.runs, at);
                }
            }
            Statement::Directive(directive) => {
                self.directive(*directive, line.number, line.begins, line.span)
            }
        }
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
            other => self.declare(other, span),
        }
    }

    /// The function that an instruction or label here belongs to.
    pub(super) fn body(&mut self) -> &mut Body<'s> {
        self.function.as_mut().unwrap_or(&mut self.main)
    }

    fn label(&mut self, label: Span) {
        let name = label.of(self.text);
        let at = self.body().items.len() as u32;
        let index = Named { index: at, span: label };
        if let Some(old) = self.body().labels.insert(name, index) {
            self.duplicate("labels", label, old.span);
            self.body().labels.insert(name, old);
        } else {
            self.body().label_names.push((at, name.to_owned()));
        }
    }

    /// An instruction that does not exist still stands where it stands: labels after it keep their
    /// distance. It may well be a label itself, without its colon.
    fn unknown_instruction(&mut self, mnemonic: Span, operands: &Operands) {
        self.unknown_mnemonic(mnemonic, operands);
        let name = mnemonic.of(self.text);
        let body = self.body();
        if operands.is_empty() {
            let index = body.items.len() as u32;
            body.labels.entry(name).or_insert(Named { index, span: mnemonic });
        }
        body.items.push(Item::nop());
    }

    /// Closes the function that is open, or main at the end of the text.
    pub(super) fn finish_body(&mut self, mut body: Body<'s>, name: &str) {
        let start = self.module.code.len() as u32;
        self.resolve_body(&mut body);
        let end = self.module.code.len() as u32;
        let ty = self.intern_type(&body.ty);
        let params = body.ty.params.len();
        self.module.functions.push(crate::module::Function {
            ty,
            locals: body.local_types[params..].to_vec(),
            code: start..end,
        });
        self.names.functions.push(FunctionNames {
            name: name.to_owned(),
            locals: body.local_names.iter().map(|&n| n.to_owned()).collect(),
            labels: std::mem::take(&mut body.label_names),
        });
        self.map.functions.push(std::mem::take(&mut body.runs));
        self.spare = body;
    }

    fn intern_type(&mut self, ty: &FuncType) -> u32 {
        if let Some(&index) = self.types.get(ty) {
            return index;
        }
        let index = self.module.types.len() as u32;
        self.module.types.push(ty.clone());
        self.types.insert(ty.clone(), index);
        index
    }

    /// Where a statement stands, for the source map: in which line, which begins at which byte.
    fn location(&mut self, line: u32, begins: u32, span: Span) -> Location {
        if let Some(loc) = &mut self.loc {
            let at = *loc;
            loc.line = loc.line.saturating_add(1);
            return at;
        }
        let before = Span::new(begins, span.start).of(self.text);
        Location { file: 0, line, column: before.chars().count() as u32 + 1 }
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
        self.diagnostics.push(diagnostic.at_span(self.source, span, label));
    }

    /// Reports two things of a kind, which is given in the plural, with one name.
    pub(super) fn duplicate(&mut self, kind: &str, again: Span, first: Span) {
        let name = again.of(self.text);
        let source = self.source;
        let message = format!("there are two {kind} called `{name}`");
        let diagnostic = Diagnostic::error(Code::DuplicateName, message)
            .at_span(source, again, "the second")
            .at_span(source, first, "the first")
            .help("give one of them another name");
        self.diagnostics.push(diagnostic);
    }
}
