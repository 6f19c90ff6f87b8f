//! Program text: from characters to a syntax tree.
//!
//! One statement stands on one line, and so the tree is handed over line by line ([`parse`]): memory
//! stays small, and a newline is where the parser recovers. The parser never fails. What it cannot
//! read becomes a diagnostic, and it goes on with the next line. The tree holds places in the text
//! instead of strings; [`literal`] reads the values that stand there.
//!
//! This room does not know what names mean, nor which operands an instruction takes.
#![forbid(unsafe_code)]

mod format;
mod grammar;
pub mod literal;
mod parser;
mod token;
mod tree;

pub use format::format;
pub use parser::parse;
pub use token::{Kind, Token};
pub use tree::{
    BinaryOp, Directive, Expr, ExprKind, Line, Operand, Operands, Param, SizeExpr, Statement,
};
