//! Program text: from characters to a syntax tree.
//!
//! One statement stands on one line, and so lines are handed over one by one: memory stays small, and
//! a newline is where reading goes on after an error. A [`Lexer`] splits a text into [`Chunk`]s of some
//! thousand lines: most say so little that this is already read ([`Plain`]), the others are tokens, which
//! a [`Parser`] reads. It never fails: what it cannot read becomes a diagnostic. Between the two, whoever drives them may leave lines out or put others in. The
//! tree holds places in [`Texts`] instead of strings; [`literal`] reads the values that stand there.
//!
//! This room does not know what names mean, nor which operands an instruction takes.
#![forbid(unsafe_code)]

mod chunk;
mod elsewhere;
mod explain;
mod format;
mod grammar;
pub mod literal;
mod odd;
mod parser;
mod plain;
mod texts;
mod token;
mod tree;

pub use chunk::{Chunk, Lexer, RawLine};
pub use elsewhere::{directive_elsewhere, instruction_elsewhere};
pub use explain::without_point;
pub use format::format;
pub use parser::{Parser, Unread};
pub use plain::{Plain, Word};
pub use texts::{Origin, RealText, TextId, Texts};
pub use token::{Kind, Token, first_token, quoted_names};
pub use tree::{
    BinaryOp, Directive, Expr, ExprKind, External, ExternalType, Line, Operand, Operands, Param,
    SizeExpr, Statement,
};
