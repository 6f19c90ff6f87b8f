//! What can be run, and is probably not what was meant.

use super::error::VerifyError;
use super::function::is_constant_condition;
use super::{StackMap, Verified};
use crate::diagnostics::Code;
use crate::isa::{Instr, Op};
use std::collections::HashSet;

/// How many values that are left on the stack are shown.
const SHOWN: usize = 3;

/// What is probably not as it was meant, function by function.
pub fn doubts(verified: &Verified) -> Vec<VerifyError> {
    let doubtful = (0..).zip(&verified.functions).filter(|(_, facts)| facts.doubtful);
    doubtful.flat_map(|(function, _)| doubts_of(verified, function)).collect()
}

fn doubts_of(verified: &Verified, function: u32) -> Vec<VerifyError> {
    let (code, map) = (verified.code_of(function), verified.stack_map(function));
    let targets: HashSet<u32> = code.instrs.iter().flat_map(|&i| code.jump_targets(i)).collect();
    let mut found = Vec::new();
    let mut reached_before = true;
    for (i, &instr) in (0..).zip(&code.instrs) {
        let reached = map.before(i).is_some();
        if !reached && reached_before {
            let error = VerifyError::new(Code::UnreachableCode, "this is never executed").at(
                function,
                i,
                "no way leads here",
            );
            found.push(match i.checked_sub(1) {
                Some(before) => error.at(function, before, "goes elsewhere, or ends"),
                None => error,
            });
        }
        reached_before = reached;
        match instr.op {
            Op::Halt if reached => found.extend(left_at(&map, function, i)),
            Op::Jz | Op::Jnz | Op::Switch if reached => {
                let is_target = |at| targets.contains(&at);
                found.extend(constant_condition(&code.instrs, function, i, is_target));
            }
            _ => {}
        }
    }
    found
}

fn constant_condition(
    instrs: &[Instr],
    function: u32,
    i: u32,
    is_target: impl Fn(u32) -> bool,
) -> Option<VerifyError> {
    if !is_constant_condition(instrs, i, is_target) {
        return None;
    }
    let (op, value) = (instrs[i as usize].op, instrs[i as usize - 1].arg);
    let label = match op {
        Op::Switch => "always goes to the same label",
        _ if (value == 0) == (op == Op::Jz) => "always jumps",
        _ => "never jumps",
    };
    let message = format!("the condition is always {}", value as i64);
    let error = VerifyError::new(Code::ConstantCondition, message);
    let error = error.at(function, i, label);
    let error = error.at(function, i - 1, "the condition");
    Some(error.help("`JMP` jumps always; `.if` leaves lines out"))
}

fn left_at(map: &StackMap, function: u32, i: u32) -> Option<VerifyError> {
    let stack = map.before(i)?;
    let count = stack.depth();
    let values = match count {
        0 => return None,
        1 => "one value is".to_owned(),
        n => format!("{n} values are"),
    };
    let message = format!("{values} left on the stack at the end");
    let mut error =
        VerifyError::new(Code::ValueLeft, message).at(function, i, "the program ends here");
    for cell in stack.cells().take(SHOWN) {
        error = error.at(function, cell.at, format!("this {} is left", cell.ty));
    }
    Some(error.help("use it, or drop it with `POP`"))
}
