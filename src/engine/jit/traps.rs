//! How compiled code ends before it returns.

use super::Session;
use super::context::{Context, Reason};
use super::sites::{SiteId, Sites};
use crate::engine::numeric;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::Exit;
use crate::isa::Op;
use crate::native::Crashed;
use crate::verify::Site;
use std::ops::Range;

/// What every function with a frame pointer leaves on the stack.
#[repr(C)]
pub struct Frame {
    caller: *const Frame,
    return_address: usize,
}

/// Notes why the program ends, and where. `raise` calls it and leaves compiled code.
///
/// # Safety
/// The caller is `raise`, called by compiled code; `frame` is its own.
pub unsafe extern "C" fn record(
    context: *mut Context,
    what: u64,
    a: u64,
    b: u64,
    frame: *const Frame,
) {
    // SAFETY: by the caller's word.
    let session = unsafe { Context::session(context) };
    let (reason, op, site) = Reason::unpack(what);
    let kind = match reason.unwrap_or(Reason::Pending) {
        Reason::Halt => return session.end = Some(Ok(Exit::Done)),
        Reason::Exit => match u8::try_from(a as i64) {
            Ok(status) => return session.end = Some(Ok(Exit::Status(status))),
            Err(_) => TrapKind::BadExitStatus(a as i64),
        },
        // A safepoint can also end a program without a trap.
        Reason::Pending => match session.pending.take() {
            Some(kind) => kind,
            None => return,
        },
        Reason::Number => number(op, a, b),
        Reason::OutOfBounds => {
            TrapKind::OutOfBounds { address: a, length: b, size: session.vm.memory.size() }
        }
        Reason::CallStackExhausted => TrapKind::CallStackExhausted,
        Reason::OutOfFuel => TrapKind::OutOfFuel,
        Reason::Trap => TrapKind::Trap,
    };
    // SAFETY: by the caller's word, frames lead from here to `enter`.
    let places = unsafe { session.places(SiteId::from_number(site), frame) };
    session.end = Some(Err(Trap::new(kind, places)));
}

/// The trap of a native function that crashed when code called it.
///
/// # Safety
/// The context has noted the call, and the stack is as the call has left it.
pub unsafe fn crash(session: &mut Session<'_, '_>, context: &Context, crashed: &Crashed) -> Trap {
    let (site, import) = (context.native_site as u32, context.native_site >> 32);
    // First of all: until this is done, the heap may be damaged.
    let error = session.vm.libraries.crashed(import as usize, crashed);
    // SAFETY: by the caller's word.
    let places = unsafe { session.places(SiteId::from_number(site), context.native_frame) };
    Trap::new(TrapKind::Native(error), places)
}

/// What is wrong with an instruction's operands.
fn number(op: u8, a: u64, b: u64) -> TrapKind {
    let op = Op::from_byte(op).unwrap_or(Op::Trap);
    let result = match op.pops().len() {
        1 => numeric::unary(op, false, a),
        _ => numeric::binary(op, false, a, b),
    };
    result.err().unwrap_or(TrapKind::Trap)
}

impl Session<'_, '_> {
    /// Where the program is.
    ///
    /// # Safety
    /// The session's stack lives.
    unsafe fn places(&self, site: SiteId, first: *const Frame) -> Vec<Site> {
        // SAFETY: by the caller's word.
        let mut places = unsafe { places(&self.image.sites, self.stack.clone(), site, first) };
        places.extend(self.tier.sites(&self.image.sites, &self.stack));
        places
    }
}

/// Where the program is, from the inside out: at a site, if there is one, and in the calls of the
/// frames. A native function may have written over them, so they are followed with care.
///
/// # Safety
/// `stack` can be read, and ends at a multiple of 16.
pub unsafe fn places(
    sites: &Sites,
    mut stack: Range<usize>,
    site: SiteId,
    first: *const Frame,
) -> Vec<Site> {
    let mut places: Vec<Site> = sites.chain(site).collect();
    let mut next = first;
    while next.is_aligned() && stack.contains(&next.addr()) {
        // SAFETY: the frame lies in the stack, whose end is as aligned as it, and has two words.
        let Frame { caller, return_address } = unsafe { &*next };
        places.extend(sites.chain(sites.of_return(*return_address)));
        // Callers are further up.
        stack.start = next.addr() + size_of::<Frame>();
        next = *caller;
    }
    places
}
