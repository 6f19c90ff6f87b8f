//! What became of the variables.

use serde::Serialize;
use std::fmt;

/// How many variables a line names.
const NAMED: usize = 3;

/// What became of a library's static variables when its next generation took over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StateReport {
    /// Those that kept their value.
    pub carried: Vec<Carried>,
    /// Those, or fields of those, that nothing had changed since the library was loaded, and whose
    /// initial value is another in the new generation: it counts.
    pub edited: Vec<String>,
    /// Those, or fields of those, that start from their initial value.
    pub fresh: Vec<Fresh>,
    /// Those, or fields of those, that the new generation has no more. Only values that had changed
    /// are told of.
    pub gone: Vec<String>,
    /// Why nothing is known of the variables, if that is so.
    pub unread: Option<&'static str>,
}

/// A variable that kept its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Its name, with the function or namespace that it is in: `tick::calls`.
    pub name: String,
    /// Its type before and now, if that changed and the value was converted.
    pub converted: Option<(String, String)>,
}

/// A variable that starts from its initial value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fresh {
    /// Its name, and the path of a field if it is only that: `config.limits[]`.
    pub name: String,
    /// Why it could not be carried over.
    pub reason: Reason,
    /// Whether a value is lost by that. It is not where the variable still had its initial value.
    pub lost: bool,
}

/// Why a variable could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// It is or holds a pointer, perhaps into the old generation.
    Pointer {
        /// Where inside of it, if it is not one itself: `.next`.
        path: String,
    },
    /// It is a number that began as an address.
    Address,
    /// It may depend on a pointer in its sight, whose value is lost.
    Beside {
        /// That pointer.
        pointer: String,
    },
    /// Each thread has its own.
    ThreadLocal,
    /// The compiler keeps it, or this part of it, out of memory, in the old or new generation.
    Folded,
    /// The loader keeps one for all generations.
    Shared,
    /// A variable of a C++ function that is initialised when the function first runs.
    RunsOnce,
    /// Its function has several of this name, and not as many as before.
    SeveralOfTheName,
    /// Its type is another.
    TypeChanged {
        /// The type before.
        from: String,
        /// The type now.
        to: String,
    },
    /// Its value is none of the new type.
    DoesNotFit {
        /// The value or enumerator.
        value: String,
        /// The new type.
        to: String,
    },
    /// The array got shorter, and what would be cut off had changed.
    Shortened,
    /// The compiler stores it as a flag for one of two values, and its value is neither.
    TwoValued,
    /// It has no fixed size, or is larger than is copied while a program waits.
    Size,
    /// The debug information does not explain its type, or contradicts the file.
    Unknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Pointer { path } => match path.trim_start_matches(['[', ']', '.']) {
                "" => f.write_str("it holds a pointer"),
                field => write!(f, "its {field} is a pointer"),
            },
            Reason::Address => f.write_str("it holds an address"),
            Reason::Beside { pointer } => {
                write!(f, "it may depend on {pointer}, see --partial-state")
            }
            Reason::ThreadLocal => f.write_str("each thread has its own"),
            Reason::Folded => f.write_str("the compiler keeps it out of memory"),
            Reason::Shared => f.write_str("all generations share it"),
            Reason::RunsOnce => f.write_str("its initialiser runs with its function"),
            Reason::SeveralOfTheName => {
                f.write_str("its function has several of this name, and not as many as before")
            }
            Reason::TypeChanged { from, to } => {
                write!(f, "its type changed from {from} to {to}")
            }
            Reason::DoesNotFit { value, to } => write!(f, "{value} does not fit {to}"),
            Reason::Shortened => f.write_str("what its new length cuts off was in use"),
            Reason::TwoValued => f.write_str("the compiler keeps it as one of two other values"),
            Reason::Size => f.write_str("its size is not fixed or too large"),
            Reason::Unknown => f.write_str("the debug information does not explain it"),
        }
    }
}

impl StateReport {
    /// Whether there is nothing to tell of: no value was carried over, and none was lost.
    pub fn is_empty(&self) -> bool {
        let lists = [self.carried.len(), self.edited.len(), self.gone.len()];
        self.unread.is_none() && lists == [0; 3] && !self.fresh.iter().any(|fresh| fresh.lost)
    }
}

/// One line for people, such as `state: 5 variables carried, 1 fresh (log: it holds a pointer)`.
/// What starts afresh without loss is left out.
impl fmt::Display for StateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = self.unread {
            return write!(f, "state: all variables start afresh ({why})");
        }
        let variables = if self.carried.len() == 1 { "variable" } else { "variables" };
        write!(f, "state: {} {variables} carried", self.carried.len())?;
        let lost = self.fresh.iter().filter(|fresh| fresh.lost);
        let lost = lost.map(|fresh| format!("{}: {}", fresh.name, fresh.reason));
        some(f, "fresh", &lost.collect::<Vec<_>>(), "; ")?;
        some(f, "with a new initial value", &self.edited, ", ")?;
        some(f, "gone", &self.gone, ", ")
    }
}

fn some(f: &mut fmt::Formatter<'_>, what: &str, items: &[String], gap: &str) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    let named = items[..items.len().min(NAMED)].join(gap);
    let more = if items.len() > NAMED { ", …" } else { "" };
    write!(f, ", {} {what} ({named}{more})", items.len())
}
