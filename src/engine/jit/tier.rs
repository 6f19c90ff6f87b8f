//! Programs of which a part is compiled and the rest interpreted.
//!
//! When it no longer is a short one, the program looks where it is, soon, and then about once a millisecond. A function that is met again is compiled:
//! so is the rest of it from the block at hand on, for a loop that runs for long is never called again.
//! Neither interpreter nor machine code counts anything, so they pay nothing for it. (Counting each call
//! and turn, as others do, cost the interpreter an instruction in each.)
//!
//! With [`Source::Foreground`], only what cannot be compiled is interpreted, and what it calls until that
//! is met.
//!
//! Interpreter and machine code call each other. Each such *activation* has its frames in a row: those of
//! the interpreter are on the stack of cells, at the very place that machine code counts by its base;
//! those of machine code on the machine's stack.

use super::compiler::{Compiler, Unit};
use super::context::Context;
use super::image::{INTERPRETED, Image};
use super::sites::{SiteId, Sites};
use super::source::{Background, Source};
use super::stack::Stack;
use super::traps::{Frame, places};
use super::{Session, machine};
use crate::engine::interp::{self, Caller, End, Machine, Upper};
use crate::engine::limits::{FRAME_CELLS, Fuel, MAX_STACK};
use crate::engine::observe::Sampler;
use crate::engine::safepoint::{Doorbell, Request};
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, Vm};
use crate::isa::ValueType;
use crate::native::OtherStack;
use crate::verify::Site;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::ptr;
use std::time::Duration;

/// When the program is first looked at, after it has shown that it is no short one.
const FIRST_LOOK: Duration = Duration::from_micros(100);

/// How often a function must be met to be compiled.
const WARM: u32 = 2;

/// What there is besides the machine code.
pub struct Tier {
    machine: *mut Machine,
    /// The beginning of the stack of cells.
    cells: *mut u64,
    /// The activations that led to the one at hand.
    outer: Vec<Outer>,
    /// Down to where the machine's stack may be used by calls of the interpreter.
    lowest: *mut u8,
    /// Rings for the next look, where the interpreter runs anything.
    sampler: Option<Sampler>,
    /// How often each function was met.
    heat: FxHashMap<u32, u32>,
    /// What has been asked for.
    pub asked: FxHashSet<Unit>,
    /// Code that calls functions of a type, and that of the rests of functions.
    pub calls: FxHashMap<u32, *const u8>,
    pub rests: FxHashMap<Site, *const u8>,
}

/// Where an activation called the next one.
enum Outer {
    /// The interpreter; `None` where its outermost function went on in machine code.
    Interpreter(Caller),
    /// Machine code, by the frame of what it called.
    Code(*const Frame),
}

/// Runs a function that takes and gives nothing. Each function is compiled when it is first called.
pub fn run_compiled<'p>(
    vm: &mut Vm<'p>,
    function: u32,
    compiler: Compiler<'p>,
) -> Result<Exit, Trap> {
    let Some(room) = Room::new(vm) else { return interp::run(vm, function) };
    let mut cells = stack_of_cells();
    let mut machine = Machine::new(vm, &cells);
    let frame = cells.as_mut_ptr();
    let source = Source::Foreground(Box::new(compiler));
    let end = room.run(vm, source, &mut machine, frame, |context, _| {
        // SAFETY: the frame of one function fits on the stack, which is empty. The table has an address
        // for every function, and this one takes no arguments.
        unsafe {
            let code = *(*context).functions.add(function as usize);
            enter(context, frame, None, ptr::null(), code);
        }
    });
    end.unwrap_or(Ok(Exit::Done))
}

/// The same, beginning in the interpreter. All that is for compiled code comes when the program has shown
/// that it is no short one.
pub fn run_tiers<'p>(vm: &mut Vm<'p>, function: u32, background: Background) -> Result<Exit, Trap> {
    let mut cells = stack_of_cells();
    let mut machine = Machine::new(vm, &cells);
    machine.pause_when_long();
    let frame = cells.as_mut_ptr();
    // SAFETY: the frame of one function fits on the stack, which is empty; `vm` is borrowed for longer
    // than the machine lives.
    let mut ended = unsafe { machine.call(function, frame) };
    let mut end = None;
    if let End::Paused = ended {
        match Room::new(vm) {
            Some(room) => {
                let source = Source::Background(background);
                end = room.run(vm, source, &mut machine, frame, |_, machine| {
                    // SAFETY: as above.
                    ended = unsafe { (*machine).go_on() };
                });
            }
            // SAFETY: as above.
            None => ended = unsafe { machine.go_on() },
        }
    }
    match ended {
        End::Returned => Ok(Exit::Done),
        End::Exit(exit) => Ok(exit),
        End::Trap(kind) => Err(Trap::new(kind, machine.take_sites())),
        End::Elsewhere | End::Paused => end.unwrap_or(Ok(Exit::Done)),
    }
}

/// The system hands out zeros as they are touched.
fn stack_of_cells() -> Vec<u64> {
    vec![0; MAX_STACK]
}

/// Where machine code is, and where it runs.
struct Room {
    image: Image,
    stack: Stack,
}

impl Room {
    /// `None` where the system does not have what machine code needs.
    fn new(vm: &Vm<'_>) -> Option<Room> {
        let functions = vm.program.module().functions.len();
        Some(Room { image: Image::new(functions)?, stack: Stack::new()? })
    }

    /// Calls what runs the program on the stack of this room, with a context for machine code above a
    /// machine, whose cells begin at some place. Gives how the program ended, if machine code knows.
    fn run<'p>(
        self,
        vm: &mut Vm<'p>,
        source: Source<'p>,
        machine: &mut Machine,
        cells: *mut u64,
        mut run: impl FnMut(*mut Context, *mut Machine),
    ) -> Option<Result<Exit, Trap>> {
        let Room { image, stack } = self;
        let (machine, guard) = (ptr::from_mut(machine), vm.libraries.call_guard());
        let tier = Tier::new(machine, cells, &stack);
        let (end, pending, addresses) = (None, None, stack.range());
        let mut session =
            Session { vm, image, source, tier, end, pending, guard, stack: addresses };
        match session.source {
            Source::Foreground(_) => session.ask(Unit::Poll),
            Source::Background(_) => session.tier.watch(session.vm.doorbell.clone()),
        }
        let mut context = Context::new(&mut session, &stack);
        let context = &raw mut *context;
        let upper = Upper { data: context.cast(), call, rest, outer };
        // SAFETY: the machine lives, and nothing else uses it now.
        unsafe { (*machine).run_below(upper, session.vm) };
        let _other = OtherStack::enter(stack.range());
        stack.run(|| run(context, machine));
        session.end.take()
    }
}

impl Tier {
    fn new(machine: *mut Machine, cells: *mut u64, stack: &Stack) -> Tier {
        Tier {
            machine,
            cells,
            outer: Vec::new(),
            lowest: stack.lowest(),
            sampler: None,
            heat: FxHashMap::default(),
            asked: FxHashSet::default(),
            calls: FxHashMap::default(),
            rests: FxHashMap::default(),
        }
    }

    /// From now on, looks where the program is.
    fn watch(&mut self, doorbell: Doorbell) {
        self.sampler.get_or_insert_with(|| Sampler::start(doorbell, Request::Tier, FIRST_LOOK));
    }

    /// From now on, the interpreter's calls of a function lead to its code.
    pub fn enter_compiled(&mut self, function: u32) {
        // SAFETY: the machine lives as long as the program runs, and code that enters this is its only
        // user meanwhile.
        unsafe { (*self.machine).enter_compiled(function) };
    }

    /// The calls of the outer activations, from the inside out.
    pub fn sites(&self, sites: &Sites, stack: &Range<usize>) -> Vec<Site> {
        let mut all = Vec::new();
        for outer in self.outer.iter().rev() {
            match *outer {
                // SAFETY: the machine lives as long as the program runs.
                Outer::Interpreter(Some((ip, fp))) => {
                    all.extend(unsafe { (*self.machine).sites(ip, fp) })
                }
                Outer::Interpreter(None) => {}
                // SAFETY: the frame is that of a stub which has called the interpreter, and waits.
                Outer::Code(frame) => {
                    all.extend(unsafe { places(sites, stack.clone(), SiteId::NONE, frame) })
                }
            }
        }
        all
    }
}

impl Session<'_, '_> {
    /// Notes that the program was met in a function, at the beginning of a block if it is at one.
    fn meet(&mut self, function: u32, block: Option<u32>) {
        let Session { vm, tier, .. } = self;
        let heat = tier.heat.entry(function).or_default();
        *heat += 1;
        let (module, heat) = (vm.program.module(), *heat);
        if heat < WARM {
            return;
        }
        self.ask(Unit::Poll);
        if let Some(instr) = block {
            self.ask(Unit::Rest(Site { function, instr }));
        }
        if function != module.entry {
            self.ask(Unit::Call(module.functions[function as usize].ty));
            self.ask(Unit::Function(function));
        }
    }
}

/// Enters machine code with a frame of the interpreter. `false` when the program has ended.
///
/// # Safety
/// The context is that of the program that runs; the frame is on its stack of cells, and of the function
/// that `code` takes over or, as `target`, calls.
unsafe fn enter(
    context: *mut Context,
    frame: *mut u64,
    caller: Caller,
    target: *const u8,
    code: *const u8,
) -> bool {
    // SAFETY: by the caller's word; each reference ends before machine code runs, which has its own.
    unsafe {
        let session = Context::session(context);
        let tier = &mut session.tier;
        tier.outer.push(Outer::Interpreter(caller));
        let base = frame.offset_from(tier.cells) as u64 + FRAME_CELLS as u64;
        (*context).fuel = session.vm.fuel.left().unwrap_or(0);
        (*context).refresh(session.vm);
        (*context).poll = session.image.poll();
        Context::enter(context, base, frame, target, code);
        let session = Context::session(context);
        let ended = session.end.is_some();
        let tier = &mut session.tier;
        tier.outer.pop();
        (*tier.machine).measure_memory();
        if session.vm.fuel.left().is_some() {
            session.vm.fuel = Fuel::of((*context).fuel);
        }
        !ended
    }
}

/// Calls compiled code for the interpreter.
unsafe fn call(data: *mut u8, function: u32, frame: *mut u64, caller: Caller) -> bool {
    let context = data.cast::<Context>();
    // SAFETY: the data are the context. Only functions are entered as compiled that are, and for whose
    // types there is code to call them.
    unsafe {
        let session = Context::session(context);
        let ty = session.vm.program.module().functions[function as usize].ty;
        let code = session.tier.calls[&ty];
        let target = *(*context).functions.add(function as usize);
        enter(context, frame, caller, target, code)
    }
}

/// Looks what has been compiled, and what is worth it; and runs the rest of a function.
unsafe fn rest(
    data: *mut u8,
    function: u32,
    block: Option<u32>,
    frame: *mut u64,
    caller: Caller,
) -> Option<bool> {
    let context = data.cast::<Context>();
    // SAFETY: the data are the context, and the frame is one whose values are in their cells.
    unsafe {
        let session = Context::session(context);
        session.tier.watch(session.vm.doorbell.clone());
        session.install();
        session.meet(function, block);
        let site = Site { function, instr: block? };
        let code = *session.tier.rests.get(&site)?;
        Some(enter(context, frame, caller, ptr::null(), code))
    }
}

/// Where the calls are that led to the interpreter.
unsafe fn outer(data: *mut u8) -> Vec<Site> {
    // SAFETY: the data are the context.
    let session = unsafe { Context::session(data.cast()) };
    session.tier.sites(&session.image.sites, &session.stack)
}

/// What a function is called with: registers, then the stack. `machine::missing` writes it.
#[repr(C)]
pub struct Arguments {
    integers: [u64; machine::INTEGERS],
    floats: [u64; machine::FLOATS],
    frame: Frame,
    /// The first of those on the stack.
    stack: [u64; 0],
}

impl Arguments {
    /// An argument on the stack.
    ///
    /// # Safety
    /// There are more than `at`.
    unsafe fn on_stack(&self, at: usize) -> u64 {
        // SAFETY: by the caller's word.
        unsafe { self.stack.as_ptr().add(at).read() }
    }
}

/// What the stub of a function is to do.
#[repr(C)]
pub struct Called {
    /// The bits of the result.
    value: u64,
    /// Where to go on, as if that had been called; null to return the result.
    next: *const u8,
}

/// Has a function compiled or interpreted that has no code, or interpreted that needs more room than
/// there is for its code.
///
/// # Safety
/// The caller is the stub of a function, called by machine code with the arguments of that function.
pub unsafe extern "C" fn missing(
    context: *mut Context,
    function: u32,
    arguments: *const Arguments,
) -> Called {
    // SAFETY: by the caller's word; the reference ends before the interpreter runs, which has its own.
    let session = unsafe { Context::session(context) };
    let is_near_the_end = function & INTERPRETED != 0;
    let function = function & !INTERPRETED;
    if !is_near_the_end && matches!(session.source, Source::Foreground(_)) {
        session.ask(Unit::Function(function));
        if let Some(next) = session.image.compiled(function) {
            return Called { value: 0, next };
        }
    }
    // SAFETY: by the caller's word.
    match unsafe { interpret(context, function, &*arguments) } {
        Some(value) => Called { value, next: ptr::null() },
        None => Called { value: 0, next: machine::raise_pending as *const u8 },
    }
}

/// Lets the interpreter run a function that machine code calls. `None` when the program has ended.
///
/// # Safety
/// As for [`missing`].
unsafe fn interpret(context: *mut Context, function: u32, arguments: &Arguments) -> Option<u64> {
    // SAFETY: by the caller's word; each reference ends before the interpreter runs, which has its own.
    unsafe {
        let session = Context::session(context);
        let program = session.vm.program;
        let base = arguments.integers[1] as usize;
        let cells = program.locals(function) + program.max_stack(function) as usize;
        let tier = &mut session.tier;
        if base + cells > MAX_STACK || ptr::from_ref(arguments).cast() < tier.lowest.cast_const() {
            session.pending = Some(TrapKind::CallStackExhausted);
            return None;
        }
        tier.watch(session.vm.doorbell.clone());
        let frame = tier.cells.add(base - FRAME_CELLS);
        pass(arguments, &program.module().func_type(function).params, frame);
        tier.outer.push(Outer::Code(&raw const arguments.frame));
        let machine = tier.machine;
        if session.vm.fuel.left().is_some() {
            session.vm.fuel = Fuel::of((*context).fuel);
        }
        (*machine).measure_memory();
        let end = (*machine).call(function, frame);
        let session = Context::session(context);
        (*context).fuel = session.vm.fuel.left().unwrap_or(0);
        (*context).refresh(session.vm);
        session.tier.outer.pop();
        match end {
            End::Returned => return Some(*frame),
            End::Exit(exit) => session.end = Some(Ok(exit)),
            End::Trap(kind) => {
                session.end = Some(Err(Trap::new(kind, (*machine).take_sites())));
            }
            // Nobody pauses below another engine.
            End::Elsewhere | End::Paused => {}
        }
        None
    }
}

/// Puts arguments into the first cells of a frame. Context and base are the first two integers.
unsafe fn pass(arguments: &Arguments, types: &[ValueType], frame: *mut u64) {
    let (mut integers, mut floats, mut stack) = (2, 0, 0);
    for (at, ty) in types.iter().enumerate() {
        let (next, registers) = match ty {
            ValueType::I64 => (&mut integers, &arguments.integers[..]),
            ValueType::F64 => (&mut floats, &arguments.floats[..]),
        };
        let value = match registers.get(*next) {
            Some(&value) => {
                *next += 1;
                value
            }
            None => {
                stack += 1;
                // SAFETY: what does not fit into registers is on the stack, in order.
                unsafe { arguments.on_stack(stack - 1) }
            }
        };
        // SAFETY: the caller has seen that the frame is on the stack of cells.
        unsafe { frame.add(at).write(value) };
    }
}
