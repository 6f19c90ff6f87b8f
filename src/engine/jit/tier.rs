//! Programs that begin in the interpreter, and of which a thread compiles what is worth it.
//!
//! About once a millisecond the program looks where it is. A function that is met again is compiled:
//! so is the rest of it from the block at hand on, for a loop that runs for long is never called again.
//! Neither interpreter nor machine code counts anything, so they pay nothing for it. (Counting each call
//! and turn, as others do, cost the interpreter an instruction in each.)
//!
//! Interpreter and machine code call each other. Each such *activation* has its frames in a row: those of
//! the interpreter are on the stack of cells, at the very place that machine code counts by its base;
//! those of machine code on the machine's stack.

mod background;

use super::compiler::Unit;
use super::context::Context;
use super::image::Image;
use super::machine::Arguments;
use super::sites::{SiteId, Sites};
use super::stack::Stack;
use super::translate::Options;
use super::traps::{Frame, places};
use super::{Session, Source};
use crate::engine::interp::{self, Caller, End, Machine, Upper};
use crate::engine::limits::{FRAME_CELLS, Fuel, MAX_STACK};
use crate::engine::observe::Sampler;
use crate::engine::safepoint::Request;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, Vm};
use crate::isa::ValueType;
use crate::native::OtherStack;
use crate::verify::Site;
use background::{Background, Done};
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;
use std::ptr;
use std::thread;

/// How often a function must be met to be compiled.
const WARM: u32 = 2;

/// Functions with more instructions than this stay interpreted: compiling takes more than linear time.
const LARGE: usize = 10_000;

/// What there is besides the machine code.
pub struct Tier {
    machine: *mut Machine,
    /// The beginning of the stack of cells.
    cells: *mut u64,
    /// The activations that led to the one at hand.
    outer: Vec<Outer>,
    /// Down to where the machine's stack may be used by calls of the interpreter.
    lowest: *mut u8,
    background: Background,
    /// How often each function was met.
    heat: FxHashMap<u32, u32>,
    asked: FxHashSet<Unit>,
    /// Code that calls functions of a type, and that of the rests of functions.
    calls: FxHashMap<u32, *const u8>,
    rests: FxHashMap<Site, *const u8>,
}

/// Where an activation called the next one.
enum Outer {
    /// The interpreter; `None` where its outermost function went on in machine code.
    Interpreter(Caller),
    /// Machine code, by the frame of what it called.
    Code(*const Frame),
}

/// Runs a function that takes and gives nothing.
pub fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    let functions = vm.program.module().functions.len();
    let (Some(image), Some(stack)) = (Image::new(functions), Stack::new()) else {
        return interp::run(vm, function);
    };
    // The system hands out zeros as they are touched.
    let mut cells = vec![0u64; MAX_STACK];
    thread::scope(|scope| {
        let (program, options) = (vm.program, Options::of(vm));
        let background = Background::start(scope, program, options, vm.doorbell.clone());
        let _sampler = Sampler::start(vm.doorbell.clone(), Request::Tier);
        let tier = Tier {
            machine: ptr::null_mut(),
            cells: cells.as_mut_ptr(),
            outer: Vec::new(),
            lowest: stack.lowest(),
            background,
            heat: FxHashMap::default(),
            asked: FxHashSet::default(),
            calls: FxHashMap::default(),
            rests: FxHashMap::default(),
        };
        let mut session = Session::new(vm, image, Source::Tiers(tier), &stack);
        let mut context = Context::new(&mut session, &stack);
        let upper = Upper { data: (&raw mut *context).cast(), call, rest, outer };
        let mut machine = Machine::new(session.vm, &cells, Some(upper));
        tier_of(&mut session).machine = &raw mut machine;
        let mut ended = End::Returned;
        let _other = OtherStack::enter(stack.range());
        stack.run(|| {
            // SAFETY: the frame of one function fits on the stack, which is empty; session, context and
            // machine live on, and are only used through these pointers meanwhile.
            ended = unsafe { machine.call(function, cells.as_mut_ptr()) };
        });
        match std::mem::replace(&mut ended, End::Returned) {
            End::Returned => Ok(Exit::Done),
            End::Exit(exit) => Ok(exit),
            End::Trap(kind) => Err(Trap::new(kind, machine.take_sites())),
            End::Elsewhere => session.end.take().unwrap_or(Ok(Exit::Done)),
        }
    })
}

fn tier_of<'s>(session: &'s mut Session<'_, '_>) -> &'s mut Tier {
    match &mut session.source {
        Source::Tiers(tier) => tier,
        Source::Lazy(_) => unreachable!("only tiers have two engines"),
    }
}

impl Tier {
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

    fn ask(&mut self, unit: Unit) {
        if self.asked.insert(unit) {
            self.background.ask(unit);
        }
    }
}

impl Session<'_, '_> {
    /// Takes what has been compiled.
    pub fn install(&mut self) {
        let Session { vm, image, source: Source::Tiers(tier), .. } = self else { return };
        while let Some(Done { unit, assembled, places }) = tier.background.done() {
            let Some(address) = image.take(assembled, places) else { return };
            match unit {
                Unit::Poll => image.set_poll(address),
                Unit::Call(ty) => drop(tier.calls.insert(ty, address)),
                Unit::Rest(site) => drop(tier.rests.insert(site, address)),
                Unit::Function(function) => {
                    image.enter(function, address);
                    let ty = vm.program.module().functions[function as usize].ty;
                    if tier.calls.contains_key(&ty) {
                        // SAFETY: the machine lives as long as the program runs.
                        unsafe { (*tier.machine).enter_compiled(function) };
                    }
                }
            }
        }
    }

    /// Notes that the program was met in a function, at the beginning of a block if it is at one.
    fn meet(&mut self, function: u32, block: Option<u32>) {
        let Session { vm, source: Source::Tiers(tier), .. } = self else { return };
        let heat = tier.heat.entry(function).or_default();
        *heat += 1;
        let module = vm.program.module();
        // A byte at least for each instruction.
        if *heat < WARM || module.functions[function as usize].code.len() > 2 * LARGE {
            return;
        }
        if let Some(instr) = block {
            tier.ask(Unit::Rest(Site { function, instr }));
        }
        if function != module.entry {
            tier.ask(Unit::Call(module.functions[function as usize].ty));
            tier.ask(Unit::Function(function));
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
        let tier = tier_of(session);
        tier.outer.push(Outer::Interpreter(caller));
        let base = frame.offset_from(tier.cells) as u64 + FRAME_CELLS as u64;
        (*context).fuel = session.vm.fuel.left().unwrap_or(0);
        (*context).refresh(session.vm);
        (*context).poll = session.image.poll();
        Context::enter(context, base, frame, target, code);
        let session = Context::session(context);
        let ended = session.end.is_some();
        let tier = tier_of(session);
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
        let code = tier_of(session).calls[&ty];
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
        session.install();
        session.meet(function, block);
        let site = Site { function, instr: block? };
        let code = *tier_of(session).rests.get(&site)?;
        Some(enter(context, frame, caller, ptr::null(), code))
    }
}

/// Where the calls are that led to the interpreter.
unsafe fn outer(data: *mut u8) -> Vec<Site> {
    // SAFETY: the data are the context.
    unsafe { Context::session(data.cast()).outer_sites() }
}

/// What the interpreter gives machine code.
#[repr(C)]
pub struct Interpreted {
    /// The bits of the result.
    value: u64,
    /// 1 when the program has ended.
    ended: u64,
}

/// Lets the interpreter run a function that machine code calls.
///
/// # Safety
/// The caller is the stub of a function, called by machine code with the arguments of that function.
pub unsafe extern "C" fn interpret(
    context: *mut Context,
    function: u32,
    arguments: *const Arguments,
) -> Interpreted {
    const ENDED: Interpreted = Interpreted { value: 0, ended: 1 };
    // SAFETY: by the caller's word; each reference ends before the interpreter runs, which has its own.
    unsafe {
        let session = Context::session(context);
        let program = session.vm.program;
        let base = (*arguments).integers[1] as usize;
        let cells = program.locals(function) + program.max_stack(function) as usize;
        let tier = tier_of(session);
        if base + cells > MAX_STACK || (arguments.cast_mut().cast::<u8>()) < tier.lowest {
            session.pending = Some(TrapKind::CallStackExhausted);
            return ENDED;
        }
        let frame = tier.cells.add(base - FRAME_CELLS);
        pass(&*arguments, &program.module().func_type(function).params, frame);
        tier.outer.push(Outer::Code(&raw const (*arguments).frame));
        let machine = tier.machine;
        if session.vm.fuel.left().is_some() {
            session.vm.fuel = Fuel::of((*context).fuel);
        }
        (*machine).measure_memory();
        let end = (*machine).call(function, frame);
        let session = Context::session(context);
        (*context).fuel = session.vm.fuel.left().unwrap_or(0);
        (*context).refresh(session.vm);
        tier_of(session).outer.pop();
        match end {
            End::Returned => return Interpreted { value: *frame, ended: 0 },
            End::Exit(exit) => session.end = Some(Ok(exit)),
            End::Trap(kind) => {
                session.end = Some(Err(Trap::new(kind, (*machine).take_sites())));
            }
            End::Elsewhere => {}
        }
        ENDED
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
