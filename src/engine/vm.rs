//! The state of a program.

use super::host::Host;
use super::interp;
use super::memory::Memory;
use super::safepoint::{Doorbell, Request};
use super::trap::{Trap, TrapKind};
use crate::native::Libraries;
use crate::verify::Verified;
use std::fmt;

/// How deep calls may be nested.
pub const MAX_CALL_DEPTH: usize = 100_000;

/// How many cells all calls together may use for their locals and operands (128 MiB).
pub const MAX_STACK: usize = 1 << 24;

/// How a program ended that did not trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It reached its end, or `HALT`.
    Done,
    /// `EXIT` with a status.
    Status(u8),
    /// Nothing reads its output any more.
    OutputClosed,
    /// It was asked to end.
    Stopped,
}

impl Exit {
    /// The exit status of the process.
    pub fn status(self) -> u8 {
        match self {
            Exit::Done | Exit::OutputClosed | Exit::Stopped => 0,
            Exit::Status(status) => status,
        }
    }
}

/// The host does not have the memory that a program begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// What it asks for, in bytes.
    pub wanted: u64,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the program begins with {} bytes of memory, which the system does not have",
            self.wanted
        )
    }
}

/// A program with its state.
pub struct Vm<'p> {
    pub(super) program: &'p Verified,
    pub(super) memory: Memory,
    pub(super) globals: Vec<u64>,
    pub(super) libraries: &'p mut Libraries,
    pub(super) host: &'p mut Host,
    pub(super) doorbell: Doorbell,
}

impl<'p> Vm<'p> {
    /// A program at its start. The libraries and the host outlive it, so that the next run finds the
    /// libraries loaded.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn new(
        program: &'p Verified,
        libraries: &'p mut Libraries,
        host: &'p mut Host,
    ) -> Result<Vm<'p>, OutOfMemory> {
        let module = program.module();
        let wanted = module.memory.min;
        let memory = Memory::new(module.memory, &module.data).ok_or(OutOfMemory { wanted })?;
        let globals = module.globals.iter().map(|global| global.init).collect();
        Ok(Vm { program, memory, globals, libraries, host, doorbell: Doorbell::default() })
    }

    /// Lets the program be reached by a doorbell.
    pub fn listen(&mut self, doorbell: Doorbell) {
        self.doorbell = doorbell;
    }

    /// Does what was asked for. Engines call it at a safepoint, when somebody has rung.
    pub(super) fn safepoint(&mut self) -> Option<Exit> {
        let asked = self.doorbell.answer();
        if asked(Request::Publish) {
            self.libraries.publish_prepared();
        }
        asked(Request::Stop).then_some(Exit::Stopped)
    }

    /// Runs the program from its entry to its end.
    ///
    /// # Errors
    /// When it traps.
    pub fn run(&mut self) -> Result<Exit, Trap> {
        let end = interp::run(self, self.program.module().entry);
        match (end, self.host.flush()) {
            (Err(Trap { kind: TrapKind::OutputClosed, .. }), _)
            | (_, Err(TrapKind::OutputClosed)) => Ok(Exit::OutputClosed),
            (Ok(_), Err(kind)) => Err(Trap { kind, stack: Vec::new(), omitted: 0 }),
            (end, _) => end,
        }
    }

    /// The program's memory.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The bits of the program's globals.
    pub fn globals(&self) -> &[u64] {
        &self.globals
    }
}
