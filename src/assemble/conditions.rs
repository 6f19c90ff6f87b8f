//! `.if`, `.elif`, `.else` and `.endif`: which lines are left out.

use super::advice::STANDS_ABOVE;
use super::assembler::Assembler;
use super::constants::Value;
use super::layout::NOT_LAID_OUT;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::{Directive, Expr, Kind, RawLine};

/// The conditions that are open.
#[derive(Default)]
pub(super) struct Conditions {
    open: Vec<Condition>,
}

struct Condition {
    /// Its `.if`.
    opened: Span,
    state: State,
    /// Its `.else`.
    otherwise: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// These lines are read.
    Reading,
    /// No branch was read yet.
    Waiting,
    /// A branch was read, or none of them is to be.
    Done,
}

impl Conditions {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn leaves_out(&self) -> bool {
        self.open.last().is_some_and(|it| it.state != State::Reading)
    }

    pub(super) fn begin(&mut self, opened: Span, holds: bool) {
        let state = if holds { State::Reading } else { State::Waiting };
        self.open.push(Condition { opened, state, otherwise: None });
    }

    /// Forgets all but so many, and gives the `.if`s of those.
    pub(super) fn close_down_to(&mut self, len: usize) -> Vec<Span> {
        self.open.drain(len.min(self.open.len())..).map(|it| it.opened).collect()
    }
}

impl Assembler<'_> {
    /// Whether a line is left out. What counts among such lines is where the conditions end.
    pub(super) fn left_out(&mut self, raw: RawLine) -> bool {
        if !self.conditions.leaves_out() {
            return false;
        }
        match raw.directive() {
            Kind::If => {
                self.conditions.begin(raw.span(), false);
                self.conditions.open.last_mut().expect("just begun").state = State::Done;
                true
            }
            Kind::Elif | Kind::Else | Kind::EndIf => false,
            _ => true,
        }
    }

    pub(super) fn condition(&mut self, directive: Directive, span: Span) {
        match directive {
            Directive::If(condition) => {
                let holds = self.holds(&condition);
                self.conditions.begin(span, holds);
            }
            Directive::Elif(condition) => self.next_branch(".elif", span, Some(&condition)),
            Directive::Else => self.next_branch(".else", span, None),
            _ => match self.conditions.open.len() > self.input.conditions {
                true => drop(self.conditions.open.pop()),
                false => self.without_if(".endif", span),
            },
        }
    }

    /// Goes on with the next branch of a condition, the last one without a condition of its own.
    fn next_branch(&mut self, word: &str, span: Span, condition: Option<&Expr>) {
        if self.conditions.open.len() <= self.input.conditions {
            return self.without_if(word, span);
        }
        let Some(last) = self.conditions.open.last() else { return };
        if let Some(otherwise) = last.otherwise {
            let message = format!("`{word}` behind the `.else` of its `.if`");
            let diagnostic = Diagnostic::error(Code::MisplacedDirective, message)
                .at_span(self.source, span, "comes too late")
                .at_span(self.source, otherwise, "the `.else`")
                .help("`.else` is the last branch; each `.if` needs an `.endif` of its own");
            return self.diagnostics.push(diagnostic);
        }
        let state = match (last.state, condition) {
            (State::Waiting, None) => State::Reading,
            (State::Waiting, Some(condition)) if self.holds(condition) => State::Reading,
            (State::Waiting, Some(_)) => State::Waiting,
            (State::Reading | State::Done, _) => State::Done,
        };
        if let Some(last) = self.conditions.open.last_mut() {
            last.state = state;
            last.otherwise = condition.is_none().then_some(span);
        }
    }

    fn without_if(&mut self, word: &str, span: Span) {
        self.misplaced(span, &format!("`{word}` without an `.if`"), "belongs to nothing");
    }

    /// Whether a condition holds. It knows what stands above it.
    fn holds(&mut self, condition: &Expr) -> bool {
        let before = self.diagnostics.len();
        let value = self.evaluate(condition);
        for diagnostic in &mut self.diagnostics[before..] {
            match diagnostic.code {
                Code::UnknownName => diagnostic.notes.push(STANDS_ABOVE.to_owned()),
                Code::BadConstant if diagnostic.message == NOT_LAID_OUT => {
                    let help = "a condition cannot ask for addresses and lengths: data is laid out when \
                                all is read";
                    diagnostic.set_help(help.into());
                }
                _ => {}
            }
        }
        match value {
            Some(Value::Int(value)) => value != 0,
            Some(Value::Float(_)) => {
                let message = "a condition is an integer, 0 for false";
                self.error(Code::BadConstant, condition.span, message, "this is a float");
                false
            }
            None => false,
        }
    }
}
