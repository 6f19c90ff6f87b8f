//! Calls of native functions.

use super::dispatch::{Body, Flow, Handler, Regs, handler};
use super::outside::cells;
use crate::engine::lower::Form;
use crate::isa::CType;
use crate::native::{Direct, Libraries, call_floats, call_integers};

/// How many words a call has behind its operands: the import; its cells, as the first and how many; and
/// for those that are made here, where the address of the function is, the ranges of its arguments, and
/// how many bits its result is short of 64.
pub(super) const WORDS: usize = 5;

/// Calls any native function, by way of `Vm`.
pub(super) struct CallNative;

impl Body for CallNative {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            let cells = cells(s, 3);
            match (*s.cx).vm().call_native(s.word(2) as usize, cells) {
                Ok(Some(result)) => cells[0] = result,
                Ok(None) => {}
                Err(kind) => return (*s.cx).trap(s.ip, s.fp, kind),
            }
            // Nothing in registers is wanted any more, so nothing need be saved across the call.
            s.forget();
            s.next(2 + WORDS)
        }
    }
}

/// What a call gives: nothing, an integer that is extended by its sign or by zeros, a double.
const NOTHING: u8 = 0;
const SIGNED: u8 = 1;
const UNSIGNED: u8 = 2;
const FLOAT: u8 = 3;

/// Calls a native function of `N` integers or doubles through its address.
struct CallDirect<const FLOATS: bool, const N: usize, const RESULT: u8>;

impl<const FLOATS: bool, const N: usize, const RESULT: u8> Body for CallDirect<FLOATS, N, RESULT> {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form, and the address of a
        // function of this signature or 0.
        unsafe {
            let args = s.fp.add(s.word(3) as u32 as usize);
            let target = *(s.word(4) as *const usize);
            let fits = FLOATS || fit::<N>(args, s.word(5) as *const (i64, i64));
            // What is not as usual may also be an error, which is found there.
            if target == 0 || !fits || !(*s.cx).vm().host.is_flushed() {
                return Flow::Cold(handler::<CallNative>());
            }
            match RESULT {
                NOTHING => call::<FLOATS, N, ()>(target, args),
                FLOAT => *args = call::<FLOATS, N, f64>(target, args).to_bits(),
                SIGNED => {
                    let result: i64 = call::<FLOATS, N, _>(target, args);
                    *args = (result << s.word(6) >> s.word(6)) as u64;
                }
                _ => {
                    let result: u64 = call::<FLOATS, N, _>(target, args);
                    *args = result << s.word(6) >> s.word(6);
                }
            }
            s.forget();
            s.next(2 + WORDS)
        }
    }
}

/// Whether each argument is in its range.
#[inline(always)]
unsafe fn fit<const N: usize>(args: *const u64, ranges: *const (i64, i64)) -> bool {
    (0..N).all(|at| {
        // SAFETY: there are as many of both.
        let (arg, (least, greatest)) = unsafe { (*args.add(at), *ranges.add(at)) };
        (least..=greatest).contains(&(arg as i64))
    })
}

#[inline(always)]
unsafe fn call<const FLOATS: bool, const N: usize, R>(target: usize, args: *const u64) -> R {
    // SAFETY: by the caller's word.
    unsafe {
        match FLOATS {
            true => call_floats::<N, R>(target, args),
            false => call_integers::<N, R>(target, args),
        }
    }
}

/// The handler of a call, and its words from the third on.
pub(super) fn call_of(libraries: &Libraries, import: usize) -> (Handler, [u64; WORDS - 2]) {
    let simple = libraries.direct(import).and_then(|direct| {
        let (result, short) = result_of(direct.result())?;
        // SAFETY: there is a target for each import.
        let target = unsafe { libraries.targets().add(import) };
        Some((direct_call(direct, result), [target as u64, direct.ranges().as_ptr() as u64, short]))
    });
    simple.unwrap_or((handler::<CallNative>(), [0; WORDS - 2]))
}

fn result_of(result: CType) -> Option<(u8, u64)> {
    Some(match result {
        CType::Void => (NOTHING, 0),
        CType::I8 => (SIGNED, 56),
        CType::I16 => (SIGNED, 48),
        CType::I32 => (SIGNED, 32),
        CType::I64 => (SIGNED, 0),
        CType::U8 => (UNSIGNED, 56),
        CType::U16 => (UNSIGNED, 48),
        CType::U32 => (UNSIGNED, 32),
        CType::U64 => (UNSIGNED, 0),
        CType::F64 => (FLOAT, 0),
        CType::Bool | CType::F32 | CType::Cstr | CType::Bytes | CType::Ptr => return None,
    })
}

fn direct_call(direct: &Direct, result: u8) -> Handler {
    macro_rules! by_count {
        ($floats:literal) => {
            match direct.params() {
                0 => by_result!($floats 0),
                1 => by_result!($floats 1),
                2 => by_result!($floats 2),
                3 => by_result!($floats 3),
                _ => by_result!($floats 4),
            }
        };
    }
    macro_rules! by_result {
        ($floats:literal $count:literal) => {
            match result {
                NOTHING => handler::<CallDirect<$floats, $count, NOTHING>>(),
                SIGNED => handler::<CallDirect<$floats, $count, SIGNED>>(),
                UNSIGNED => handler::<CallDirect<$floats, $count, UNSIGNED>>(),
                _ => handler::<CallDirect<$floats, $count, FLOAT>>(),
            }
        };
    }
    match direct.takes_floats() {
        true => by_count!(true),
        false => by_count!(false),
    }
}
