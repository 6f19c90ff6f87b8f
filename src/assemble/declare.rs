//! Directives: what they declare is noted here, and evaluated when the whole text is known.

use super::assembler::{Assembler, unspelled};
use super::body::Body;
use super::constants::Constant;
use super::types::is_element;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::isa::name::quoted;
use crate::isa::{CType, FuncType, Signature, ValueType};
use crate::module::{Global, Location, SourceFile};
use crate::syntax::{Directive, Expr, ExprKind, Operand, Param, SizeExpr, literal};
use std::cell::Cell;

/// What a name stands for: its number among the things of its kind, and where it was declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) index: u32,
    pub(super) span: Span,
}

/// What a name stands for, and whether anything names it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) named: Named,
    pub(super) used: Cell<bool>,
}

impl Declared {
    pub(super) fn new(index: u32, span: Span) -> Declared {
        Declared { named: Named { index, span }, used: Cell::new(false) }
    }

    /// What it stands for, where something names it.
    pub(super) fn take(&self) -> Named {
        self.used.set(true);
        self.named
    }
}

/// A `.lib`.
pub(super) struct LibDecl {
    pub(super) slot: Expr,
    pub(super) library: Span,
    pub(super) symbol: Span,
    pub(super) signature: Option<Signature>,
    pub(super) version: Option<Expr>,
    pub(super) lazy: bool,
    pub(super) span: Span,
    pub(super) location: Location,
}

/// A `.data` or `.zero`.
pub(super) struct DataDecl {
    pub(super) name: Span,
    pub(super) contents: Contents,
    pub(super) at: Option<Expr>,
    /// Address and length, once laid out.
    pub(super) place: Option<(u64, u64)>,
}

/// What a piece of data holds.
pub(super) enum Contents {
    /// So many zeros.
    Zero(SizeExpr),
    /// Elements of a type.
    Elements(CType, Vec<Operand>),
}

impl<'s> Assembler<'s> {
    /// A declaration of something global.
    pub(super) fn declare(&mut self, directive: Directive, span: Span) {
        match directive {
            Directive::Global { param, init } => self.global(param, init),
            Directive::Const { name, value } => self.constant(name, value),
            Directive::Data { name, ty: None, elements, .. } if self.only_a_type(&elements) => {
                self.no_elements(name, span);
            }
            Directive::Data { name, ty, elements, at } => {
                let ty = ty.map_or(Some(CType::U8), |ty| self.element_type(ty));
                let contents = Contents::Elements(ty.unwrap_or(CType::U8), elements);
                self.data_decl(name, contents, at);
            }
            Directive::Zero { name, size, at } => self.data_decl(name, Contents::Zero(size), at),
            Directive::Align(size) => self.aligns.push((self.data_decls.len(), size)),
            Directive::Memory { min, max } => match self.memory {
                Some((.., first)) => self.only_one(".memory", span, first),
                None => self.memory = Some((min, max, span)),
            },
            Directive::Entry(name) => match self.entry {
                Some((_, first)) => self.only_one(".entry", span, first),
                None => self.entry = Some((name, span)),
            },
            _ => unreachable!("the others have methods of their own"),
        }
    }

    pub(super) fn misplaced(&mut self, span: Span, message: &str, label: &str) {
        self.error(Code::MisplacedDirective, span, message, label);
    }

    pub(super) fn only_one(&mut self, what: &str, again: Span, first: Span) {
        let diagnostic =
            Diagnostic::error(Code::MisplacedDirective, format!("there are two `{what}`"))
                .at_span(self.source, again, "the second")
                .at_span(self.source, first, "the first")
                .help("keep one of them");
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn begin_function(
        &mut self,
        name: Span,
        params: &[Param],
        result: Option<Span>,
        span: Span,
    ) {
        if let Some(open) = self.function.take() {
            self.missing_end(&open, Some(span));
            self.close_function(open);
        }
        self.function_name(name, self.module.functions.len() as u32);
        let mut body = self.spare.take().unwrap_or_default();
        body.clear();
        (body.name, body.opened) = (name, span);
        body.ty = FuncType::default();
        self.function = Some(body);
        for &param in params {
            self.local(param);
        }
        let result = result.and_then(|ty| self.value_type(ty));
        if let Some(body) = &mut self.function {
            body.ty = FuncType { params: body.local_types.clone(), result };
        }
    }

    /// Declares the name of a function, which has this number.
    pub(super) fn function_name(&mut self, name: Span, index: u32) {
        let key = self.texts.name(name);
        // A `.func` that could not be read may lack even its name.
        if !key.is_empty()
            && let Some(old) = self.unit.functions.insert(key, Declared::new(index, name))
        {
            self.duplicate("functions", name, old.named.span);
            self.unit.functions.insert(key, old);
        }
    }

    pub(super) fn end_function(&mut self, span: Span) {
        match self.function.take() {
            Some(body) => self.close_function(body),
            None => {
                let diagnostic =
                    Diagnostic::error(Code::MisplacedDirective, "`.end` without a `.func`");
                self.push(
                    diagnostic.help("remove it, or begin the function with `.func name`"),
                    span,
                    "nothing to end here",
                );
            }
        }
    }

    fn close_function(&mut self, body: Box<Body<'s>>) {
        let name = self.texts.name(body.name);
        self.finish_body(body, name);
    }

    /// Reports a function that is still open where the next one begins, or at the end of the text.
    pub(super) fn missing_end(&mut self, open: &Body<'s>, next: Option<Span>) {
        let name = self.texts.name(open.name);
        let message = format!("the function `{name}` has no `.end`");
        let mut diagnostic = Diagnostic::error(Code::MissingEnd, message)
            .at_span(self.source, open.opened, "begins here")
            .help("write `.end` behind its last instruction");
        if let Some(next) = next {
            diagnostic = diagnostic.at_span(self.source, next, "is not ended before this");
        }
        self.diagnostics.push(diagnostic);
    }

    /// A local or parameter of the function that is open, or of main.
    pub(super) fn local(&mut self, param: Param) {
        let ty = self.value_type(param.ty).unwrap_or(ValueType::I64);
        let key = (self.texts.scope(param.name), self.texts.name(param.name));
        let body = self.body();
        let local = Declared::new(body.local_types.len() as u32, param.name);
        body.local_types.push(ty);
        body.local_names.push(key);
        if let Some(first) = body.locals.insert(key, local) {
            self.duplicate("locals", param.name, first.span);
        }
    }

    fn global(&mut self, param: Param, init: Option<Expr>) {
        let ty = self.value_type(param.ty).unwrap_or(ValueType::I64);
        let name = self.texts.name(param.name);
        let named = Declared::new(self.module.globals.len() as u32, param.name);
        if let Some(old) = self.unit.globals.insert(name, named) {
            self.duplicate("globals", param.name, old.named.span);
            self.unit.globals.insert(name, old);
        }
        self.module.globals.push(Global { ty, init: 0 });
        self.names.globals.push(unspelled(name));
        self.global_inits.push((param.name, init));
    }

    fn constant(&mut self, span: Span, expr: Expr) {
        if !self.is_taken("constants", span) {
            let constant = Constant::new(span, expr);
            self.unit.constants.insert(self.texts.name(span), constant);
        }
    }

    fn data_decl(&mut self, span: Span, contents: Contents, at: Option<Expr>) {
        let name = self.texts.name(span);
        if !self.is_taken("pieces of data", span) {
            let index = self.data_decls.len() as u32;
            self.unit.data.insert(name, Declared::new(index, span));
        }
        self.data_decls.push(DataDecl { name: span, contents, at, place: None });
        self.names.data.push(unspelled(name));
    }

    /// Whether a name cannot be that of a new constant or piece of data, which is reported. They share
    /// their names, also with floats: all stand in expressions.
    fn is_taken(&mut self, kind: &str, span: Span) -> bool {
        let name = self.texts.name(span);
        let constant = self.unit.constants.get(name).map(|c| ("constants", c.span));
        let first =
            constant.or_else(|| Some(("pieces of data", self.unit.data.get(name)?.named.span)));
        match first {
            Some((first_kind, first)) => {
                let both = if first_kind == kind { kind } else { "constants or pieces of data" };
                self.duplicate(both, span, first);
            }
            None if literal::is_float_name(span.of(self.texts)) => {
                let message = format!("`{name}` is a float, and names nothing else");
                let help = format!("choose another name, or write `{}`", quoted(name));
                let diagnostic = Diagnostic::error(Code::DuplicateName, message).help(help);
                self.push(diagnostic, span, "not a name here");
            }
            None => return false,
        }
        true
    }

    /// Whether `.data` has an element type where its elements should be.
    fn only_a_type(&self, elements: &[Operand]) -> bool {
        let [Operand::Expr(Expr { span, kind: ExprKind::Name })] = elements else { return false };
        CType::from_name(self.texts.name(*span)).is_some_and(is_element)
    }

    fn no_elements(&mut self, name: Span, span: Span) {
        let name = self.texts.name(name);
        let diagnostic =
            Diagnostic::error(Code::Syntax, format!("the elements of `{name}` are missing"));
        self.push(
            diagnostic.help("the form is: .data name i32 1, 2, 3"),
            span.after(),
            "expected elements",
        );
    }

    pub(super) fn set_source(&mut self, file: Span, crc: &Expr) {
        let name = self.text_literal(file);
        let crc = self.evaluate_integer(crc, "a checksum");
        let (Some(name), Some(crc)) = (name, crc) else { return };
        let (Ok(name), Ok(crc)) = (String::from_utf8(name), u32::try_from(crc)) else {
            return self.error(
                Code::DoesNotFit,
                file,
                "a file name is UTF-8 and a checksum has 32 bits",
                "here",
            );
        };
        let found = self.map.files.iter().position(|f| f.name == name && f.crc == crc);
        let file = found.unwrap_or_else(|| {
            self.map.files.push(SourceFile { name, crc });
            self.files.push(None);
            self.map.files.len() - 1
        });
        self.loc = Some(Location { file: file as u32, line: 1, column: 1 });
    }

    pub(super) fn set_loc(&mut self, line: &Expr, column: &Expr) {
        let span = line.span.to(column.span);
        let Some(line) = self.evaluate_integer(line, "a line") else { return };
        let Some(column) = self.evaluate_integer(column, "a column") else { return };
        match (u32::try_from(line), u32::try_from(column)) {
            (Ok(line), Ok(column)) => {
                let file = self.loc.map_or(self.input.file, |loc| loc.file);
                self.loc = Some(Location { file, line, column });
            }
            _ => self.error(Code::DoesNotFit, span, "lines and columns have 32 bits", "here"),
        }
    }
}
