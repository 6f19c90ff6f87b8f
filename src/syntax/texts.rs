//! All texts of one assembly, in one space of positions.
//!
//! A [`Span`] is a place in any of them: the first text begins at 0, and each text that comes to it
//! takes the positions behind those before: what it includes, and then the next unit of the program.
//! The expansion of a macro is such a text too. It reads as the macro's body does, but its tokens are
//! its own, so that a label of one expansion is no other's; what an argument brings in keeps its place
//! in the call. So a span tells where a token is from and in which scope it was written, and nothing is
//! copied. Where an argument is worked out before it is brought in, its value is a text of one number, from
//! where the argument stands.

use super::literal;
use super::token::{Kind, first_token};
use crate::diagnostics::{Span, Text};
use crate::isa::name::spelled;
use elsa::{FrozenMap, FrozenVec};
use std::cell::RefCell;

/// All positions. The last is never one of a text.
const POSITIONS: u32 = u32::MAX;

/// The texts of one assembly. They are never moved, so that names can be borrowed from them.
pub struct Texts<'t> {
    main: &'t str,
    /// The position of the first byte of the main text.
    base: u32,
    /// The texts of the units behind the first, whose text is the main one.
    units: &'t [&'t str],
    /// Where the positions of those begin that have begun.
    unit_starts: RefCell<Vec<u32>>,
    included: FrozenVec<String>,
    values: FrozenVec<String>,
    others: RefCell<Vec<Other>>,
    /// Names that stand in quotes, and how they are spelled when each is spelled in one way only.
    spellings: FrozenMap<String, String>,
}

/// A text: 0 is the main one, and the others follow in the order in which they came.
pub type TextId = u32;

#[derive(Clone, Copy)]
struct Other {
    base: u32,
    kind: OtherKind,
    /// The statement that brought it in; none for a unit, and for what the command line says.
    call: Option<Span>,
}

#[derive(Clone, Copy)]
enum OtherKind {
    /// A text as it is.
    Real(RealText),
    /// The body of a macro, in the text that defines it.
    Expansion(Span),
    /// The value, by its number, of an expression that stands elsewhere.
    Value(usize, Span),
}

/// A text that somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RealText {
    /// That of a unit; 0 is the main text.
    Unit(usize),
    /// An included one, from 0.
    Included(usize),
}

/// Where the text at a span is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The text.
    pub text: RealText,
    /// The place in that text by itself.
    pub span: Span,
}

impl<'t> Texts<'t> {
    /// The main text, and those of further units, which begin when it is their turn.
    pub fn new(main: &'t str, units: &'t [&'t str]) -> Texts<'t> {
        Texts {
            main,
            base: 0,
            units,
            unit_starts: RefCell::default(),
            included: FrozenVec::new(),
            values: FrozenVec::new(),
            others: RefCell::default(),
            spellings: FrozenMap::new(),
        }
    }

    /// One text of an assembly alone, at the positions that it has there.
    pub fn only(text: &'t str, base: u32) -> Texts<'t> {
        Texts { base, ..Texts::new(text, &[]) }
    }

    /// The name at a span, spelled as every other token that stands for it: `$"a"` names what `a` does.
    /// What is no name is given as it stands.
    #[inline]
    pub fn name(&self, span: Span) -> &str {
        let token = self.at(span);
        if token.starts_with('$') { self.spelling(token) } else { token }
    }

    #[cold]
    fn spelling<'a>(&'a self, token: &'a str) -> &'a str {
        if first_token(token) != Some((Kind::Quoted, 0..token.len())) {
            return token;
        }
        self.spellings.get(token).unwrap_or_else(|| {
            let name = literal::name(token).expect("the lexer has read it");
            self.spellings.insert(token.to_owned(), spelled(&name).into_owned())
        })
    }

    fn real(&self, text: RealText) -> &str {
        match text {
            RealText::Unit(0) => self.main,
            RealText::Unit(unit) => self.units[unit - 1],
            RealText::Included(index) => &self.included[index],
        }
    }

    /// Begins the unit of this number: every position from now on belongs to it.
    pub fn begin_unit(&self, unit: usize) {
        // All positions belong to the first before there is another.
        if unit > 0 {
            self.unit_starts.borrow_mut().push(self.end().saturating_add(1));
        }
    }

    /// The text of the unit that has begun, and the position of its first byte; `None` when there are
    /// no more positions.
    pub fn unit_text(&self) -> Option<(&'t str, u32)> {
        let unit = self.unit_starts.borrow().len();
        let Some(text) = unit.checked_sub(1).map(|index| self.units[index]) else {
            return Some((self.main, 0));
        };
        Some((text, self.add(OtherKind::Real(RealText::Unit(unit)), text.len(), None)?))
    }

    /// The unit that a span belongs to.
    pub fn unit_of(&self, span: Span) -> usize {
        match self.units {
            [] => 0,
            _ => self.unit_starts.borrow().partition_point(|start| *start <= span.start),
        }
    }

    /// The position behind all texts.
    fn end(&self) -> u32 {
        let others = self.others.borrow();
        let Some(last) = others.last() else { return self.base + self.main.len() as u32 };
        last.base
            + match last.kind {
                OtherKind::Real(text) => self.real(text).len() as u32,
                OtherKind::Expansion(body) => body.end - body.start,
                OtherKind::Value(value, _) => self.values[value].len() as u32,
            }
    }

    fn add(&self, kind: OtherKind, len: usize, call: Option<Span>) -> Option<u32> {
        // A position between two texts, so that the end of one is not the beginning of the next.
        let base = self.end().checked_add(1)?;
        let end = base.checked_add(u32::try_from(len).ok()?)?;
        self.others.borrow_mut().push(Other { base, kind, call });
        (end < POSITIONS).then_some(base)
    }

    /// Adds an included text, and gives the position of its first byte; `None` when there are no more
    /// positions.
    pub fn include(&self, text: String, call: Option<Span>) -> Option<(&str, u32)> {
        let len = text.len();
        let text = self.included.push_get(text);
        let kind = OtherKind::Real(RealText::Included(self.included.len() - 1));
        let base = self.add(kind, len, call)?;
        Some((text, base))
    }

    /// Adds an expansion of a macro, of which the body stands at `body` in a real text, and gives the
    /// position of its first byte; `None` when there are no more positions.
    pub fn expand(&self, body: Span, call: Span) -> Option<u32> {
        self.add(OtherKind::Expansion(body), (body.end - body.start) as usize, Some(call))
    }

    /// Adds the value of an expression, written as a literal, and gives its place; `None` when there are no
    /// more positions.
    pub fn value(&self, literal: String, of: Span) -> Option<Span> {
        let len = literal.len();
        self.values.push(literal);
        let base = self.add(OtherKind::Value(self.values.len() - 1, of), len, None)?;
        Some(Span::new(base, base + len as u32))
    }

    /// The texts that a statement includes, each with that.
    pub fn includes(&self) -> Vec<(RealText, Span)> {
        let others = self.others.borrow();
        let included = others.iter().filter_map(|it| match it.kind {
            OtherKind::Real(text) => Some((text, it.call?)),
            OtherKind::Expansion(_) | OtherKind::Value(..) => None,
        });
        included.collect()
    }

    /// The included texts.
    pub fn into_included(self) -> Vec<String> {
        self.included.into_vec()
    }

    /// The text that a position is in.
    fn text_of(&self, position: u32) -> TextId {
        if position.wrapping_sub(self.base) as usize <= self.main.len() {
            return 0;
        }
        self.others.borrow().partition_point(|other| other.base <= position) as TextId
    }

    fn other(&self, id: TextId) -> Option<Other> {
        self.others.borrow().get((id as usize).checked_sub(1)?).copied()
    }

    /// The scope that the token at a span was written in: that of an expansion, or 0 for all that
    /// stands in a real text.
    #[inline]
    pub fn scope(&self, span: Span) -> TextId {
        let id = self.text_of(span.start);
        if id == 0 {
            return 0;
        }
        match self.other(id).map(|other| other.kind) {
            Some(OtherKind::Expansion(_)) => id,
            _ => 0,
        }
    }

    /// Whether the text at a position is an expansion.
    pub fn is_expansion(&self, position: u32) -> bool {
        self.scope(Span::new(position, position)) != 0
    }

    /// The scope around that of an expansion: where it was called.
    pub fn outer_scope(&self, scope: TextId) -> TextId {
        self.other(scope).and_then(|other| other.call).map_or(0, |call| self.scope(call))
    }

    /// Where a span is from. One that begins in an expansion and ends in an argument, or the other way
    /// round, is from the line of the body.
    pub fn origin(&self, span: Span) -> Origin {
        let ends = [self.text_of(span.start), self.text_of(span.end)];
        // Texts that came later are brought in by those before.
        let inner = ends[0].max(ends[1]);
        let span = match ends {
            [a, b] if a == b && span.start <= span.end => span,
            [a, _] if a == inner => Span::new(span.start, self.line_around(span.start).end),
            _ => {
                let before = Span::new(self.line_around(span.end).start, span.end);
                let indent = before.of(self).len() - before.of(self).trim_start().len();
                Span::new(before.start + indent as u32, before.end)
            }
        };
        match self.other(inner) {
            None => Origin { text: RealText::Unit(0), span: shifted(span, self.base, 0) },
            Some(Other { base, kind: OtherKind::Real(text), .. }) => {
                Origin { text, span: Span::new(span.start - base, span.end - base) }
            }
            Some(Other { base, kind: OtherKind::Expansion(body), .. }) => {
                self.origin(shifted(span, base, body.start))
            }
            Some(Other { kind: OtherKind::Value(_, of), .. }) => self.origin(of),
        }
    }

    /// The statement that brought in the text that a span is in, if it is not the main one; and
    /// whether that is a call of a macro.
    pub fn call(&self, span: Span) -> Option<(Span, bool)> {
        let inner = self.text_of(span.start).max(self.text_of(span.end));
        let other = self.other(inner)?;
        if let OtherKind::Value(_, of) = other.kind {
            return self.call(of);
        }
        Some((other.call?, matches!(other.kind, OtherKind::Expansion(_))))
    }

    /// The real text around a span, and the texts that brought this in, outward.
    pub fn around(&self, span: Span) -> impl Iterator<Item = &str> {
        let calls = std::iter::successors(Some(span), |&span| Some(self.call(span)?.0));
        calls.filter_map(|span| match self.other(self.text_of(span.start)).map(|it| it.kind) {
            None => Some(self.main),
            Some(OtherKind::Real(text)) => Some(self.real(text)),
            Some(OtherKind::Expansion(_) | OtherKind::Value(..)) => None,
        })
    }

    /// The statement of a unit's own text that brought in what stands at a span, over however many others.
    pub fn outermost(&self, mut span: Span) -> Span {
        while let Some((call, _)) = self.call(span) {
            span = call;
        }
        span
    }

    /// The line around a position.
    pub fn line_around(&self, position: u32) -> Span {
        let id = self.text_of(position);
        let (text, base) = match self.other(id) {
            None => (self.main, self.base),
            Some(Other { base, kind: OtherKind::Real(text), .. }) => (self.real(text), base),
            Some(Other { base, kind: OtherKind::Expansion(body), .. }) => (self.at(body), base),
            Some(Other { base, kind: OtherKind::Value(value, _), .. }) => {
                (&self.values[value], base)
            }
        };
        let at = (position - base) as usize;
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        Span::new(base + start as u32, base + end as u32)
    }

    fn in_others(&self, span: Span) -> &str {
        let id = self.text_of(span.start);
        let found = match self.other(id) {
            None => None,
            Some(Other { base, kind: OtherKind::Real(text), .. }) => {
                self.real(text).get(shifted(span, base, 0).range())
            }
            Some(Other { base, kind: OtherKind::Expansion(body), .. }) => {
                return self.at(shifted(span, base, body.start));
            }
            Some(Other { base, kind: OtherKind::Value(value, _), .. }) => {
                self.values[value].get(shifted(span, base, 0).range())
            }
        };
        found.unwrap_or("")
    }
}

fn shifted(span: Span, from: u32, to: u32) -> Span {
    Span::new(span.start - from + to, span.end.saturating_sub(from) + to)
}

impl Text for Texts<'_> {
    /// Nothing for a span over more than one text.
    fn at(&self, span: Span) -> &str {
        let [start, end] = [span.start, span.end].map(|at| at.wrapping_sub(self.base) as usize);
        self.main.get(start..end).unwrap_or_else(|| self.in_others(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use logos::Logos;

    #[test]
    fn each_text_has_its_own_positions_and_knows_where_it_is_from() {
        let texts = Texts::new("abc\n", &[]);
        let call = Span::new(0, 3);
        let (text, base) = texts.include("first line\nbody x\n".to_owned(), Some(call)).unwrap();
        assert_eq!((text.len(), base), (18, 5));
        let body = Span::new(base + 11, base + 17);
        assert_eq!(body.of(&texts), "body x");
        let within = Span::new(base, base + 5);
        let at = texts.expand(body, within).unwrap();
        let word = Span::new(at, at + 4);
        assert_eq!(word.of(&texts), "body");
        let text = RealText::Included(0);
        assert_eq!(texts.origin(word), Origin { text, span: Span::new(11, 15) });
        // From the expansion into an argument: the line of the body.
        let over = Span::new(at + 5, 3);
        assert_eq!(texts.origin(over), Origin { text, span: Span::new(16, 17) });
        assert_eq!(over.of(&texts), "");
        assert_eq!(texts.call(word), Some((within, true)));
        assert_eq!(texts.call(within), Some((call, false)));
        assert_eq!(texts.call(call), None);
        assert_eq!(texts.outermost(word), call);
        assert_eq!((texts.scope(word), texts.scope(body), texts.outer_scope(2)), (2, 0, 0));
    }

    #[test]
    fn a_value_is_from_where_its_expression_stands() {
        let texts = Texts::new("m n - 1\n", &[]);
        let (call, of) = (Span::new(0, 7), Span::new(2, 7));
        let at = texts.expand(call, call).unwrap();
        let of_expanded = Span::new(at + 2, at + 7);
        for (of, from) in [(of, None), (of_expanded, Some((call, true)))] {
            let value = texts.value("48".to_owned(), of).unwrap();
            assert_eq!((value.of(&texts), texts.scope(value)), ("48", 0));
            assert_eq!(texts.origin(value).span, Span::new(2, 7));
            assert_eq!(texts.origin(value.after()).span, Span::new(2, 7));
            assert_eq!((texts.call(value), texts.line_around(value.start)), (from, value));
        }
    }

    #[test]
    fn each_unit_has_the_positions_from_its_beginning_on() {
        let texts = Texts::new("main", &["unit\n"]);
        let (_, of_main) = texts.include("abc".to_owned(), Some(Span::new(0, 4))).unwrap();
        texts.begin_unit(1);
        let (_, of_unit) = texts.include("defines".to_owned(), None).unwrap();
        let (text, base) = texts.unit_text().unwrap();
        assert_eq!((text, base), ("unit\n", of_unit + 8));
        let unit = |at| texts.unit_of(Span::new(at, at));
        assert_eq!([0, of_main, of_unit, base, base + 4].map(unit), [0, 0, 1, 1, 1]);
        let word = Span::new(base, base + 4);
        assert_eq!(word.of(&texts), "unit");
        let (text, span) = (RealText::Unit(1), Span::new(0, 4));
        assert_eq!(texts.origin(word), Origin { text, span });
        assert_eq!(texts.around(word).collect::<Vec<_>>(), ["unit\n"]);
        assert_eq!(texts.around(Span::new(of_main, of_main)).collect::<Vec<_>>(), ["abc", "main"]);
    }

    #[test]
    fn a_name_is_spelled_in_one_way() {
        let text = r#"a $"a" $"\x61" $"\u{e9}" $"é" $ $"\q" $""#;
        let texts = Texts::new(text, &[]);
        let names = Kind::lexer(text)
            .spanned()
            .map(|(_, range)| texts.name(Span::new(range.start as u32, range.end as u32)));
        assert_eq!(
            names.collect::<Vec<_>>(),
            ["a", "a", "a", r#"$"é""#, r#"$"é""#, "$", r#"$"\q""#, "$\""]
        );
        let line = Span::new(2, text.len() as u32);
        assert_eq!(texts.name(line), line.of(&texts));
    }

    #[test]
    fn positions_come_to_an_end() {
        let texts = Texts::new("body", &[]);
        let body = Span::new(0, 4);
        texts.others.borrow_mut().push(Other {
            base: POSITIONS - 8,
            kind: OtherKind::Expansion(body),
            call: Some(body),
        });
        assert_eq!(texts.expand(body, body), None);
    }
}
