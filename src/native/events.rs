//! What happens to libraries, step by step, for people and for programs.

use super::libraries::BindError;
use super::signature::Unchecked;
use super::state::StateReport;
use crate::diagnostics::Diagnostic;
use blake3::Hash;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The version of the JSON form, in every line. It grows when a field changes its meaning or goes;
/// new fields and kinds do not change it.
pub const EVENT_VERSION: u32 = 1;

/// A step in the life of a library.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub time: SystemTime,
    /// The library as the program names it.
    pub library: String,
    /// The generation that the step is about, counted from 1.
    pub generation: u32,
    /// The hash of its content, where it is known.
    pub content: Option<Hash>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a library.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// Its first generation is in use.
    Loaded {
        /// How long the compiler took, if it had to run.
        built: Option<Duration>,
        /// Its slots: number and function.
        slots: Vec<(u16, String)>,
    },
    /// A file that it is made from has changed.
    Noticed,
    /// What was found is not taken; the generation in use stays.
    Rejected(Box<BindError>),
    /// Something about a generation is in doubt, without being a reason to refuse it: the compiler's
    /// warnings, or another version where the user lets that pass.
    Warned(Box<BindError>),
    /// A new generation is ready and waits for the program's next safepoint.
    Prepared {
        /// How long that took, the compiler included.
        took: Duration,
    },
    /// A new generation is in use.
    Published {
        /// For how long the program stood still.
        pause: Duration,
        /// How long the compiler took, if it had to run.
        built: Option<Duration>,
        /// The slots that changed: number and function.
        slots: Vec<(u16, String)>,
        /// What became of its variables; `None` where they began anew or were its own concern.
        state: Option<StateReport>,
    },
    /// A generation has crashed, and the one before it is in use again.
    RolledBack {
        /// The generation in use now.
        to: u32,
        /// What happened.
        reason: String,
    },
    /// Functions are called by the word of their `.lib` alone, since their library does not tell
    /// their signatures.
    Unchecked(Unchecked),
    /// A generation is no longer in use. One that is unmapped later is told again then.
    Retired {
        /// Whether its code was unmapped.
        unloaded: bool,
        /// Why it was not, where that is wished.
        kept: Option<String>,
    },
}

/// Where events go. It is called on whichever thread a step happens; on the program's own, the
/// program waits for it.
#[derive(Clone)]
pub struct EventSink(Arc<dyn Fn(Event) + Send + Sync>);

impl EventSink {
    /// A sink that hands events to a function.
    pub fn new(each: impl Fn(Event) + Send + Sync + 'static) -> EventSink {
        EventSink(Arc::new(each))
    }

    pub(super) fn emit(
        &self,
        library: &str,
        generation: u32,
        content: Option<Hash>,
        kind: EventKind,
    ) {
        self.send(Event::new(library, generation, content, kind));
    }

    pub(super) fn send(&self, event: Event) {
        (self.0)(event);
    }
}

impl Default for EventSink {
    /// A sink that forgets.
    fn default() -> Self {
        EventSink::new(|_| ())
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    /// Milliseconds since 1970.
    time_ms: u64,
    event: &'static str,
    library: &'a str,
    generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(flatten)]
    details: serde_json::Value,
}

impl Event {
    /// Something that happens now.
    pub(super) fn new(
        library: &str,
        generation: u32,
        content: Option<Hash>,
        kind: EventKind,
    ) -> Event {
        Event { time: SystemTime::now(), library: library.to_owned(), generation, content, kind }
    }

    /// The event as a line of JSON, with its newline.
    pub fn to_json(&self) -> String {
        let since = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (event, details) = self.kind.details();
        let line = Line {
            version: EVENT_VERSION,
            time_ms: since.as_millis() as u64,
            event,
            library: &self.library,
            generation: self.generation,
            content: self.content.map(|hash| hash.to_hex().to_string()),
            details,
        };
        let mut json = serde_json::to_string(&line).expect("strings and numbers always serialize");
        json.push('\n');
        json
    }
}

impl EventKind {
    fn details(&self) -> (&'static str, serde_json::Value) {
        use serde_json::json;
        let diagnosed = |error: &BindError| {
            let Diagnostic { code, message, notes, .. } = &error.diagnostic;
            json!({ "code": code.name(), "message": message, "notes": notes })
        };
        let millis = |time: &Option<Duration>| time.map(|t| t.as_secs_f64() * 1000.0);
        let list = |slots: &[(u16, String)]| -> Vec<_> {
            slots.iter().map(|(slot, symbol)| json!({ "slot": slot, "symbol": symbol })).collect()
        };
        match self {
            EventKind::Loaded { built, slots } => {
                ("loaded", json!({ "built_ms": millis(built), "slots": list(slots) }))
            }
            EventKind::Noticed => ("noticed", json!({})),
            EventKind::Rejected(error) => ("rejected", diagnosed(error)),
            EventKind::Warned(error) => ("warned", diagnosed(error)),
            EventKind::Prepared { took } => {
                ("prepared", json!({ "took_ms": millis(&Some(*took)) }))
            }
            EventKind::Published { pause, built, slots, state } => (
                "published",
                json!({ "pause_ns": pause.as_nanos() as u64, "built_ms": millis(built),
                        "slots": list(slots), "state": state }),
            ),
            EventKind::RolledBack { to, reason } => {
                ("rolled_back", json!({ "to_generation": to, "reason": reason }))
            }
            EventKind::Unchecked(unchecked) => {
                ("unchecked", json!({ "functions": unchecked.functions }))
            }
            EventKind::Retired { unloaded, kept } => {
                ("retired", json!({ "unloaded": unloaded, "kept": kept }))
            }
        }
    }
}

/// For people: one line, without the time.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.library.rsplit(['/', '\\']).next().unwrap_or(&self.library);
        let slots = |slots: &[(u16, String)]| {
            let slots: Vec<_> =
                slots.iter().map(|(n, symbol)| format!("slot {n} {symbol}")).collect();
            slots.join(", ")
        };
        let how = |built: &Option<Duration>, otherwise| match built {
            Some(time) => format!("built in {} ms", time.as_millis()),
            None => String::from(otherwise),
        };
        let number = self.generation;
        match &self.kind {
            EventKind::Loaded { built, slots: its } => {
                write!(f, "{name}: {}, generation {number}; {}", how(built, "loaded"), slots(its))
            }
            EventKind::Noticed => write!(f, "{name}: has changed"),
            EventKind::Rejected(error) => {
                write!(f, "{name}: rejected ({}), generation {number} stays", error.diagnostic.code)
            }
            EventKind::Prepared { took } => {
                write!(f, "{name}: generation {number} ready after {} ms", took.as_millis())
            }
            EventKind::Published { built, slots: its, state, .. } => {
                let how = match built {
                    Some(_) => format!("re{}", how(built, "")),
                    None => "reloaded".to_owned(),
                };
                write!(f, "{name}: {how}, generation {number}; {} now new", slots(its))?;
                match state {
                    Some(state) if !state.is_empty() => write!(f, "; {state}"),
                    _ => Ok(()),
                }
            }
            EventKind::RolledBack { to, reason } => {
                write!(
                    f,
                    "{name}: generation {number} crashed in {reason}; generation {to} is back"
                )
            }
            EventKind::Unchecked(unchecked) => unchecked.fmt(f),
            EventKind::Warned(warning) => {
                write!(
                    f,
                    "{name}: generation {number}, with a warning ({})",
                    warning.diagnostic.code
                )
            }
            EventKind::Retired { unloaded: true, .. } => {
                write!(f, "{name}: generation {number} unloaded")
            }
            EventKind::Retired { kept: Some(why), .. } => {
                write!(f, "{name}: generation {number} retired, still mapped: {why}")
            }
            EventKind::Retired { .. } => {
                write!(f, "{name}: generation {number} retired, still mapped")
            }
        }
    }
}
