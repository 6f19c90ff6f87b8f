//! The grammar of one line, in chumsky's combinators.
//!
//! The parser is generic over chumsky's error type: the cheap one for every line, the rich one only
//! for a line that the first has refused.

use super::parser::single;
use super::token::{Kind, Token};
use super::tree::*;
use crate::diagnostics::Span;
use chumsky::extra::ParserExtra;
use chumsky::label::LabelError;
use chumsky::prelude::*;

pub(super) type Tokens<'t> = &'t [Token];

/// What the grammar asks of chumsky's error type.
pub(super) trait Extra<'t>:
    ParserExtra<
        't,
        Tokens<'t>,
        Error: LabelError<'t, Tokens<'t>, &'static str>,
        State = (),
        Context = (),
    > + 't
{
}
impl<'t, E> Extra<'t> for E where
    E: ParserExtra<
            't,
            Tokens<'t>,
            Error: LabelError<'t, Tokens<'t>, &'static str>,
            State = (),
            Context = (),
        > + 't
{
}

/// A label, if there is one, and the statement behind it.
pub(super) fn line<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, (Option<Span>, Statement), E>
{
    let instr = |mnemonic, operands| Statement::Instr { mnemonic, operands };
    let name = || name("an instruction");
    let directive = directive();
    let nothing = || empty().map(|()| Statement::Empty);
    let labelled = choice((
        name().then(operands()).map(move |(name, operands)| instr(name, operands)),
        directive.clone(),
        nothing(),
    ))
    .boxed();
    // Most lines are instructions: that the first name is a label shows only at its colon.
    let after_label = token(Kind::Colon).ignore_then(labelled);
    let first =
        name().then(choice((after_label.map(Behind::Label), operands().map(Behind::Operands))));
    let first = first.map(move |(name, behind)| match behind {
        Behind::Label(statement) => (Some(name), statement),
        Behind::Operands(operands) => (None, instr(name, operands)),
    });
    let other = directive.or(nothing()).map(|statement| (None, statement));
    first.or(other).then_ignore(end_of_line())
}

/// What follows the first name of a line.
enum Behind {
    Label(Statement),
    Operands(Operands),
}

fn operands<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, Operands, E> + Clone {
    let operand = operand();
    let rest = token(Kind::Comma).ignore_then(operand.clone()).repeated().collect();
    operand.then(rest).or_not().map(|found| match found {
        Some((first, rest)) => Operands { first: Some(first), rest },
        None => Operands::default(),
    })
}

fn directive<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, Statement, E> + Clone {
    let expr = || expression();
    let param = move || {
        name("a name")
            .then_ignore(token(Kind::Colon))
            .then(name("a type"))
            .map(|(name, ty)| Param { name, ty })
    };
    let result = move || token(Kind::Arrow).ignore_then(name("a type"));
    let at = move || token(Kind::At).ignore_then(expr()).or_not();

    let version = || token(Kind::Version).ignore_then(expr()).or_not();
    let lazy = || token(Kind::Lazy).or_not().map(|lazy| lazy.is_some());
    let lib = token(Kind::Lib)
        .ignore_then(expr().labelled("a slot number"))
        .then(expect(Kind::Text, "a library in double quotes"))
        .then(name("a function name").or(token(Kind::Text)))
        .then(parenthesised(name("a type").boxed()).then(result().or_not()).or_not())
        .then(version())
        .then(lazy())
        .map(|(((((slot, library), symbol), signature), version), lazy)| Directive::Lib {
            slot,
            library,
            symbol,
            signature,
            version,
            lazy,
        });
    let whole_lib = token(Kind::Lib)
        .ignore_then(token(Kind::Text))
        .then(version())
        .then(lazy())
        .map(|((library, version), lazy)| Directive::WholeLib { library, version, lazy });
    let func = token(Kind::Func)
        .ignore_then(name("a function name"))
        .then(parenthesised(param().boxed()).or_not())
        .then(result().or_not())
        .map(|((name, params), result)| Directive::Func {
            name,
            params: params.unwrap_or_default(),
            result,
        });
    let local = token(Kind::Local)
        .ignore_then(param().separated_by(token(Kind::Comma)).at_least(1).collect())
        .map(Directive::Local);
    let global = token(Kind::Global)
        .ignore_then(param())
        .then(token(Kind::Equals).ignore_then(expr()).or_not())
        .map(|(param, init)| Directive::Global { param, init });
    // An element type is a name that another element follows; a constant's name is not.
    let element_type = name("a type").then_ignore(starts_operand().rewind());
    let data = token(Kind::Data)
        .ignore_then(name("a name"))
        .then(element_type.or_not())
        .then(operand().separated_by(token(Kind::Comma)).at_least(1).collect())
        .then(at())
        .map(|(((name, ty), elements), at)| Directive::Data { name, ty, elements, at });
    let zero = token(Kind::Zero)
        .ignore_then(name("a name"))
        .then(size())
        .then(at())
        .map(|((name, size), at)| Directive::Zero { name, size, at });
    let constant = token(Kind::Const)
        .ignore_then(name("a name"))
        .then_ignore(token(Kind::Equals))
        .then(expr())
        .map(|(name, value)| Directive::Const { name, value });
    let memory = token(Kind::Memory)
        .ignore_then(size())
        .then(token(Kind::Max).ignore_then(size()).or_not())
        .map(|(min, max)| Directive::Memory { min, max });
    let entry = token(Kind::Entry).ignore_then(name("a function name")).map(Directive::Entry);
    let public = token(Kind::Public)
        .ignore_then(name("a name").separated_by(token(Kind::Comma)).at_least(1).collect())
        .map(Directive::Public);
    // A parameter may be written as in the `.func`.
    let external_param =
        name("a type").then(token(Kind::Colon).ignore_then(name("a type")).or_not());
    let external_param = external_param.map(|(first, ty)| ty.unwrap_or(first));
    let function = parenthesised(external_param.boxed())
        .then(result().or_not())
        .or(result().map(|result| (Vec::new(), Some(result))));
    let external_type = choice((
        function.map(|(params, result)| ExternalType::Function { params, result }),
        token(Kind::Colon).ignore_then(name("a type")).map(ExternalType::Global),
        empty().to(ExternalType::Any),
    ));
    let external = name("a name").then(external_type).map(|(name, ty)| External { name, ty });
    let extern_ = token(Kind::Extern)
        .ignore_then(external.separated_by(token(Kind::Comma)).at_least(1).collect())
        .map(Directive::Extern);
    let source = token(Kind::Source)
        .ignore_then(token(Kind::Text))
        .then(expr())
        .map(|(file, crc)| Directive::Source { file, crc });
    let loc = token(Kind::Loc)
        .ignore_then(expr())
        .then(expr())
        .map(|(line, column)| Directive::Loc { line, column });
    let align = token(Kind::Align).ignore_then(size()).map(Directive::Align);
    let include = token(Kind::Include)
        .ignore_then(expect(Kind::Text, "a file in double quotes"))
        .map(Directive::Include);
    let macro_ = token(Kind::Macro)
        .ignore_then(name("a macro name"))
        .then(name("a parameter name").separated_by(token(Kind::Comma)).collect())
        .map(|(name, params)| Directive::Macro { name, params });
    let if_ = token(Kind::If).ignore_then(expr()).map(Directive::If);
    let elif = token(Kind::Elif).ignore_then(expr()).map(Directive::Elif);
    let expansion = token(Kind::Expansion).ignore_then(token(Kind::Text)).map(Directive::Expansion);
    let bare = choice((
        token(Kind::End).to(Directive::End),
        token(Kind::Else).to(Directive::Else),
        token(Kind::EndIf).to(Directive::EndIf),
        token(Kind::EndMacro).to(Directive::EndMacro),
        token(Kind::EndExpansion).to(Directive::EndExpansion),
    ));
    choice((
        loc.boxed(),
        func.boxed(),
        bare.boxed(),
        local.boxed(),
        whole_lib.or(lib).boxed(),
        global.boxed(),
        data.boxed(),
        zero.boxed(),
        constant.boxed(),
        memory.boxed(),
        entry.boxed(),
        public.boxed(),
        extern_.boxed(),
        source.boxed(),
        align.boxed(),
        include.boxed(),
        macro_.boxed(),
        if_.boxed(),
        elif.boxed(),
        expansion.boxed(),
    ))
    .map(|directive| Statement::Directive(Box::new(directive)))
    .boxed()
}

fn operand<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, Operand, E> + Clone {
    let general = expression().map(Operand::Expr).or(token(Kind::Text).map(Operand::Text)).boxed();
    // Nearly every operand is a single token, which needs none of that.
    let simple = custom(|inp| {
        let before = inp.cursor();
        let found = inp.next();
        let more = inp.peek().is_some_and(|next: Token| next.kind.is_operator());
        found.and_then(single).filter(|_| !more).map(Operand::Expr).ok_or_else(|| {
            let span = inp.span_since(&before);
            E::Error::expected_found(["an operand"], found.map(Into::into), span)
        })
    });
    simple.or(general)
}

/// A constant expression: signs and atoms between binary operators, which are put in order
/// afterwards.
pub(super) fn expression<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, Expr, E> + Clone {
    recursive(|expr| {
        let parens = token(Kind::ParenOpen).then(expr).then(token(Kind::ParenClose)).map(
            |((open, inner), close): ((Span, Expr), Span)| Expr {
                span: open.to(close),
                kind: ExprKind::Group(Box::new(inner)),
            },
        );
        let call = function(Kind::Len, ExprKind::Len).or(function(Kind::Defined, ExprKind::Defined));
        let literal = custom(|inp| {
            let before = inp.cursor();
            let found = inp.next();
            found.and_then(single).ok_or_else(|| {
                let span = inp.span_since(&before);
                E::Error::expected_found(["a name or number"], found.map(Into::into), span)
            })
        });
        let sign = select! {
            Token { kind: Kind::Minus, span } => (span, ExprKind::Neg as fn(Box<Expr>) -> ExprKind),
            Token { kind: Kind::Tilde, span } => (span, ExprKind::Invert as fn(Box<Expr>) -> ExprKind),
            Token { kind: Kind::Bang, span } => (span, ExprKind::Not as fn(Box<Expr>) -> ExprKind),
        };
        let atom = sign
            .repeated()
            .collect::<Vec<_>>()
            .then(choice((call, parens, literal)))
            .map(|(signs, atom)| {
                signs.into_iter().rev().fold(atom, |inner, (at, make)| Expr {
                    span: at.to(inner.span),
                    kind: make(Box::new(inner)),
                })
            })
            .boxed();
        let more = binary_op().then(atom.clone()).repeated().collect::<Vec<_>>();
        atom.then(more).map(|(first, more)| climb(first, &mut more.into_iter().peekable(), 0))
    })
    .boxed()
}

/// A function of a name, which is a name like any other where no parenthesis follows.
fn function<'t, E: Extra<'t>>(
    word: Kind,
    make: fn(Span) -> ExprKind,
) -> impl Parser<'t, Tokens<'t>, Expr, E> + Clone {
    let call = token(word)
        .then_ignore(token(Kind::ParenOpen))
        .then(name("a name"))
        .then(token(Kind::ParenClose))
        .map(move |((word, of), close)| Expr { span: word.to(close), kind: make(of) });
    token(word).then(token(Kind::ParenOpen)).rewind().ignore_then(call)
}

fn binary_op<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, BinaryOp, E> + Clone {
    select! {
        Token { kind: Kind::Plus, .. } => BinaryOp::Add,
        Token { kind: Kind::Minus, .. } => BinaryOp::Sub,
        Token { kind: Kind::Star, .. } => BinaryOp::Mul,
        Token { kind: Kind::Slash, .. } => BinaryOp::Div,
        Token { kind: Kind::Percent, .. } => BinaryOp::Rem,
        Token { kind: Kind::ShiftLeft, .. } => BinaryOp::Shl,
        Token { kind: Kind::ShiftRight, .. } => BinaryOp::Shr,
        Token { kind: Kind::And, .. } => BinaryOp::And,
        Token { kind: Kind::Caret, .. } => BinaryOp::Xor,
        Token { kind: Kind::Or, .. } => BinaryOp::Or,
        Token { kind: Kind::Equal, .. } => BinaryOp::Equal,
        Token { kind: Kind::NotEqual, .. } => BinaryOp::NotEqual,
        Token { kind: Kind::Less, .. } => BinaryOp::Less,
        Token { kind: Kind::LessEqual, .. } => BinaryOp::LessEqual,
        Token { kind: Kind::Greater, .. } => BinaryOp::Greater,
        Token { kind: Kind::GreaterEqual, .. } => BinaryOp::GreaterEqual,
        Token { kind: Kind::AndAnd, .. } => BinaryOp::AndAnd,
        Token { kind: Kind::OrOr, .. } => BinaryOp::OrOr,
    }
}

/// Precedence climbing over a flat list of operators and operands.
fn climb<I>(mut left: Expr, more: &mut std::iter::Peekable<I>, least: u8) -> Expr
where
    I: Iterator<Item = (BinaryOp, Expr)>,
{
    while let Some((op, right)) = more.next_if(|(op, _)| op.precedence() >= least) {
        let right = climb(right, more, op.precedence() + 1);
        let span = left.span.to(right.span);
        left = Expr { span, kind: ExprKind::Binary(op, Box::new(left), Box::new(right)) };
    }
    left
}

/// A number of bytes: `4096`, `64 KiB`.
fn size<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, SizeExpr, E> + Clone {
    let unit = select! {
        Token { kind, span } if kind.is_name() && !matches!(kind, Kind::Max | Kind::At) => span,
    };
    let value = expression().labelled("a size, such as `64 KiB`");
    value.then(unit.or_not()).map(|(value, unit)| SizeExpr { value, unit })
}

fn parenthesised<'t, E: Extra<'t>, T: 't>(
    item: Boxed<'t, 't, Tokens<'t>, T, E>,
) -> impl Parser<'t, Tokens<'t>, Vec<T>, E> + Clone {
    item.separated_by(token(Kind::Comma))
        .collect()
        .delimited_by(token(Kind::ParenOpen), token(Kind::ParenClose))
}

fn starts_operand<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, (), E> + Clone {
    select! {
        Token { kind: Kind::Text | Kind::Integer | Kind::Float | Kind::Char, .. } => (),
        Token { kind: Kind::ParenOpen | Kind::Minus | Kind::Tilde | Kind::Bang, .. } => (),
        Token { kind, .. } if kind.is_name() => (),
    }
}

fn token<'t, E: Extra<'t>>(kind: Kind) -> impl Parser<'t, Tokens<'t>, Span, E> + Copy {
    expect(kind, describe(kind))
}

/// A name, called something else when it is missing.
fn name<'t, E: Extra<'t>>(what: &'static str) -> impl Parser<'t, Tokens<'t>, Span, E> + Copy {
    matching(what, |token| token.kind.is_name())
}

/// A token, called by another name when it is missing.
fn expect<'t, E: Extra<'t>>(
    kind: Kind,
    what: &'static str,
) -> impl Parser<'t, Tokens<'t>, Span, E> + Copy {
    matching(what, move |token| token.kind == kind)
}

/// A token of a certain form. `labelled` would do the same, but costs the cheap parser something.
fn matching<'t, E: Extra<'t>>(
    what: &'static str,
    fits: impl Fn(Token) -> bool + Copy,
) -> impl Parser<'t, Tokens<'t>, Span, E> + Copy {
    custom(move |inp| {
        let before = inp.cursor();
        match inp.next() {
            Some(token) if fits(token) => Ok(token.span),
            found => {
                let span = inp.span_since(&before);
                Err(E::Error::expected_found([what], found.map(Into::into), span))
            }
        }
    })
}

fn end_of_line<'t, E: Extra<'t>>() -> impl Parser<'t, Tokens<'t>, (), E> + Copy {
    custom(|inp| {
        let before = inp.cursor();
        match inp.next() {
            None => Ok(()),
            found => {
                let span = inp.span_since(&before);
                Err(E::Error::expected_found(["the end of the line"], found.map(Into::into), span))
            }
        }
    })
}

/// How messages call a token.
pub(super) fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::At => "`at`",
        Kind::Version => "`version`",
        Kind::Lazy => "`lazy`",
        Kind::Max => "`max`",
        Kind::Newline => "the end of the line",
        kind if kind.is_name() => "a name",
        Kind::Integer => "an integer",
        Kind::Float => "a float",
        Kind::OpenQuoted => "a name",
        Kind::Text | Kind::OpenText => "a text in double quotes",
        Kind::Char | Kind::OpenChar => "a character in single quotes",
        Kind::Colon => "`:`",
        Kind::Comma => "`,`",
        Kind::ParenOpen => "`(`",
        Kind::ParenClose => "`)`",
        Kind::Equals => "`=`",
        Kind::Arrow => "`->`",
        Kind::Unknown => "an unknown character",
        _ if kind.is_operator() => "an operator",
        _ => "a directive",
    }
}
