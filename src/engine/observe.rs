//! What can be watched of a program while it runs: each instruction, or where it spends its time.

use super::limits::fuel_costs;
use super::safepoint::{Doorbell, Request};
use crate::isa::Code;
use crate::module::Module;
use crate::verify::{Site, Verified};
use rustc_hash::FxHashMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// Is told of every instruction before it is executed: where, and the operand stack of its function,
/// the top last.
pub type Tracer<'t> = Box<dyn FnMut(Site, &[u64]) + 't>;

/// What a profile measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileMode {
    /// How often each instruction is executed. Exact, but for a trap: what would have followed it in
    /// its stretch ([`Limits::fuel`](super::Limits::fuel)) is counted.
    Count,
    /// Where the time goes: the call stack is noted about once a millisecond, at a safepoint.
    Time,
}

/// What runs a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// An interpreter.
    Interpreter,
    /// Its machine code.
    MachineCode,
}

/// Machine code that was made.
#[derive(Clone, Debug)]
pub struct MachineCode {
    /// The function that it runs; `None` for what leads from the interpreter to others or back.
    pub function: Option<u32>,
    /// The instruction that it begins with, where it is the rest of the function and not all of it.
    pub from: Option<u32>,
    /// Where it is.
    pub address: usize,
    /// How many bytes it has.
    pub size: usize,
    /// How long it took to make.
    pub took: Duration,
}

/// Is told of machine code when it comes to where it runs.
pub type CodeListener<'t> = Box<dyn FnMut(&MachineCode) + 't>;

/// What was measured.
#[derive(Debug)]
pub struct Profile {
    mode: ProfileMode,
    /// How often the stretch was entered that begins at an instruction, for those of all functions.
    entered: Vec<u64>,
    /// Where the instructions of each function begin in `entered`.
    starts: Vec<usize>,
    samples: FxHashMap<(Tier, Vec<Site>), Duration>,
    last_sample: Instant,
}

impl Profile {
    /// How often the call stack is noted.
    pub const INTERVAL: Duration = Duration::from_millis(1);

    pub(super) fn new(mode: ProfileMode, program: &Verified) -> Profile {
        let (mut starts, mut all) = (Vec::new(), 0);
        if mode == ProfileMode::Count {
            for function in 0..program.module().functions.len() as u32 {
                starts.push(all);
                all += program.code_of(function).instrs.len();
            }
        }
        let (entered, samples) = (vec![0; all], FxHashMap::default());
        Profile { mode, entered, starts, samples, last_sample: Instant::now() }
    }

    /// What it measures.
    pub fn mode(&self) -> ProfileMode {
        self.mode
    }

    /// Whether engines have to count the stretches that they enter.
    pub(super) fn counts(&self) -> bool {
        self.mode == ProfileMode::Count
    }

    /// The counter of the stretch that begins at an instruction.
    pub(super) fn counter(&mut self, site: Site) -> &mut u64 {
        &mut self.entered[self.starts[site.function as usize] + site.instr as usize]
    }

    /// Gives the time since the last sample to a call stack, the innermost first, and to what runs that.
    pub(super) fn sample(&mut self, tier: Tier, stack: Vec<Site>) {
        let now = Instant::now();
        *self.samples.entry((tier, stack)).or_default() += now - self.last_sample;
        self.last_sample = now;
    }

    /// How often each instruction of a function was executed.
    pub fn executions(&self, module: &Module, function: u32) -> Vec<u64> {
        let mut code = Code::default();
        if !self.counts() || module.code_of(function, &mut code).is_err() {
            return Vec::new();
        }
        let start = self.starts[function as usize];
        let mut times = 0;
        let stretches = fuel_costs(&code).into_iter().zip(&self.entered[start..]);
        let executions = stretches.map(|(cost, &entered)| {
            if cost > 0 {
                times = entered;
            }
            times
        });
        executions.collect()
    }

    /// The call stacks that were noted, the innermost call first, each with its time, and with what ran
    /// the innermost function.
    pub fn samples(&self) -> impl Iterator<Item = (Tier, &[Site], Duration)> {
        self.samples.iter().map(|((tier, stack), time)| (*tier, &**stack, *time))
    }
}

/// Rings for something about once a millisecond, and sooner at first if it is told so, until it is
/// dropped.
pub(super) struct Sampler {
    _stop: Sender<()>,
}

impl Sampler {
    /// Starts to ring, after `first` for the first time. From one to the next it takes twice as long,
    /// until it is a millisecond.
    pub(super) fn start(doorbell: Doorbell, request: Request, first: Duration) -> Sampler {
        let (stop, stopped) = mpsc::channel();
        thread::spawn(move || {
            let mut interval = first;
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                doorbell.ring(request);
                interval = Profile::INTERVAL.min(2 * interval);
            }
        });
        Sampler { _stop: stop }
    }
}
