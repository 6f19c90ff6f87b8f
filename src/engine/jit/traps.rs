//! How compiled code ends before it returns.

use super::context::{Context, Reason};
use super::sites::{SiteId, Sites};
use crate::engine::numeric;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::Exit;
use crate::isa::Op;
use crate::verify::Site;

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
    let places = unsafe { places(session.compiler.sites(), SiteId::from_number(site), frame) };
    session.end = Some(Err(Trap::new(kind, places)));
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

/// Where the program is, from the inside out: at a site, if there is one, and in the calls of the
/// frames.
///
/// # Safety
/// `frame` is one of code that `enter` has called, or below it.
pub unsafe fn places(sites: &Sites, site: SiteId, mut frame: *const Frame) -> Vec<Site> {
    let mut places: Vec<Site> = sites.chain(site).collect();
    // SAFETY: all code on this stack keeps a frame pointer, and `enter` has set the first to 0.
    while let Some(Frame { caller, return_address }) = unsafe { frame.as_ref() } {
        places.extend(sites.chain(sites.of_return(*return_address)));
        frame = *caller;
    }
    places
}
