//! What compiled code calls.

use super::Session;
use super::context::Context;
use super::sites::SiteId;
use super::traps::{Frame, places};
use crate::engine::observe::Tier;
use crate::isa::Op;

/// Executes an instruction by `Vm::system`, on the cells of the context. Gives 1 when it trapped.
///
/// # Safety
/// The caller is compiled code, with its context.
pub unsafe extern "C" fn system(context: *mut Context, what: u32, operand: u64) -> u32 {
    // SAFETY: by the caller's word; the context's fields and the session are different memory.
    let (session, cells) = unsafe { (Context::session(context), &mut (*context).cells) };
    let op = Op::from_byte(what as u8).unwrap_or(Op::Nop);
    let done = session.vm.system(op, what >> 8 != 0, operand, cells);
    // SAFETY: the context lives, and nothing else refers to these fields.
    unsafe { (*context).refresh(session.vm) };
    match done {
        Ok(()) => 0,
        Err(kind) => {
            session.pending = Some(kind);
            1
        }
    }
}

/// Does what was asked for at a safepoint. Gives 1 when the program is to end.
///
/// # Safety
/// As for [`system`]; `frame` is that of the stub which calls this.
pub unsafe extern "C" fn safepoint(context: *mut Context, frame: *const Frame) -> u32 {
    // SAFETY: by the caller's word.
    let session = unsafe { Context::session(context) };
    let Session { vm, image, tier, end, pending, stack, .. } = &mut *session;
    let places = || {
        // SAFETY: the stack is the one that this runs on.
        let mut places = unsafe { places(&image.sites, stack.clone(), SiteId::NONE, frame) };
        places.extend(tier.sites(&image.sites, stack));
        places
    };
    match vm.safepoint(Tier::MachineCode, places) {
        Ok(None) => {}
        Ok(Some(exit)) => *end = Some(Ok(exit)),
        Err(kind) => *pending = Some(kind),
    }
    let ends = end.is_some() || pending.is_some();
    if !ends && session.vm.take_tier_bell() {
        session.install();
    }
    ends.into()
}
