//! The syntax tree. Every name and literal is a place in the text.

use crate::diagnostics::Span;

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// Its first byte.
    pub begins: u32,
    /// The label that it begins with, without the colon.
    pub label: Option<Span>,
    /// What it says.
    pub statement: Statement,
    /// From its first token to its last, the label apart.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Nothing, or only a label.
    Empty,
    /// A mnemonic with its operands.
    Instr {
        /// The mnemonic.
        mnemonic: Span,
        /// What follows it.
        operands: Operands,
    },
    /// A directive.
    Directive(Box<Directive>),
}

/// The operands of an instruction. Most have one or none, which takes no memory of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operands {
    /// The first.
    pub first: Option<Operand>,
    /// The others.
    pub rest: Vec<Operand>,
}

impl Operands {
    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Operand> {
        self.first.iter().chain(&self.rest)
    }

    /// How many.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// An operand of an instruction, or an element of `.data`.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A name or constant expression.
    Expr(Expr),
    /// A text in double quotes.
    Text(Span),
}

impl Operand {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Operand::Expr(expr) => expr.span,
            Operand::Text(span) => *span,
        }
    }
}

/// A constant expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of constant expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer literal.
    Integer,
    /// A float literal.
    Float,
    /// A character literal.
    Char,
    /// The name of something; or `inf` or `nan`.
    Name,
    /// `len(name)`, the bytes of a piece of data.
    Len(Span),
    /// `defined(name)`, whether something of this name stands above.
    Defined(Span),
    /// `(a)`. What stands inside keeps its own place, from which a literal or name is read.
    Group(Box<Expr>),
    /// `-a`.
    Neg(Box<Expr>),
    /// `~a`.
    Invert(Box<Expr>),
    /// `!a`.
    Not(Box<Expr>),
    /// `a op b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
}

/// The binary operators of constant expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `||`
    OrOr,
    /// `&&`
    AndAnd,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}

impl BinaryOp {
    /// How tightly it binds; C's order.
    pub fn precedence(self) -> u8 {
        use BinaryOp::*;
        match self {
            OrOr => 1,
            AndAnd => 2,
            Or => 3,
            Xor => 4,
            And => 5,
            Equal | NotEqual => 6,
            Less | LessEqual | Greater | GreaterEqual => 7,
            Shl | Shr => 8,
            Add | Sub => 9,
            Mul | Div | Rem => 10,
        }
    }
}

/// `name: type`, of a parameter, local or global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name.
    pub name: Span,
    /// The name of the type.
    pub ty: Span,
}

/// What an `.extern` says of a name of another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The name.
    pub name: Span,
    /// What it says of its type.
    pub ty: ExternalType,
}

/// What an `.extern` says of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalType {
    /// Nothing.
    Any,
    /// The name of a global's type.
    Global(Span),
    /// The names of a function's types.
    Function {
        /// Of its parameters.
        params: Vec<Span>,
        /// Of its result.
        result: Option<Span>,
    },
}

/// A size in bytes, such as `64 KiB`.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeExpr {
    /// The number.
    pub value: Expr,
    /// The word that follows it.
    pub unit: Option<Span>,
}

/// A directive with its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Directive {
    /// `.lib slot "library" symbol [(types) [-> type]] [version n] [lazy]`
    Lib {
        /// The slot number.
        slot: Expr,
        /// The library, with its quotes.
        library: Span,
        /// The symbol: a name, or a text for names that are none here.
        symbol: Span,
        /// The names of parameter types and of the result type.
        signature: Option<(Vec<Span>, Option<Span>)>,
        /// The version that is needed.
        version: Option<Expr>,
        /// Whether `lazy` is said.
        lazy: bool,
    },
    /// `.lib "library" [version n] [lazy]`: all of its functions.
    WholeLib {
        /// The library, with its quotes.
        library: Span,
        /// The version that is needed.
        version: Option<Expr>,
        /// Whether `lazy` is said.
        lazy: bool,
    },
    /// `.func name [(params)] [-> type]`
    Func {
        /// Its name.
        name: Span,
        /// Its parameters.
        params: Vec<Param>,
        /// The name of its result type.
        result: Option<Span>,
    },
    /// `.end`
    End,
    /// `.local name: type, …`
    Local(Vec<Param>),
    /// `.global name: type [= expr]`
    Global {
        /// Its name and type.
        param: Param,
        /// Its first value.
        init: Option<Expr>,
    },
    /// `.data name [type] element, … [at address]`
    Data {
        /// Its name.
        name: Span,
        /// The name of the element type.
        ty: Option<Span>,
        /// Its contents.
        elements: Vec<Operand>,
        /// Where it is to lie.
        at: Option<Expr>,
    },
    /// `.zero name size [at address]`
    Zero {
        /// Its name.
        name: Span,
        /// Its size.
        size: SizeExpr,
        /// Where it is to lie.
        at: Option<Expr>,
    },
    /// `.const name = expr`
    Const {
        /// Its name.
        name: Span,
        /// Its value.
        value: Expr,
    },
    /// `.memory size [max size]`
    Memory {
        /// The size at the start.
        min: SizeExpr,
        /// The size up to which it may grow.
        max: Option<SizeExpr>,
    },
    /// `.entry name`
    Entry(Span),
    /// `.public name, …`: what other files of the program can name
    Public(Vec<Span>),
    /// `.extern name [: type | (types) [-> type]], …`: what another file of the program makes public
    Extern(Vec<External>),
    /// `.align size`: where the next piece of data begins
    Align(SizeExpr),
    /// `.include "file"`
    Include(Span),
    /// `.macro name parameter, …`
    Macro {
        /// Its name.
        name: Span,
        /// The names of its parameters.
        params: Vec<Span>,
    },
    /// `.endmacro`
    EndMacro,
    /// `.if condition`
    If(Expr),
    /// `.elif condition`
    Elif(Expr),
    /// `.else`
    Else,
    /// `.endif`
    EndIf,
    /// `.expansion "macro"`: what follows came from a call of a macro that stood here
    Expansion(Span),
    /// `.endexpansion`
    EndExpansion,
    /// `.source "file" crc`: the file that the following `.loc` speak of
    Source {
        /// The file, with its quotes.
        file: Span,
        /// The CRC-32 of its text.
        crc: Expr,
    },
    /// `.loc line column`: where the next statement stood in the text that it was made from
    Loc {
        /// The line.
        line: Expr,
        /// The column.
        column: Expr,
    },
}
