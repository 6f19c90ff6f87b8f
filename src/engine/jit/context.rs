//! What compiled code and its helpers share: the first argument of every function.

use super::Session;
use super::helpers;
use super::machine;
use super::stack::Stack;
use super::traps::{self, Frame};
use crate::engine::vm::Vm;
use crate::native::CallGuard;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::AtomicU8;

/// The most cells that an instruction takes which is left to `Vm::system`: a native call with two
/// for each argument.
const MAX_CELLS: usize = 2 * crate::isa::Signature::MAX_PARAMS;

/// The state of a program that runs compiled code.
#[repr(C)]
pub struct Context {
    /// The beginning of memory, which never moves.
    pub memory: *mut u8,
    /// For accesses of 1, 2, 4 and 8 bytes, the first address at which not all of them are inside.
    pub limits: [u64; 4],
    pub globals: *mut u64,
    /// Not 0 when somebody has rung.
    pub flag: *const AtomicU8,
    /// The address of each function.
    pub functions: *const *const u8,
    /// The stubs that have each function interpreted.
    pub interpreted: *const u8,
    /// The address of what each import calls; 0 where it calls nothing.
    pub natives: *const usize,
    /// Whether the program has written what a native function must not overtake.
    pub unflushed: u64,
    /// What is stored around a guarded call: [`CallGuard::fields`], and the landing.
    pub guard_epoch: *mut u64,
    pub guard_target: *mut u64,
    pub guard_landing: *mut u64,
    pub native_landing: usize,
    /// Where the guarded call is that is under way: site and frame.
    pub native_site: u64,
    pub native_frame: *const Frame,
    /// What is left of the fuel.
    pub fuel: u64,
    /// Functions with large frames may not use the stack below.
    pub stack_limit: *mut u8,
    /// The arguments of an instruction that is left to `Vm::system`, and then its result.
    pub cells: [u64; MAX_CELLS],
    pub system: SystemHelper,
    /// What answers a safepoint's bell; a stub around [`helpers::safepoint`].
    pub poll: *const u8,
    pub safepoint: unsafe extern "C" fn(*mut Context, *const Frame) -> u32,
    pub raise: unsafe extern "C" fn(*mut Context, u64, u64, u64),
    /// What the stubs of functions lead to that are not compiled.
    pub missing: unsafe extern "C" fn(),
    /// The stack pointer of `enter`, to leave compiled code with.
    pub landing: usize,
    /// The session, whose lifetimes nothing here can name.
    session: *mut Session<'static, 'static>,
}

/// Executes an instruction: its byte and whether it works on floats, and its operand. Gives 1 when
/// it trapped.
pub type SystemHelper = unsafe extern "C" fn(*mut Context, u32, u64) -> u32;

impl Context {
    /// The context of a session. It points into it, so that the session must stay where it is and be
    /// used through this alone.
    pub fn new(session: &mut Session<'_, '_>, stack: &Stack) -> Box<Context> {
        let mut context = Box::new(Context {
            memory: session.vm.memory.bytes_mut().as_mut_ptr(),
            limits: [0; 4],
            globals: session.vm.globals.as_mut_ptr(),
            flag: session.vm.doorbell.flag(),
            functions: session.image.table(),
            interpreted: session.image.interpreted(),
            natives: session.vm.libraries.targets(),
            unflushed: u64::from(!session.vm.host.is_flushed()),
            guard_epoch: ptr::null_mut(),
            guard_target: ptr::null_mut(),
            guard_landing: ptr::null_mut(),
            native_landing: 0,
            native_site: 0,
            native_frame: ptr::null(),
            fuel: session.vm.fuel.left().unwrap_or(0),
            stack_limit: stack.limit(),
            cells: [0; MAX_CELLS],
            system: helpers::system,
            poll: session.image.poll(),
            safepoint: helpers::safepoint,
            raise: machine::raise,
            missing: machine::missing,
            landing: 0,
            session: ptr::from_mut(session).cast(),
        });
        if let Some(guard) = session.guard {
            [context.guard_epoch, context.guard_target, context.guard_landing] = guard.fields();
        }
        context.refresh(session.vm);
        context
    }

    /// Notes what an instruction may have changed that `Vm::system` has executed.
    pub fn refresh(&mut self, vm: &Vm<'_>) {
        let size = vm.memory.size();
        self.limits = [1, 2, 4, 8].map(|length| size.saturating_sub(length - 1));
        self.unflushed = u64::from(!vm.host.is_flushed());
    }

    /// The session.
    ///
    /// # Safety
    /// Compiled code is running and has called a helper, which drops the reference before it returns.
    pub unsafe fn session<'a>(context: *mut Context) -> &'a mut Session<'static, 'static> {
        // SAFETY: `new` was given the session, which outlives the run; while compiled code runs,
        // helpers are the only users, one at a time.
        unsafe { &mut *(*context).session }
    }

    /// Runs code to its end or a trap, or to the crash of a native function that it calls. Other code of
    /// the context may wait for that.
    ///
    /// # Safety
    /// The session is the one that the context was made for, and this is its stack. The code takes these
    /// arguments, as [`machine::enter`] passes them.
    pub unsafe fn enter(
        context: *mut Context,
        base: u64,
        frame: *mut u64,
        target: *const u8,
        code: *const u8,
    ) {
        // SAFETY: by the caller's word; each reference ends before the code runs.
        unsafe {
            let guard = Context::session(context).guard;
            let before = ((*context).landing, (*context).native_landing);
            let mut entry = Entry { context, base, frame, target, code, guard };
            let argument = (&raw mut entry).cast();
            // `run` asks for the landing first. All it calls up to a native function is compiled code,
            // and a helper that calls one by itself has a landing of its own.
            let ran = match guard {
                Some(guard) => guard.enter(run, argument),
                None => {
                    run(argument);
                    Ok(())
                }
            };
            if let Err(crashed) = ran {
                // The stack still holds the frames of the code that made the call.
                let trap = traps::crash(Context::session(context), &*context, &crashed);
                Context::session(context).end = Some(Err(trap));
            }
            ((*context).landing, (*context).native_landing) = before;
        }
    }
}

/// What `run` needs.
struct Entry {
    context: *mut Context,
    base: u64,
    frame: *mut u64,
    target: *const u8,
    code: *const u8,
    guard: Option<CallGuard>,
}

/// Runs code.
///
/// # Safety
/// The argument is an `Entry`, made as `Context::enter` says.
unsafe extern "C" fn run(entry: *mut c_void) {
    // SAFETY: by the caller's word.
    unsafe {
        let Entry { context, base, frame, target, code, guard } = *entry.cast::<Entry>();
        (*context).native_landing = guard.map_or(0, CallGuard::landing);
        machine::enter(context, base, frame, target, code);
    }
}

/// Why code ends, as a number in which it also says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// A helper has noted it.
    Pending,
    /// Arithmetic on two values, which `numeric` can explain.
    Number,
    /// An address and a length that are not all inside memory.
    OutOfBounds,
    CallStackExhausted,
    OutOfFuel,
    Trap,
    Halt,
    /// With the status as a value.
    Exit,
}

impl Reason {
    const ALL: [Reason; 8] = [
        Reason::Pending,
        Reason::Number,
        Reason::OutOfBounds,
        Reason::CallStackExhausted,
        Reason::OutOfFuel,
        Reason::Trap,
        Reason::Halt,
        Reason::Exit,
    ];

    /// The number that code passes to `raise`: reason, instruction and site.
    pub const fn pack(self, op: u8, site: u32) -> u64 {
        self as u64 | (op as u64) << 8 | (site as u64) << 32
    }

    /// What such a number says.
    pub fn unpack(what: u64) -> (Option<Reason>, u8, u32) {
        let reason = Reason::ALL.get(what as u8 as usize).copied();
        (reason, (what >> 8) as u8, (what >> 32) as u32)
    }
}
