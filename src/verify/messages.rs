//! What is wrong with a function, in words.

use super::MAX_CELLS;
use super::error::VerifyError;
use super::function::{Checker, Target};
use super::stack::{Cell, Follow};
use crate::diagnostics::Code as ErrorCode;
use crate::isa::{Instr, Op, OperandKind, Ty, ValueType};
use rustc_hash::FxHashMap;

impl<F: Follow> Checker<'_, F> {
    fn error(&self, code: ErrorCode, i: u32, message: String, label: &str) -> VerifyError {
        VerifyError::new(code, message).at(self.function, i, label)
    }

    /// How many values an instruction takes, and which, in words.
    fn takes(&self, instr: Instr) -> (usize, String) {
        let pops = instr.op.pops();
        let any = pops.iter().take_while(|ty| matches!(ty, Ty::A | Ty::B | Ty::C)).count();
        let mut words = match pops[..any] {
            [] => Vec::new(),
            [_] => vec!["a value".to_owned()],
            [Ty::A, Ty::A] => vec!["two values of one type".to_owned()],
            [_, _] => vec!["two values".to_owned()],
            _ => vec!["three values".to_owned()],
        };
        let types = pops[any..].iter().flat_map(|ty| match ty {
            Ty::I => vec![ValueType::I64],
            Ty::F => vec![ValueType::F64],
            Ty::V => vec![self.variable_type(instr)],
            Ty::Args => self.callee_type(instr).params.clone(),
            Ty::Results => self.ty.result.into_iter().collect(),
            Ty::A | Ty::B | Ty::C => unreachable!("the table has these first"),
        });
        let types: Vec<_> = types.map(|ty| format!("an {ty}")).collect();
        let count = any + types.len();
        words.extend(types);
        match words.split_last() {
            Some((last, [others @ .., next])) => {
                let others = others.iter().map(|other| format!("{other}, ")).collect::<String>();
                (count, format!("{others}{next} and {last}"))
            }
            _ => (count, words.concat()),
        }
    }

    fn subject(&self, instr: Instr) -> String {
        let name = instr.op.mnemonic();
        match instr.op {
            Op::Call => format!("`{name}` of `{}`", self.module.function_name(instr.arg as u32)),
            Op::CallNative => match self.module.import_of_slot(instr.arg) {
                Some(at) => {
                    let import = &self.module.imports[at];
                    format!("`{name}` of `{}{}`", import.symbol, import.signature)
                }
                None => format!("`{name}`"),
            },
            _ => format!("`{name}`"),
        }
    }

    #[cold]
    pub(super) fn underflow(&self, i: u32, instr: Instr, before: F::Stack) -> Box<VerifyError> {
        let (count, values) = self.takes(instr);
        let (subject, function) = (self.subject(instr), self.module.function_name(self.function));
        let plural = if count == 1 { "value" } else { "values" };
        let message = match (instr.op, self.stacks.cells(&self.shapes, before).count()) {
            (Op::Ret, _) => {
                format!("`{function}` returns {values}, but the stack is empty at its `RET`")
            }
            (_, 0) => format!("{subject} takes {count} {plural}, but the stack is empty here"),
            (_, n) => {
                format!("{subject} takes {count} {plural}, but the stack holds only {n} here")
            }
        };
        let label = format!("takes {values}");
        let mut error = self.error(ErrorCode::StackUnderflow, i, message, &label);
        for cell in self.stacks.cells(&self.shapes, before).take(4) {
            error = error.at(self.function, cell.at, format!("this {} is there", cell.ty));
        }
        Box::new(match instr.op {
            _ if self.function == self.module.entry => error,
            Op::Ret => error.help("push the result before the `RET`"),
            _ => error.help("a function's stack begins empty; arguments are parameters: `LOAD x`"),
        })
    }

    #[cold]
    pub(super) fn wrong_type(&self, i: u32, instr: Instr, found: Cell) -> Box<VerifyError> {
        let wanted = match found.ty {
            ValueType::I64 => "an f64",
            ValueType::F64 => "an i64",
        };
        let message = format!("{} needs {wanted}, but finds an {}", self.subject(instr), found.ty);
        let help = match found.ty {
            ValueType::I64 => "`ITOF` turns an i64 into an f64; a float literal has a point: `1.0`",
            ValueType::F64 => "`FTOI` turns an f64 into an i64",
        };
        let error = self
            .error(ErrorCode::TypeMismatch, i, message, &format!("needs {wanted} here"))
            .at(self.function, found.at, format!("this {} was pushed here", found.ty));
        Box::new(error.help(help))
    }

    #[cold]
    pub(super) fn mixed_types(
        &self,
        i: u32,
        instr: Instr,
        lower: Cell,
        upper: Cell,
    ) -> Box<VerifyError> {
        let message = format!(
            "{} needs two values of one type, but finds an {} and an {}",
            self.subject(instr),
            lower.ty,
            upper.ty
        );
        let error = self
            .error(ErrorCode::TypeMismatch, i, message, "needs one type")
            .at(self.function, lower.at, format!("this {} was pushed here", lower.ty))
            .at(self.function, upper.at, format!("this {} was pushed here", upper.ty));
        Box::new(error.help("convert one of them with `ITOF` or `FTOI`"))
    }

    #[cold]
    pub(super) fn paths_disagree(
        &self,
        to: u32,
        first: (u32, F::Stack),
        second: (u32, F::Stack),
    ) -> Box<VerifyError> {
        let describe = |stack| self.shapes.describe(self.stacks.shape(stack));
        let (one, other) = (describe(first.1), describe(second.1));
        let message =
            format!("two ways lead here, one with {one} on the stack, the other with {other}");
        let error = self
            .error(
                ErrorCode::PathsDisagree,
                to,
                message,
                "the stack must be the same whichever way one comes",
            )
            .at(self.function, first.0, format!("from here with {one}"))
            .at(self.function, second.0, format!("from here with {other}"));
        let error = self.where_ways_differ(error, to, first, second);
        let is_loop = first.0 >= to || second.0 >= to;
        Box::new(error.help(match is_loop {
            true => "a loop must leave the stack as it found it; push or pop on one of the ways",
            false => "push or pop on one of the ways, so that both leave the same",
        }))
    }

    /// Shows where two ways part, and what only one of them has pushed, the lowest of it first.
    fn where_ways_differ(
        &self,
        mut error: VerifyError,
        to: u32,
        first: (u32, F::Stack),
        second: (u32, F::Stack),
    ) -> VerifyError {
        const SHOWN: usize = 3;
        if let Some(parting) = self.parting(to, first.0, second.0) {
            error = error.at(self.function, parting, "the two ways part here");
        }
        let cells = |stack| {
            let mut cells: Vec<Cell> = self.stacks.cells(&self.shapes, stack).collect();
            cells.reverse();
            cells
        };
        let (one, other) = (cells(first.1), cells(second.1));
        let same = one.iter().zip(&other).take_while(|(a, b)| a.ty == b.ty).count();
        let differing = one[same..].iter().take(SHOWN).chain(other[same..].iter().take(SHOWN));
        for cell in differing {
            error = error.at(self.function, cell.at, format!("this {} was pushed here", cell.ty));
        }
        error
    }

    /// The instruction behind which two ways to `to` are no longer the same, if one was before it.
    fn parting(&self, to: u32, first: u32, second: u32) -> Option<u32> {
        let (one, other) = (self.way_to(first), self.way_to(second));
        if other.iter().any(|step| step.0 == to) || one.iter().any(|step| step.0 == to) {
            // One of them is a loop, which parts from the other only at its own end.
            return None;
        }
        let other: FxHashMap<u32, u32> = other.into_iter().collect();
        one.iter().find_map(|(begin, left)| Some((*left).min(*other.get(begin)?)))
    }

    /// The way by which an instruction was first reached, back to the beginning: where each of its
    /// stretches begins, and the instruction at which it is left.
    fn way_to(&self, mut left_at: u32) -> Vec<(u32, u32)> {
        let mut way = Vec::new();
        loop {
            let known = |at: &u32| matches!(self.targets[*at as usize], Target::Known(..));
            let begin = (0..=left_at).rev().find(known).unwrap_or(0);
            way.push((begin, left_at));
            match self.targets.get(begin as usize) {
                Some(&Target::Known(_, from)) if begin != 0 && way.len() < MAX_CELLS => {
                    left_at = from;
                }
                _ => return way,
            }
        }
    }

    #[cold]
    pub(super) fn no_end(&self, count: u32) -> Box<VerifyError> {
        let name = self.module.function_name(self.function);
        let end = if self.function == self.module.entry { "HALT" } else { "RET" };
        let message = format!("a way through `{name}` runs past its last instruction");
        let error = match count {
            0 => VerifyError::new(ErrorCode::MissingReturn, format!("`{name}` has no instruction")),
            _ => self.error(ErrorCode::MissingReturn, count - 1, message, "nothing follows this"),
        };
        Box::new(error.help(format!("end it with `{end}`")))
    }

    #[cold]
    pub(super) fn jump_outside(&self, i: u32, instr: Instr, target: u32) -> Box<VerifyError> {
        let count = self.code.instrs.len() as u32;
        if target == count {
            let message =
                format!("`{}` goes to a label behind the last instruction", instr.op.mnemonic());
            let error = self.error(ErrorCode::MissingReturn, i, message, "nothing stands there");
            return Box::new(
                error.help("put an instruction such as `RET` or `HALT` behind the label"),
            );
        }
        let message = format!(
            "`{}` goes to instruction {target}, but the function has {count}",
            instr.op.mnemonic()
        );
        let error = self.error(ErrorCode::JumpOutside, i, message, "leaves the function");
        Box::new(error.help("no assembler writes this; assemble the program again"))
    }

    #[cold]
    pub(super) fn no_such_slot(&self, i: u32, instr: Instr) -> Box<VerifyError> {
        const SHOWN: usize = 8;
        let (slot, name) = (instr.arg, instr.op.mnemonic());
        let message = format!("`{name}` names slot {slot}, which no `.lib` binds");
        let imports = self.module.imports.iter();
        let known = imports.map(|import| format!("{} ({})", import.slot, import.symbol));
        let mut known: Vec<_> = known.take(SHOWN + 1).collect();
        if known.len() > SHOWN {
            known[SHOWN] = "…".to_owned();
        }
        let help = match known.len() {
            _ if slot > u16::MAX.into() => format!("slots are 0 to {}", u16::MAX),
            0 => format!("bind it: .lib {slot} \"library\" function (i32, i32) -> i32"),
            1 => format!("the program has slot {}", known[0]),
            _ => format!("the program has slots {}", known.join(", ")),
        };
        Box::new(self.error(ErrorCode::BadIndex, i, message, "no such slot").help(help))
    }

    #[cold]
    pub(super) fn bad_index(&self, i: u32, instr: Instr, limit: usize) -> Box<VerifyError> {
        let what = match instr.op.operand() {
            OperandKind::Local => "local",
            OperandKind::Global => "global",
            OperandKind::Func => "function",
            _ => "text",
        };
        let there = match limit {
            0 => format!("there is no {what}"),
            1 => format!("there is only {what} 0"),
            2 => format!("there are only {what}s 0 and 1"),
            n => format!("there are only {what}s 0 to {}", n - 1),
        };
        let message = format!("`{}` names {what} {}, but {there}", instr.op.mnemonic(), instr.arg);
        Box::new(self.error(ErrorCode::BadIndex, i, message, &format!("no such {what}")))
    }

    #[cold]
    pub(super) fn too_deep(&self, i: u32) -> Box<VerifyError> {
        let message = format!("the stack holds more than {MAX_CELLS} values");
        Box::new(self.error(ErrorCode::LimitExceeded, i, message, "the one too many"))
    }
}
