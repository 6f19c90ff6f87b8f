//! What stops a program.

use crate::diagnostics::Code;
use crate::isa::{Bytes, Unsigned};
use crate::native::CallError;
use crate::verify::Site;
use std::fmt;
use std::io;

/// Why a program stopped.
#[derive(Debug)]
pub enum TrapKind {
    /// An integer was divided by zero.
    DivisionByZero,
    /// An integer result over 64 bits.
    IntegerOverflow,
    /// A float that is too large or too small for an integer of 64 bits was to become one.
    FloatOutOfRange,
    /// NaN was to become an integer.
    InvalidConversion,
    /// So many bytes at an address are not all inside memory of a size.
    OutOfBounds {
        /// The first byte.
        address: u64,
        /// How many.
        length: u64,
        /// The size of memory.
        size: u64,
    },
    /// Calls are nested too deep.
    CallStackExhausted,
    /// The fuel is not enough for what comes next.
    OutOfFuel,
    /// It has run for as long as it may.
    OutOfTime,
    /// Somebody wants it to end at once.
    Interrupted,
    /// A native function could not be called.
    Native(CallError),
    /// A `TRAP` instruction.
    Trap,
    /// `EXIT` with something else than a status.
    BadExitStatus(i64),
    /// `PUTC` with something else than a character.
    NotACharacter(i64),
    /// Standard input or output failed.
    InputOutput(io::Error),
    /// Nothing reads the output any more. Not an error of the program.
    OutputClosed,
}

impl TrapKind {
    /// The error code.
    pub fn code(&self) -> Code {
        match self {
            TrapKind::DivisionByZero => Code::DivisionByZero,
            TrapKind::IntegerOverflow | TrapKind::FloatOutOfRange => Code::IntegerOverflow,
            TrapKind::InvalidConversion => Code::InvalidConversion,
            TrapKind::OutOfBounds { .. } => Code::OutOfBounds,
            TrapKind::CallStackExhausted => Code::CallStackExhausted,
            TrapKind::OutOfFuel => Code::OutOfFuel,
            TrapKind::OutOfTime => Code::OutOfTime,
            TrapKind::Interrupted => Code::Interrupted,
            TrapKind::Native(error) => error.code(),
            TrapKind::Trap => Code::Trap,
            TrapKind::BadExitStatus(_) => Code::BadExitStatus,
            TrapKind::NotACharacter(_) => Code::NotACharacter,
            TrapKind::InputOutput(_) | TrapKind::OutputClosed => Code::InputOutput,
        }
    }

    /// A fact that helps to understand it, where there is one.
    pub fn note(&self) -> Option<String> {
        match self {
            TrapKind::Native(CallError::Fault(fault)) if !fault.is_tainted() => {
                fault.source_line().map(|line| format!("in the source of the library: {line}"))
            }
            _ => None,
        }
    }

    /// What to do about it, where there is something to say.
    pub fn help(&self) -> Option<&'static str> {
        Some(match self {
            TrapKind::FloatOutOfRange => "`FTOIS` and `FTOUS` give the nearest limit instead",
            TrapKind::InvalidConversion => "`FTOIS` and `FTOUS` turn NaN into 0",
            TrapKind::OutOfBounds { .. } => "`.memory` sets the size of memory, `MEMGROW` grows it",
            TrapKind::CallStackExhausted => "does the recursion end?",
            TrapKind::OutOfFuel => "`--fuel` sets how many instructions a program may execute",
            TrapKind::OutOfTime => "`--time-limit` sets how long a program may run",
            TrapKind::Native(CallError::Unbound { .. }) => {
                "bind the slot with `LOAD_LIB` first, and look at what it pushes"
            }
            TrapKind::Native(CallError::Fault(fault)) if fault.is_tainted() => {
                "mend the function and start the program again"
            }
            TrapKind::Native(CallError::Fault(_)) => {
                "mend the function and reload it; what it was changing may be half changed"
            }
            TrapKind::BadExitStatus(_) => "a status is 0 to 255",
            TrapKind::NotACharacter(_) => "characters are 0 to 1114111, but for 55296 to 57343",
            _ => return None,
        })
    }
}

impl fmt::Display for TrapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrapKind::DivisionByZero => f.write_str("division by zero"),
            TrapKind::IntegerOverflow => f.write_str("integer overflow"),
            TrapKind::FloatOutOfRange => f.write_str("integer overflow: the float is out of range"),
            TrapKind::InvalidConversion => f.write_str("NaN has no integer"),
            TrapKind::OutOfBounds { address, length, size } => {
                let are = if *length == 1 { "is" } else { "are" };
                let (bytes, address, size) = (Bytes(*length), Unsigned(*address), Bytes(*size));
                write!(f, "{bytes} at address {address} {are} not inside memory of {size}")
            }
            TrapKind::CallStackExhausted => f.write_str("calls are nested too deep"),
            TrapKind::OutOfFuel => f.write_str("the program is out of fuel"),
            TrapKind::OutOfTime => f.write_str("the program has run for as long as it may"),
            TrapKind::Interrupted => f.write_str("interrupted"),
            TrapKind::Native(error) => error.fmt(f),
            TrapKind::Trap => f.write_str("the program reached a TRAP"),
            TrapKind::BadExitStatus(status) => write!(f, "{status} is not an exit status"),
            TrapKind::NotACharacter(number) => {
                write!(f, "{number} is not the number of a character")
            }
            TrapKind::InputOutput(error) => write!(f, "input or output failed: {error}"),
            TrapKind::OutputClosed => f.write_str("nothing reads the output any more"),
        }
    }
}

/// A program that was stopped, and where.
#[derive(Debug)]
pub struct Trap {
    /// Why.
    pub kind: TrapKind,
    /// The instruction, then the calls that led to it, the innermost first. Of very many calls, only
    /// the innermost and outermost.
    pub stack: Vec<Site>,
    /// How many calls between them are left out of `stack`, after [`Trap::INNERMOST`].
    pub omitted: usize,
}

impl Trap {
    /// How many sites a trap keeps of the innermost calls.
    pub const INNERMOST: usize = 8;
    /// How many sites a trap keeps of the outermost calls.
    pub const OUTERMOST: usize = 2;

    /// A trap at the first of these sites, in the calls that led to it, which follow.
    pub(super) fn new(kind: TrapKind, mut stack: Vec<Site>) -> Trap {
        let omitted = stack.len().saturating_sub(Self::INNERMOST + Self::OUTERMOST);
        if omitted > 0 {
            stack.drain(Self::INNERMOST..Self::INNERMOST + omitted);
        }
        Trap { kind, stack, omitted }
    }
}
