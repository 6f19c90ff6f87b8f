//! The instruction set: one table, and what expands from it.
//!
//! `ops` holds the only list of instructions. The enum, the mnemonic lookup, the byte codec, the
//! verifier's stack effects and `docs/isa.md` are expansions of it. This room also holds the types
//! that programs speak of: the two value types of the operand stack and the C types of native
//! signatures.
//!
//! It knows nothing of text, files, engines or libraries.
#![forbid(unsafe_code)]

mod ctype;
mod elsewhere;
mod import;
mod instr;
pub mod leb128;
pub mod name;
mod numbers;
mod op;
mod ops;
pub mod reference;
mod value;

pub use ctype::{CType, Signature};
pub use elsewhere::{Counterpart, known_elsewhere};
pub use import::Import;
pub use instr::{Code, CodeError, CodeErrorReason, Instr, Table, write_operand};
pub use numbers::{Bytes, Unsigned};
pub use op::{Group, Op, OperandKind, Ty};
pub(crate) use ops::for_each_op;
pub use value::{FuncType, ValueType};
