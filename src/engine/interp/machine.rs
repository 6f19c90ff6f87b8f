//! What the handlers share, and how the machine starts and ends.

use super::control::{Enter, Leave};
use super::dispatch::{Flow, Regs, handler, start};
use super::encode::{Encoded, encode};
use super::table::handlers;
use crate::engine::limits::{FRAME_CELLS, MAX_STACK};
use crate::engine::lower::{Watch, lower};
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, Vm};
use crate::verify::Site;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// How a function is called.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Entry {
    /// The instruction to begin with.
    pub code: *const u64,
    /// The size of its frame.
    pub bytes: usize,
}

/// How a call of the machine ended.
#[derive(Debug)]
pub(super) enum End {
    /// The function has returned; its result is in the first cell of its frame.
    Returned,
    /// The program has ended.
    Exit(Exit),
    /// The program has trapped. The sites of its calls are with the machine.
    Trap(TrapKind),
}

/// What the handlers share. It must stay in its place while it runs.
pub(super) struct Machine {
    /// The addresses from which on 1, 2, 4 and 8 bytes are not all inside memory.
    pub limits: [u64; 4],
    /// Rings when somebody wants something of the program.
    bell: *const AtomicU8,
    /// The end of the stack of cells.
    pub stack_end: usize,
    pub globals: *mut u64,
    /// The program, which nobody else touches while the machine runs.
    vm: *mut Vm<'static>,
    entries: Box<[Entry]>,
    /// For each function, an instruction that lowers it.
    stubs: Box<[[u64; 2]]>,
    /// The instruction that a function returns to when nothing has called it.
    leave: [u64; 1],
    /// The code of functions, by its address.
    codes: BTreeMap<usize, Encoded>,
    end: End,
    /// Where the program has trapped, from the inside out.
    sites: Vec<Site>,
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
        End::Trap(kind) => Err(Trap::new(kind, std::mem::take(&mut machine.sites))),
    }
}

impl Machine {
    /// A machine for a program, of which no function is lowered yet.
    fn new(vm: &mut Vm<'_>, stack: &[u64]) -> Machine {
        let program = vm.program;
        let functions = 0..program.module().functions.len() as u32;
        let stub = |function: u32| [handler::<Enter>().address(), function.into()];
        let stubs: Box<[_]> = functions.clone().map(stub).collect();
        let entry = |function: u32| {
            let cells =
                FRAME_CELLS + program.locals(function) + program.max_stack(function) as usize;
            Entry { code: stubs[function as usize].as_ptr(), bytes: cells * size_of::<u64>() }
        };
        let mut machine = Machine {
            limits: [0; 4],
            bell: vm.doorbell.flag(),
            stack_end: stack.as_ptr_range().end as usize,
            globals: vm.globals.as_mut_ptr(),
            entries: functions.map(entry).collect(),
            stubs,
            leave: [handler::<Leave>().address()],
            codes: BTreeMap::new(),
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
        let code = self.lower(function);
        let header = self.encoded(code).params as usize;
        // SAFETY: the caller vouches for the frame, whose header is behind the parameters.
        unsafe {
            *frame.add(header) = self.leave.as_ptr() as u64;
            *frame.add(header + 1) = 0;
        }
        self.end = End::Returned;
        if self.has_rung() && matches!(self.safepoint(code, frame), Flow::End) {
            return std::mem::replace(&mut self.end, End::Returned);
        }
        let mem = self.vm().memory.bytes_mut().as_mut_ptr();
        let cx = std::ptr::from_mut(self);
        let regs = Regs { ip: code, fp: frame, mem, cx, r0: 0, r1: 0, f0: 0.0, f1: 0.0, f2: 0.0 };
        // SAFETY: this is the first instruction of a lowered function, and its frame. The machine is
        // only used through the pointer until it has ended.
        unsafe {
            start(regs);
            std::mem::replace(&mut (*cx).end, End::Returned)
        }
    }

    /// The code of a function, lowered if it is called for the first time.
    pub fn lower(&mut self, function: u32) -> *const u64 {
        let at = function as usize;
        if self.entries[at].code == self.stubs[at].as_ptr() {
            let program = self.vm().program;
            let watch = Watch::of(self.vm());
            let lowered = lower(program, function, watch, handlers());
            let code = encode(program, function, &lowered, &self.entries, handlers());
            self.entries[at].code = code.words.as_ptr();
            self.codes.insert(code.words.as_ptr() as usize, code);
        }
        self.entries[at].code
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
    pub fn safepoint(&mut self, ip: *const u64, fp: *mut u64) -> Flow {
        // So that finding the sites does not lower anything.
        self.encoded(ip);
        // SAFETY: the program is there, and finding the sites does not touch it.
        let vm = unsafe { &mut *self.vm };
        match vm.safepoint(|| self.sites(ip, fp)) {
            Ok(None) => Flow::Next,
            Ok(Some(exit)) => self.exit(exit),
            Err(kind) => self.trap(ip, fp, kind),
        }
    }

    /// Ends the program.
    #[cold]
    pub fn exit(&mut self, exit: Exit) -> Flow {
        self.end = End::Exit(exit);
        Flow::End
    }

    /// Ends the program with a trap of the instruction at `ip`.
    #[cold]
    pub fn trap(&mut self, ip: *const u64, fp: *mut u64, kind: TrapKind) -> Flow {
        let sites = self.sites(ip, fp);
        self.sites.extend(sites);
        self.end = End::Trap(kind);
        Flow::End
    }

    /// Where the calls are, from the inside out.
    fn sites(&mut self, mut ip: *const u64, mut fp: *mut u64) -> Vec<Site> {
        let mut sites = Vec::new();
        loop {
            let code = self.encoded(ip);
            // A function that has not begun yet is at its first word.
            let word = (ip as usize).wrapping_sub(code.words.as_ptr() as usize) / size_of::<u64>();
            let word = if word < code.words.len() { word } else { 0 };
            let (site, header) = (code.site(word), code.params as usize);
            sites.push(site);
            // SAFETY: the header of a frame holds where its caller goes on, and the caller's frame.
            let (back, caller) = unsafe { (*fp.add(header), *fp.add(header + 1)) };
            if back == self.leave.as_ptr() as u64 {
                return sites;
            }
            // A word of the call itself.
            (ip, fp) = ((back - size_of::<u64>() as u64) as *const u64, caller as *mut u64);
        }
    }

    /// The function that an instruction belongs to.
    fn encoded(&mut self, ip: *const u64) -> &Encoded {
        let stubs = self.stubs.as_ptr_range();
        let stub = ip.cast::<[u64; 2]>();
        if stubs.contains(&stub) {
            let function = (stub as usize - stubs.start as usize) / size_of::<[u64; 2]>();
            self.lower(function as u32);
            let code = self.entries[function].code;
            return &self.codes[&(code as usize)];
        }
        let found = self.codes.range(..=ip as usize).next_back();
        found.expect("all code belongs to a function").1
    }
}
