//! Why a call was not made, or did not return.

use crate::diagnostics::Code;
use crate::isa::{Bytes, CType, Import, Unsigned, ValueType};
use crate::native::guard::{Cause, Fault, Stopped};
use std::fmt;

/// Why a native function was not called, or did not return. Displayed, it is the message of a trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The slot has no function.
    Unbound {
        /// The slot's number.
        slot: u16,
        /// The function that it would call.
        function: String,
        /// The library that has it.
        library: String,
    },
    /// An argument does not fit its parameter's C type.
    BadArgument {
        /// What happened, naming argument, value, type and function.
        message: String,
    },
    /// An argument names bytes that are not in memory.
    OutOfBounds {
        /// What happened, naming argument and function.
        message: String,
        /// Where the bytes begin.
        address: u64,
        /// How many there are.
        length: u64,
        /// The size of memory.
        size: u64,
    },
    /// The function crashed, or took too long.
    Fault(Box<Fault>),
}

impl CallError {
    /// The code of the trap.
    pub fn code(&self) -> Code {
        match self {
            CallError::Unbound { .. } => Code::SlotUnbound,
            CallError::BadArgument { .. } => Code::BadArgument,
            CallError::OutOfBounds { .. } => Code::OutOfBounds,
            CallError::Fault(fault) => match fault.crash.cause {
                Cause::Timeout(_) => Code::NativeTimeout,
                _ => Code::NativeFault,
            },
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Unbound { slot, function, library } => {
                write!(f, "slot {slot} is not bound: `{function}` of `{library}` is not loaded")
            }
            CallError::BadArgument { message } | CallError::OutOfBounds { message, .. } => {
                f.write_str(message)
            }
            CallError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}

/// The same in few words, until there is time for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::native) enum Failure {
    /// The arguments do not fit, so no call was made.
    Misfit(Misfit),
    /// The call did not return.
    Stopped(Stopped),
}

impl From<Misfit> for Failure {
    fn from(misfit: Misfit) -> Failure {
        Failure::Misfit(misfit)
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Failure {
        Failure::Stopped(stopped)
    }
}

/// Why arguments do not fit, in few words, for a path that is hot as long as all goes well. Parameters count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::native) enum Misfit {
    /// Not as many cells as the signature takes.
    Count { expected: usize },
    /// The value is not one of its type.
    Range { param: usize },
    /// The bytes are not all in memory.
    Outside { param: usize, address: u64, length: u64 },
    /// The text does not end in memory.
    Unterminated { param: usize, address: u64 },
    /// No native function returned this pointer.
    Pointer { param: usize },
}

impl Misfit {
    /// The error in full.
    #[cold]
    pub fn explain(self, import: &Import, args: &[u64], size: usize) -> CallError {
        let size = size as u64;
        let of = |param: usize| format!("argument {} of `{}`", param + 1, import.symbol);
        let bad = |message| CallError::BadArgument { message };
        match self {
            Misfit::Count { expected } => bad(format!(
                "`{}` takes {expected} {} from the stack and was given {}",
                import.symbol,
                if expected == 1 { "value" } else { "values" },
                args.len()
            )),
            Misfit::Range { param } => {
                let (ctype, value) = argument(import, args, param);
                let range = match ctype.integer_range() {
                    Some((least, greatest)) => format!("{least} to {greatest}"),
                    None => "finite values up to 3.4028235e38".to_owned(),
                };
                let a = if ctype.to_string().starts_with(['i', 'f']) { "an" } else { "a" };
                bad(format!("{} is {value}, which is not {a} {ctype} ({range})", of(param)))
            }
            Misfit::Pointer { param } => {
                let (_, value) = argument(import, args, param);
                bad(format!(
                    "{} is {value}, which is neither 0 nor a pointer that a native function returned",
                    of(param)
                ))
            }
            Misfit::Outside { param, address, length } => {
                let what = match import.signature.params.get(param) {
                    Some(CType::Cstr) => "a text".to_owned(),
                    _ => Bytes(length).to_string(),
                };
                let (of, at, all) = (of(param), Unsigned(address), Bytes(size));
                let message = format!("{of} is {what} at address {at}, outside of {all} of memory");
                CallError::OutOfBounds { message, address, length, size }
            }
            Misfit::Unterminated { param, address } => CallError::OutOfBounds {
                message: format!(
                    "{} is a text at address {address} that does not end with a zero byte within \
                     {} of memory",
                    of(param),
                    Bytes(size)
                ),
                address,
                length: size.saturating_sub(address).saturating_add(1),
                size,
            },
        }
    }
}

/// The type of a parameter, and the value given for it.
fn argument(import: &Import, args: &[u64], param: usize) -> (CType, String) {
    let params = &import.signature.params;
    let ctype = params.get(param).copied().unwrap_or(CType::Void);
    let cell = params.iter().take(param).map(|p| p.cells().len()).sum::<usize>();
    let value_type = ctype.cells().first().copied().unwrap_or(ValueType::I64);
    (ctype, value_type.format(args.get(cell).copied().unwrap_or_default()))
}
