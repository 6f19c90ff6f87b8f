//! The state of a program.

use super::host::Host;
use super::interp;
use super::jit;
use super::limits::{Fuel, Limits};
use super::memory::Memory;
use super::observe::{CodeListener, Profile, ProfileMode, Sampler, Tier, Tracer};
use super::reference;
use super::safepoint::{Doorbell, Request};
use super::trap::{Trap, TrapKind};
use crate::native::Libraries;
use crate::verify::{Site, Verified};
use std::fmt;
use std::sync::Arc;

/// What executes a program. All engines do the same, to the last trap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// The plain interpreter, by which the others are measured.
    Reference,
    /// The fast interpreter.
    Interp,
    /// Machine code of everything.
    Jit,
    /// The fast interpreter, and machine code of what runs for long. Where there is no machine code, the
    /// interpreter alone.
    #[default]
    Auto,
}

impl Engine {
    /// All that there are on this machine.
    pub const ALL: &'static [Engine] = match jit::AVAILABLE {
        true => &[Engine::Reference, Engine::Interp, Engine::Jit, Engine::Auto],
        false => &[Engine::Reference, Engine::Interp, Engine::Auto],
    };

    /// The engine called `name`.
    pub fn from_name(name: &str) -> Option<Engine> {
        Self::ALL.iter().copied().find(|engine| engine.name() == name)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Reference => "reference",
            Engine::Interp => "interp",
            Engine::Jit => "jit",
            Engine::Auto => "auto",
        }
    }

    /// What it is, in a few words.
    pub fn describe(self) -> &'static str {
        match self {
            Engine::Reference => "a plain interpreter, by which the others are measured",
            Engine::Interp => "a fast interpreter; starts at once",
            Engine::Jit => "machine code, made of each function when it is first called",
            Engine::Auto => {
                "begins in the interpreter, and compiles what runs for long; the default"
            }
        }
    }
}

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
    /// What `EXIT` with such a number is.
    ///
    /// # Errors
    /// When it is not a status.
    pub(super) fn with(status: u64) -> Result<Exit, TrapKind> {
        let status = status as i64;
        u8::try_from(status).map(Exit::Status).map_err(|_| TrapKind::BadExitStatus(status))
    }

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
    /// What it may have.
    pub allowed: u64,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfMemory { wanted, allowed } = self;
        write!(f, "the program begins with {wanted} bytes of memory, ")?;
        match wanted > allowed {
            true => write!(f, "but may only have {allowed}"),
            false => f.write_str("which the system does not have"),
        }
    }
}

/// A program with its state.
pub struct Vm<'p> {
    pub(super) program: &'p Arc<Verified>,
    pub(super) memory: Memory,
    pub(super) globals: Vec<u64>,
    pub(super) libraries: &'p mut Libraries,
    pub(super) host: &'p mut Host,
    pub(super) doorbell: Doorbell,
    pub(super) fuel: Fuel,
    pub(super) tracer: Option<Tracer<'p>>,
    pub(super) profile: Option<Profile>,
    #[allow(dead_code, reason = "where nothing is compiled")]
    pub(super) code_listener: Option<CodeListener<'p>>,
    /// How many safepoints it has come to, up to [`Vm::SHORT`].
    safepoints: u32,
    when_long: Option<Box<dyn FnOnce() + 'p>>,
    /// Whether the engine that compiles while the program runs was rung for.
    tier_bell: bool,
    engine: Engine,
    /// The most bytes of bytecode of a function that is compiled.
    #[allow(dead_code, reason = "where nothing is compiled")]
    pub(super) largest: Option<usize>,
}

impl<'p> Vm<'p> {
    /// A program at its start. The libraries and the host outlive it, so that the next run finds the
    /// libraries loaded.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn new(
        program: &'p Arc<Verified>,
        libraries: &'p mut Libraries,
        host: &'p mut Host,
    ) -> Result<Vm<'p>, OutOfMemory> {
        Vm::with_limits(program, libraries, host, Limits::default())
    }

    /// The same, with limits.
    ///
    /// # Errors
    /// When there is not enough memory, or it may not have what it begins with.
    pub fn with_limits(
        program: &'p Arc<Verified>,
        libraries: &'p mut Libraries,
        host: &'p mut Host,
        limits: Limits,
    ) -> Result<Vm<'p>, OutOfMemory> {
        let module = program.module();
        let mut memory = module.memory;
        let allowed = limits.memory.unwrap_or(u64::MAX);
        let too_much = OutOfMemory { wanted: memory.min, allowed };
        if memory.min > allowed {
            return Err(too_much);
        }
        memory.max = memory.max.min(allowed);
        let grows = program.grows_memory();
        let memory = Memory::new(memory, grows, &module.data).ok_or(too_much)?;
        let globals = module.globals.iter().map(|global| global.init).collect();
        let (doorbell, fuel) = (Doorbell::default(), Fuel::new(limits));
        Ok(Vm {
            program,
            memory,
            globals,
            libraries,
            host,
            doorbell,
            fuel,
            tracer: None,
            profile: None,
            code_listener: None,
            safepoints: 0,
            when_long: None,
            tier_bell: false,
            engine: Engine::default(),
            largest: None,
        })
    }

    /// Tells a tracer of every instruction from now on.
    pub fn trace(&mut self, tracer: Tracer<'p>) {
        self.tracer = Some(tracer);
    }

    /// Measures the runs from now on.
    pub fn profile(&mut self, mode: ProfileMode) {
        self.profile = Some(Profile::new(mode, self.program));
    }

    /// What was measured.
    pub fn take_profile(&mut self) -> Option<Profile> {
        self.profile.take()
    }

    /// Tells of all machine code that is made from now on.
    pub fn on_machine_code(&mut self, listener: CodeListener<'p>) {
        self.code_listener = Some(listener);
    }

    /// Lets another engine execute the program.
    pub fn use_engine(&mut self, engine: Engine) {
        self.engine = engine;
    }

    /// Functions with more bytes of bytecode than this stay interpreted, on every engine. Otherwise
    /// [`Engine::Jit`] compiles all that can be, and [`Engine::Auto`] what does not take it long.
    pub fn compile_at_most(&mut self, bytes: usize) {
        self.largest = Some(bytes);
    }

    /// Lets the program be reached by a doorbell.
    pub fn listen(&mut self, doorbell: Doorbell) {
        self.doorbell = doorbell;
    }

    /// Calls a function when the program has come to some safepoints, or before it waits for input or
    /// calls a native function for the first time. What only long programs need can wait until then:
    /// short ones take no longer than starting a thread does.
    pub fn when_long(&mut self, function: impl FnOnce() + 'p) {
        self.when_long = Some(Box::new(function));
    }

    /// The program may run for long, or wait.
    pub(super) fn takes_long(&mut self) {
        if let Some(function) = self.when_long.take() {
            function();
        }
    }

    /// How many safepoints a short program may come to.
    const SHORT: u32 = 100;

    /// Counts a safepoint.
    #[cold]
    fn has_begun(&mut self) {
        self.safepoints += 1;
        if self.safepoints < Self::SHORT {
            return self.doorbell.ring(Request::Begun);
        }
        self.takes_long();
        self.tier_bell = true;
    }

    /// Does what was asked for. Engines call it at a safepoint, when somebody has rung. `tier` runs the
    /// program there; `stack` tells where it is, the innermost call first.
    ///
    /// # Errors
    /// When the program is to trap.
    pub(super) fn safepoint(
        &mut self,
        tier: Tier,
        stack: impl FnOnce() -> Vec<Site>,
    ) -> Result<Option<Exit>, TrapKind> {
        let asked = self.doorbell.answer();
        if asked(Request::Sample)
            && let Some(profile) = &mut self.profile
        {
            profile.sample(tier, stack());
        }
        self.tier_bell |= asked(Request::Tier);
        if asked(Request::Begun) {
            self.has_begun();
        }
        if asked(Request::Publish) {
            self.libraries.publish_prepared();
        }
        if asked(Request::Interrupt) {
            return Err(TrapKind::Interrupted);
        }
        if asked(Request::TimeUp) {
            return Err(TrapKind::OutOfTime);
        }
        Ok(asked(Request::Stop).then_some(Exit::Stopped))
    }

    /// Whether the engine that compiles while the program runs was rung for since the last call.
    pub(super) fn take_tier_bell(&mut self) -> bool {
        std::mem::take(&mut self.tier_bell)
    }

    /// Runs the program from its entry to its end.
    ///
    /// # Errors
    /// When it traps.
    pub fn run(&mut self) -> Result<Exit, Trap> {
        let entry = self.program.module().entry;
        if !self.program.module().imports.is_empty() {
            self.takes_long();
        }
        self.safepoints = 0;
        self.doorbell.ring(Request::Begun);
        let by_time = self.profile.as_ref().is_some_and(|profile| !profile.counts());
        let _sampler = by_time.then(|| {
            // The first is taken where the program begins, so that the shortest run has one.
            self.doorbell.ring(Request::Sample);
            Sampler::start(self.doorbell.clone(), Request::Sample, Profile::INTERVAL)
        });
        let end = match self.engine {
            Engine::Reference => reference::run(self, entry),
            Engine::Interp => interp::run(self, entry),
            Engine::Jit => jit::run(self, entry),
            Engine::Auto => jit::run_tiers(self, entry),
        };
        match (end, self.host.flush()) {
            (Err(Trap { kind: TrapKind::OutputClosed, .. }), _)
            | (_, Err(TrapKind::OutputClosed)) => Ok(Exit::OutputClosed),
            (Ok(_), Err(kind)) => Err(Trap { kind, stack: Vec::new(), omitted: 0 }),
            (end, _) => end,
        }
    }

    /// What is left of the fuel, where there is a limit.
    pub fn fuel(&self) -> Option<u64> {
        self.fuel.left()
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
