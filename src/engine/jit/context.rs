//! What compiled code and its helpers share: the first argument of every function.

use super::Session;
use super::helpers;
use super::machine;
use super::stack::Stack;
use super::traps::Frame;
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
    pub compile_and_go: unsafe extern "C" fn(),
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
            functions: session.compiler.table(),
            fuel: session.vm.fuel.left().unwrap_or(0),
            stack_limit: stack.limit(),
            cells: [0; MAX_CELLS],
            system: helpers::system,
            poll: session.compiler.poll(),
            safepoint: helpers::safepoint,
            raise: machine::raise,
            compile_and_go: machine::compile_and_go,
            landing: 0,
            session: std::ptr::from_mut(session).cast(),
        });
        context.refresh(session.vm.memory.size());
        context
    }

    /// Notes the size of memory.
    pub fn refresh(&mut self, size: u64) {
        self.limits = [1, 2, 4, 8].map(|length| size.saturating_sub(length - 1));
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

    /// Runs a function to its end or a trap.
    ///
    /// # Safety
    /// The session and the stack are those that the context was made for; `stack` is its end.
    pub unsafe fn enter(&mut self, function: u32, stack: *mut u8) {
        // SAFETY: the table has an address for every function, all with the convention of `enter`.
        unsafe {
            let code = *self.functions.add(function as usize);
            machine::enter(self, 0, code, stack);
        }
    }

    /// What is left of the fuel.
    pub fn fuel(&self) -> u64 {
        self.fuel
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
    pub fn pack(self, op: u8, site: u32) -> u64 {
        self as u64 | u64::from(op) << 8 | u64::from(site) << 32
    }

    /// What such a number says.
    pub fn unpack(what: u64) -> (Option<Reason>, u8, u32) {
        let reason = Reason::ALL.get(what as u8 as usize).copied();
        (reason, (what >> 8) as u8, (what >> 32) as u32)
    }
}
