//! What the handlers share, and how the machine starts and ends.

use super::control::{Compiled, Enter, Leave, Poll};
use super::dispatch::{Flow, Regs, handler, start};
use super::encode::{Encoded, encode};
use super::table::HANDLERS;
use crate::engine::limits::{FRAME_CELLS, MAX_STACK};
use crate::engine::lower::{Options, lower};
use crate::engine::observe::Tier;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, Vm};
use crate::verify::{Site, Verified};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// How a function is called.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Entry {
    /// The instruction to begin with.
    pub code: *const u64,
    /// How much must be free from its frame on.
    pub bytes: usize,
}

/// How a call of the machine ended.
#[derive(Debug)]
pub(in crate::engine) enum End {
    /// The function has returned; its result is in the first cell of its frame.
    Returned,
    /// The program has ended.
    Exit(Exit),
    /// The program has trapped. The sites of its calls are with the machine.
    Trap(TrapKind),
    /// The program has ended in compiled code, which knows how.
    Elsewhere,
    /// It is no short program, and the machine was to pause then.
    Paused,
}

/// What runs functions instead of the interpreter once they are compiled. All of it is called with the
/// data first.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Upper {
    pub data: *mut u8,
    /// Runs a function with its frame, which leaves its result in the first cell. The caller is where
    /// it goes on, and its frame. `false` when the program has ended.
    pub call: unsafe fn(*mut u8, function: u32, frame: *mut u64, caller: Caller) -> bool,
    /// Runs the rest of a function from where code is at hand for. `None` when none is.
    pub rest:
        unsafe fn(*mut u8, function: u32, block: Option<u32>, *mut u64, Caller) -> Option<bool>,
    /// Where the calls are that led to the one of the machine.
    pub outer: unsafe fn(*mut u8) -> Vec<Site>,
}

/// A word of the instruction that called, and the frame of its function; `None` for the outermost call of
/// an activation.
pub(in crate::engine) type Caller = Option<(*const u64, *mut u64)>;

/// What the handlers share. It must stay in its place while it runs.
pub(in crate::engine) struct Machine {
    /// The addresses from which on 1, 2, 4 and 8 bytes are not all inside memory.
    pub limits: [u64; 4],
    /// Rings when somebody wants something of the program.
    bell: *const AtomicU8,
    /// The end of the stack of cells.
    pub stack_end: usize,
    pub globals: *mut u64,
    /// The first byte of the program's memory, which never moves.
    pub memory: *mut u8,
    /// The program, which nobody else touches while the machine runs.
    vm: *mut Vm<'static>,
    entries: Box<[Entry]>,
    /// For each function, an instruction that lowers it.
    stubs: Box<[[u64; 2]]>,
    /// And one that calls its compiled code.
    compiled: Box<[[u64; 2]]>,
    upper: Option<Upper>,
    pauses: bool,
    /// Where it has paused.
    paused: Option<Regs>,
    /// The instruction that a function returns to when nothing has called it.
    leave: [u64; 1],
    /// The register code of functions that calls of them lead to, unless it is elsewhere.
    known: FxHashMap<u32, Entry>,
    /// The code of functions, by its address.
    codes: BTreeMap<usize, Encoded>,
    /// Code in which every call has an instruction, for frames near the end of the stack.
    strict: BTreeMap<u32, *const u64>,
    end: End,
    /// Where the program has trapped, from the inside out.
    sites: Vec<Site>,
}

/// The size of a function's frame.
fn frame_cells(program: &Verified, function: u32) -> usize {
    FRAME_CELLS + program.locals(function) + program.max_stack(function) as usize
}

/// Runs a function that takes and gives nothing.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    // The system hands out zeros as they are touched.
    let mut stack = vec![0u64; MAX_STACK];
    let mut machine = Machine::new(vm, &stack);
    // SAFETY: the frame of one function fits on the stack, which is empty; `vm` is borrowed for longer
    // than the machine lives.
    match unsafe { machine.call(function, stack.as_mut_ptr()) } {
        End::Returned => Ok(Exit::Done),
        End::Exit(exit) => Ok(exit),
        End::Trap(kind) => Err(Trap::new(kind, machine.take_sites())),
        End::Elsewhere | End::Paused => unreachable!("there is only this engine"),
    }
}

impl Machine {
    /// A machine for a program, of which no function is lowered yet.
    pub fn new(vm: &mut Vm<'_>, stack: &[u64]) -> Machine {
        let program = vm.program;
        let functions = 0..program.module().functions.len() as u32;
        let stub = |function: u32| [handler::<Enter>().address(), function.into()];
        let stubs: Box<[_]> = functions.clone().map(stub).collect();
        let call = |function: u32| [handler::<Compiled>().address(), function.into()];
        let entry = |function: u32| {
            let bytes = frame_cells(program, function) * size_of::<u64>();
            Entry { code: stubs[function as usize].as_ptr(), bytes }
        };
        let mut machine = Machine {
            limits: [0; 4],
            bell: vm.doorbell.flag(),
            stack_end: stack.as_ptr_range().end as usize,
            globals: vm.globals.as_mut_ptr(),
            compiled: functions.clone().map(call).collect(),
            memory: vm.memory.bytes_mut().as_mut_ptr(),
            entries: functions.map(entry).collect(),
            stubs,
            upper: None,
            pauses: false,
            paused: None,
            leave: [handler::<Leave>().address()],
            codes: BTreeMap::new(),
            known: FxHashMap::default(),
            strict: BTreeMap::new(),
            end: End::Returned,
            sites: Vec::new(),
            vm: std::ptr::from_mut(vm).cast(),
        };
        machine.measure_memory();
        machine
    }

    /// Calls a function with its arguments in the first cells of its frame.
    ///
    /// # Safety
    /// The frame is on the stack of the machine, as a whole and beyond all that are in use. The program
    /// that the machine was made for is still there, and nobody else uses it meanwhile.
    pub unsafe fn call(&mut self, function: u32, frame: *mut u64) -> End {
        let code = self.begin(function, frame);
        let header = self.encoded(code).params as usize;
        // SAFETY: the caller vouches for the frame, whose header is behind the parameters.
        unsafe {
            *frame.add(header) = self.leave.as_ptr() as u64;
            *frame.add(header + 1) = 0;
        }
        self.end = End::Returned;
        let first = match self.has_rung() {
            true => handler::<Poll>(),
            // SAFETY: an instruction begins with the address of its handler.
            false => unsafe { *code.cast() },
        };
        let cx = std::ptr::from_mut(self);
        let (r0, r1, r2, f0, f1, f2) = (0, 0, 0, 0.0, 0.0, 0.0);
        let regs = Regs { ip: code, fp: frame, cx, r0, r1, r2, f0, f1, f2 };
        // SAFETY: this is the first instruction of a lowered function, and its frame. The machine is
        // only used through the pointer until it has ended.
        unsafe {
            start(first, regs);
            std::mem::replace(&mut (*cx).end, End::Returned)
        }
    }
}

/// What an engine on top of this one needs.
#[allow(dead_code, reason = "for compiled code, which is not made everywhere")]
impl Machine {
    /// Lets the outermost call end when the program is no short one, to be gone on with.
    pub fn pause_when_long(&mut self) {
        self.pauses = true;
    }

    /// Whether it is to pause.
    pub fn pauses(&self) -> bool {
        self.pauses
    }

    pub(super) fn pause(&mut self, regs: Regs) -> Flow {
        (self.pauses, self.paused) = (false, Some(regs));
        self.end = End::Paused;
        Flow::End
    }

    /// From now on, an engine on top runs what is compiled.
    pub fn run_below(&mut self, upper: Upper, vm: &mut Vm<'_>) {
        self.upper = Some(upper);
        self.vm = std::ptr::from_mut(vm).cast();
    }

    /// Goes on where it has paused.
    ///
    /// # Safety
    /// As for [`Machine::call`], of the call that has paused; the machine has not been moved since.
    pub unsafe fn go_on(&mut self) -> End {
        let Some(regs) = self.paused.take() else { return End::Returned };
        let cx = std::ptr::from_mut(self);
        // SAFETY: the state is that of the safepoint at which it has paused, after which comes the
        // instruction at `ip`; an instruction begins with the address of its handler.
        unsafe {
            start(*regs.ip.cast(), Regs { cx, ..regs });
            std::mem::replace(&mut (*cx).end, End::Returned)
        }
    }

    /// From now on, calls of a function lead to its compiled code.
    pub fn enter_compiled(&mut self, function: u32) {
        // SAFETY: whoever lets the machine run vouches that the program is there.
        let program = unsafe { (*self.vm).program };
        let bytes = frame_cells(program, function) * size_of::<u64>();
        let code = self.compiled[function as usize].as_ptr();
        self.entries[function as usize] = Entry { code, bytes };
    }
}

impl Machine {
    /// How many parameters a function has.
    pub fn params(&mut self, function: u32) -> usize {
        self.vm().program.module().func_type(function).params.len()
    }

    /// What runs compiled functions. It is there, where any are compiled.
    pub fn upper(&self) -> Option<Upper> {
        self.upper
    }

    /// The register code of a function, also when calls of it lead elsewhere.
    fn interpreted(&mut self, function: u32) -> Entry {
        if let Some(&known) = self.known.get(&function) {
            return known;
        }
        let (code, cells) = self.make(function, true);
        let entry = Entry { code, bytes: cells * size_of::<u64>() };
        self.known.insert(function, entry);
        entry
    }

    /// The code to begin with for a frame that has room for the function itself, but perhaps not for
    /// the calls that have no instruction.
    #[cold]
    pub fn begin(&mut self, function: u32, frame: *const u64) -> *const u64 {
        let Entry { code, bytes } = self.interpreted(function);
        let at = function as usize;
        if self.entries[at].code == self.stubs[at].as_ptr() {
            self.entries[at] = Entry { code, bytes };
        }
        if frame as usize + bytes <= self.stack_end {
            return code;
        }
        match self.strict.get(&function) {
            Some(&code) => code,
            None => {
                let (code, _) = self.make(function, false);
                self.strict.insert(function, code);
                code
            }
        }
    }

    /// Whether there is room for the frame of a function itself, and the function.
    pub(super) fn fits(&self, entry: *const Entry, frame: *const u64) -> Option<u32> {
        let at = (entry as usize - self.entries.as_ptr() as usize) / size_of::<Entry>();
        // SAFETY: whoever lets the machine run vouches that the program is there.
        let program = unsafe { (*self.vm).program };
        let bytes = frame_cells(program, at as u32) * size_of::<u64>();
        (frame as usize + bytes <= self.stack_end).then_some(at as u32)
    }

    /// Makes the code of a function. Gives the cells that must be free from its frame on, too.
    fn make(&mut self, function: u32, inline: bool) -> (*const u64, usize) {
        let program = self.vm().program;
        let options = Options::of(self.vm(), inline);
        let lowered = lower(program, function, options, &HANDLERS);
        // SAFETY: whoever lets the machine run vouches that the program is there.
        let libraries = unsafe { &*(*self.vm).libraries };
        let code = encode(program, libraries, function, &lowered, &self.entries, &HANDLERS);
        let start = code.words.as_ptr();
        self.codes.insert(start as usize, code);
        (start, lowered.cells)
    }

    /// The program.
    pub fn vm(&mut self) -> &mut Vm<'static> {
        // SAFETY: whoever lets the machine run vouches that the program is there, and nobody's else.
        unsafe { &mut *self.vm }
    }

    /// Whether somebody wants something of the program.
    #[inline(always)]
    pub fn has_rung(&self) -> bool {
        // SAFETY: the flag belongs to the doorbell, which the program keeps.
        unsafe { (*self.bell).load(Relaxed) != 0 }
    }

    /// Takes note of the size of memory.
    pub fn measure_memory(&mut self) {
        let size = self.memory_size();
        self.limits = [1, 2, 4, 8].map(|width| (size + 1).saturating_sub(width));
    }

    pub fn memory_size(&mut self) -> u64 {
        self.vm().memory.size()
    }

    /// Does what was asked for; the instruction at `ip` comes next.
    #[cold]
    pub(super) fn safepoint(&mut self, ip: *const u64, fp: *mut u64) -> Flow {
        // So that finding the sites does not lower anything.
        self.encoded(ip);
        // SAFETY: the program is there, and finding the sites does not touch it.
        let vm = unsafe { &mut *self.vm };
        match vm.safepoint(Tier::Interpreter, || self.all_sites(ip, fp)) {
            Ok(None) => Flow::Next,
            Ok(Some(exit)) => self.exit(exit),
            Err(kind) => self.trap(ip, fp, kind),
        }
    }

    /// Ends the program.
    #[cold]
    pub(super) fn exit(&mut self, exit: Exit) -> Flow {
        self.end = End::Exit(exit);
        Flow::End
    }

    /// Ends the program with a trap of the instruction at `ip`.
    #[cold]
    pub(super) fn trap(&mut self, ip: *const u64, fp: *mut u64, kind: TrapKind) -> Flow {
        self.sites = self.all_sites(ip, fp);
        self.end = End::Trap(kind);
        Flow::End
    }

    /// Where the calls are, from the inside out, with those that are not the interpreter's.
    fn all_sites(&mut self, ip: *const u64, fp: *mut u64) -> Vec<Site> {
        let mut sites = self.sites(ip, fp);
        if let Some(Upper { data, outer, .. }) = self.upper {
            // SAFETY: the data are those of this function.
            sites.extend(unsafe { outer(data) });
        }
        sites
    }

    /// Where the program has trapped.
    pub fn take_sites(&mut self) -> Vec<Site> {
        std::mem::take(&mut self.sites)
    }

    /// Notes that the program has ended in compiled code.
    pub(super) fn end_elsewhere(&mut self) -> Flow {
        self.end = End::Elsewhere;
        Flow::End
    }

    /// The caller of a function with a frame.
    ///
    /// # Safety
    /// The frame is one that is in use.
    pub unsafe fn caller(&self, fp: *mut u64, params: usize) -> Caller {
        // SAFETY: the header of a frame holds where its caller goes on, and the caller's frame.
        let (back, caller) = unsafe { (*fp.add(params), *fp.add(params + 1)) };
        let word = size_of::<u64>() as u64;
        (back != self.leave.as_ptr() as u64)
            .then(|| ((back - word) as *const u64, caller as *mut u64))
    }

    /// The function that is at an instruction, the block that begins there if one does, and how many
    /// parameters the function has.
    pub fn position(&mut self, ip: *const u64) -> (u32, Option<u32>, usize) {
        let code = self.encoded(ip);
        let word = (ip as usize).wrapping_sub(code.words.as_ptr() as usize) / size_of::<u64>();
        (code.function, code.block(word), code.params as usize)
    }

    /// Where the calls of this activation are, from the inside out.
    pub fn sites(&mut self, mut ip: *const u64, mut fp: *mut u64) -> Vec<Site> {
        let mut sites = Vec::new();
        loop {
            let code = self.encoded(ip);
            // A function that has not begun yet is at its first word.
            let word = (ip as usize).wrapping_sub(code.words.as_ptr() as usize) / size_of::<u64>();
            let word = if word < code.words.len() { word } else { 0 };
            let (site, header) = (code.site(word), code.params as usize);
            sites.push(site);
            // SAFETY: these are the frames that are in use.
            match unsafe { self.caller(fp, header) } {
                Some(caller) => (ip, fp) = caller,
                None => return sites,
            }
        }
    }

    /// The function that an instruction belongs to.
    fn encoded(&mut self, ip: *const u64) -> &Encoded {
        let stub = [&self.stubs, &self.compiled].into_iter().find_map(|stubs| {
            let range = stubs.as_ptr_range();
            let at = (ip as usize).checked_sub(range.start as usize)?;
            range.contains(&ip.cast()).then_some(at / size_of::<[u64; 2]>())
        });
        if let Some(function) = stub {
            let code = self.interpreted(function as u32).code;
            return &self.codes[&(code as usize)];
        }
        let found = self.codes.range(..=ip as usize).next_back();
        found.expect("all code belongs to a function").1
    }
}
