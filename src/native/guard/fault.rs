//! What is told of a crash.

use super::system;
use super::text::Text;
use std::fmt;
use std::time::Duration;

/// A call of native code that did not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The index of the import that was called.
    pub import: usize,
    /// The function that was called.
    pub function: String,
    /// Its library, as the program names it.
    pub library: String,
    /// Which generation of the library it was, counted from 1.
    pub generation: u32,
    /// What happened, and where.
    pub crash: Crash,
}

impl Fault {
    /// File and line of the library's source, such as `math_ops.c:12`, where the library tells by
    /// its debug information. That is read only now.
    pub fn source_line(&self) -> Option<String> {
        self.crash.source_line()
    }

    /// Whether the process must end, because the crash may have left a lock held or the heap
    /// damaged. See [`end_process`](crate::native::end_process).
    pub fn is_tainted(&self) -> bool {
        self.crash.taint.is_some()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { function, library, generation, crash, .. } = self;
        let (callee, generation) = (Callee::Function(function), Some(*generation));
        Sentence { callee, library, generation, crash }.fmt(f)
    }
}

/// What happened to a call, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// What stopped it.
    pub cause: Cause,
    /// The address of the instruction that was being executed.
    pub pc: usize,
    /// The same as the nearest symbol, or file, and the distance from it: `parse+0x1c`. Empty where
    /// no library is.
    pub place: Text<96>,
    /// The address in the library's own code, where that is known: `pc`, or else where it called
    /// the function of the C library that crashed.
    pub code: Option<usize>,
    /// Why the process cannot go on, if so.
    pub taint: Option<Taint>,
}

impl Crash {
    /// File and line of the library's source, where its debug information tells.
    pub fn source_line(&self) -> Option<String> {
        system::source_line(self.code?)
    }
}

/// What stopped a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGSEGV or SIGBUS: memory that is not there, or not to be used so.
    Memory {
        /// The signal's name.
        signal: &'static str,
        /// What was tried.
        access: Access,
        /// Where; `None` where the processor refuses the address itself.
        address: Option<usize>,
    },
    /// SIGFPE: an integer division by zero, or one whose result is too large.
    Division,
    /// SIGFPE of another kind.
    Arithmetic,
    /// SIGILL.
    Instruction,
    /// SIGTRAP: a breakpoint, or a place that the compiler takes to be out of reach.
    Breakpoint,
    /// The function called `abort`, or the C library did.
    Abort {
        /// The C library's last words, such as those of a failed `assert`. May be empty.
        message: Text<192>,
    },
    /// The function sent this signal to itself.
    Raised(&'static str),
    /// Calls were nested too deep, or a local variable was too large.
    StackOverflow,
    /// It did not return in the time allowed.
    Timeout(Duration),
}

/// What was tried on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read it.
    Read,
    /// To write it.
    Write,
    /// To execute it.
    Execute,
    /// The processor does not say.
    Unknown,
}

/// Why a process cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taint {
    /// The C library found its own data damaged, and may hold locks.
    Damage,
    /// The crash was in code, outside of the library, that may hold locks.
    Foreign,
    /// The system's loader was at work, which holds a lock.
    Loader,
}

/// What has crashed.
#[derive(Clone, Copy, Debug)]
pub enum Callee<'a> {
    /// A function of this name.
    Function(&'a str),
    /// A function that has none for others.
    Initialiser,
    /// What the system's loader runs before a library is there,
    Loading,
    /// and before it is gone.
    Unloading,
    /// Code that nobody has called from here: in a thread of the library's own, or at the very end.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no guard, no crash"))]
    Unasked,
}

impl fmt::Display for Callee<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callee::Function(name) => write!(f, "`{name}`"),
            Callee::Initialiser => f.write_str("an initialiser"),
            Callee::Loading => f.write_str("the loading"),
            Callee::Unloading => f.write_str("the unloading"),
            Callee::Unasked => f.write_str("code outside of any call"),
        }
    }
}

/// The sentence about a crash. It needs no heap, which may be what is damaged.
pub struct Sentence<'a> {
    pub callee: Callee<'a>,
    pub library: &'a str,
    /// Where it is known.
    pub generation: Option<u32>,
    pub crash: &'a Crash,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sentence { callee, library, generation, crash } = self;
        let file = library.rsplit(['/', '\\']).next().unwrap_or(library);
        write!(f, "{callee} of {file} ")?;
        if let Some(generation) = generation {
            write!(f, "(generation {generation}) ")?;
        }
        let verb = if matches!(crash.cause, Cause::Timeout(_)) { "" } else { "crashed: " };
        write!(f, "{verb}{crash}")
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at ", self.cause)?;
        match self.place.as_str() {
            "" => write!(f, "{:#x}, where no code is", self.pc)?,
            place => f.write_str(place)?,
        }
        match self.taint {
            None => Ok(()),
            Some(taint) => write!(f, "; {taint}, so the process has to end"),
        }
    }
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Taint::Damage => "the heap is damaged",
            Taint::Foreign => "that is outside of the library and may hold a lock",
            Taint::Loader => "the system's loader holds its lock",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Memory { signal, access, address } => {
                write!(f, "{signal} {access} ")?;
                match address {
                    Some(address) => write!(f, "address {address:#x}"),
                    None => f.write_str("an impossible or misaligned address"),
                }
            }
            Cause::Division => f.write_str("SIGFPE, an integer division by zero"),
            Cause::Arithmetic => f.write_str("SIGFPE, bad arithmetic"),
            Cause::Instruction => f.write_str("SIGILL, not a valid instruction"),
            Cause::Breakpoint => f.write_str("SIGTRAP, a breakpoint"),
            Cause::Abort { message } if message.as_str().is_empty() => {
                f.write_str("SIGABRT, it called `abort`")
            }
            Cause::Abort { message } => write!(f, "SIGABRT, \"{message}\""),
            Cause::Raised(signal) => write!(f, "{signal}, sent by itself"),
            Cause::StackOverflow => f.write_str("SIGSEGV, its stack overflowed"),
            Cause::Timeout(limit) => {
                write!(f, "did not return within {} s and was interrupted", limit.as_secs_f64())
            }
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Read => "reading",
            Access::Write => "writing",
            Access::Execute => "executing",
            Access::Unknown => "using",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_function_file_generation_cause_and_place() {
        let cause = Cause::Memory { signal: "SIGSEGV", access: Access::Read, address: Some(0) };
        let mut crash = Crash {
            cause,
            pc: 0x1234,
            place: Text::from_bytes(b"parse+0x1c"),
            code: None,
            taint: None,
        };
        let told = |crash: &Crash| {
            let (callee, library) = (Callee::Function("parse"), "../native/math_ops.c");
            Sentence { callee, library, generation: Some(3), crash }.to_string()
        };
        assert_eq!(
            told(&crash),
            "`parse` of math_ops.c (generation 3) crashed: SIGSEGV reading address 0x0, at parse+0x1c"
        );
        crash.cause = Cause::Timeout(Duration::from_millis(1500));
        crash.place = Text::EMPTY;
        crash.taint = Some(Taint::Foreign);
        let text = told(&crash);
        assert!(text.contains("did not return within 1.5 s and was interrupted, at 0x1234"));
        assert!(text.ends_with("so the process has to end"), "{text}");
    }
}
