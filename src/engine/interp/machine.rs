//! Frames, control and arithmetic.

use crate::engine::numeric;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, MAX_CALL_DEPTH, MAX_STACK, Vm};
use crate::isa::{Code, Group, Op, OperandKind};
use crate::verify::Site;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// An instruction, and whether it works on floats where it could on either.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) float: bool,
    /// The operand; a slot is given by the number of its import.
    pub(super) arg: u64,
}

/// A function, decoded.
struct Function {
    steps: Vec<Step>,
    code: Code,
    params: usize,
    /// Parameters and locals.
    locals: usize,
    /// All cells that a call can need.
    cells: usize,
    results: usize,
}

/// A call that is under way.
struct Frame {
    function: u32,
    code: Rc<Function>,
    /// The next instruction.
    next: usize,
    /// Where its parameters and locals begin; its operands follow.
    base: usize,
}

/// What an instruction leads to.
pub(super) enum Flow {
    Next,
    /// The next instruction; but the program has waited for the outside, where much may have changed.
    Waited,
    Jump(u64),
    Call(u32),
    Return,
    End(Exit),
}

pub(super) struct Machine<'v, 'p> {
    pub(super) vm: &'v mut Vm<'p>,
    functions: Vec<Option<Rc<Function>>>,
    /// The import that each slot number stands for.
    slots: FxHashMap<u64, u64>,
    frames: Vec<Frame>,
    /// The locals and operands of all calls, one frame behind the other.
    pub(super) stack: Vec<u64>,
}

impl<'v, 'p> Machine<'v, 'p> {
    pub(super) fn new(vm: &'v mut Vm<'p>) -> Self {
        let functions = vec![None; vm.program.module().functions.len()];
        let imports = vm.program.module().imports.iter();
        let slots = imports.zip(0..).map(|(import, index)| (import.slot.into(), index)).collect();
        Machine { vm, functions, slots, frames: Vec::new(), stack: Vec::new() }
    }

    pub(super) fn run(&mut self, function: u32) -> Result<Exit, Trap> {
        let mut frame = self.enter(function).map_err(|kind| self.trap(kind, None))?;
        loop {
            let step = frame.code.steps[frame.next];
            frame.next += 1;
            let flow = match self.step(step, &frame) {
                Ok(flow) => flow,
                Err(kind) => return Err(self.trap(kind, Some(frame))),
            };
            let at_safepoint = match flow {
                Flow::Next => false,
                Flow::Waited => true,
                Flow::Jump(target) => {
                    let back = (target as usize) < frame.next;
                    frame.next = target as usize;
                    back
                }
                Flow::Call(callee) => match self.enter(callee) {
                    Ok(callee) => {
                        self.frames.push(std::mem::replace(&mut frame, callee));
                        true
                    }
                    Err(kind) => return Err(self.trap(kind, Some(frame))),
                },
                Flow::Return => {
                    let result = self.stack.len() - frame.code.results;
                    self.stack.drain(frame.base..result);
                    match self.frames.pop() {
                        Some(caller) => frame = caller,
                        None => return Ok(Exit::Done),
                    }
                    false
                }
                Flow::End(exit) => return Ok(exit),
            };
            if at_safepoint
                && self.vm.doorbell.has_rung()
                && let Some(exit) = self.vm.safepoint()
            {
                return Ok(exit);
            }
        }
    }

    /// A frame for a function whose arguments are on the stack: they become its first locals.
    fn enter(&mut self, function: u32) -> Result<Frame, TrapKind> {
        let code = self.function(function);
        let base = self.stack.len() - code.params;
        if self.frames.len() >= MAX_CALL_DEPTH || base + code.cells > MAX_STACK {
            return Err(TrapKind::CallStackExhausted);
        }
        self.stack.resize(base + code.locals, 0);
        Ok(Frame { function, code, next: 0, base })
    }

    fn function(&mut self, index: u32) -> Rc<Function> {
        let slot = &mut self.functions[index as usize];
        let program = self.vm.program;
        let code = slot.get_or_insert_with(|| {
            let code = program.code_of(index);
            let steps = code.instrs.iter().enumerate().map(|(i, instr)| Step {
                op: instr.op,
                float: program.is_float(index, i as u32),
                arg: match instr.op.operand() {
                    OperandKind::Slot => self.slots[&instr.arg],
                    _ => instr.arg,
                },
            });
            let ty = program.module().func_type(index);
            let locals = ty.params.len() + program.module().functions[index as usize].locals.len();
            Rc::new(Function {
                steps: steps.collect(),
                params: ty.params.len(),
                locals,
                cells: locals + program.max_stack(index) as usize,
                results: usize::from(ty.result.is_some()),
                code,
            })
        });
        Rc::clone(code)
    }

    /// Takes the top value. The verifier has proved that there is one.
    pub(super) fn pop(&mut self) -> u64 {
        self.stack.pop().expect("the verifier has counted the values")
    }

    pub(super) fn push(&mut self, value: impl Into<u64>) {
        self.stack.push(value.into());
    }

    fn step(&mut self, step: Step, frame: &Frame) -> Result<Flow, TrapKind> {
        let Step { op, float, arg } = step;
        match op {
            Op::PushInt | Op::PushFloat => self.push(arg),
            Op::Pop => drop(self.pop()),
            Op::Dup => self.pick(0),
            Op::Over => self.pick(1),
            Op::Swap => self.rotate(2),
            Op::Rot => self.rotate(3),
            Op::Nop => {}
            Op::Select => {
                let (condition, b, a) = (self.pop(), self.pop(), self.pop());
                self.push(if condition != 0 { a } else { b });
            }
            Op::LoadLocal => self.push(self.stack[frame.base + arg as usize]),
            Op::StoreLocal => {
                let value = self.pop();
                self.stack[frame.base + arg as usize] = value;
            }
            Op::TeeLocal => self.stack[frame.base + arg as usize] = self.top(),
            Op::LoadGlobal => self.push(self.vm.globals[arg as usize]),
            Op::StoreGlobal => self.vm.globals[arg as usize] = self.pop(),
            Op::TeeGlobal => self.vm.globals[arg as usize] = self.top(),
            Op::Jmp => return Ok(Flow::Jump(arg)),
            Op::Jz if self.pop() == 0 => return Ok(Flow::Jump(arg)),
            Op::Jnz if self.pop() != 0 => return Ok(Flow::Jump(arg)),
            Op::Jz | Op::Jnz => {}
            Op::Switch => {
                let table = frame.code.code.table(arg);
                let last = table.len() - 1;
                let at = usize::try_from(self.pop()).unwrap_or(last).min(last);
                return Ok(Flow::Jump(table[at].into()));
            }
            Op::Call => return Ok(Flow::Call(arg as u32)),
            Op::Ret => return Ok(Flow::Return),
            Op::Halt => return Ok(Flow::End(Exit::Done)),
            Op::Exit => {
                let status = self.pop() as i64;
                let status = u8::try_from(status).map_err(|_| TrapKind::BadExitStatus(status))?;
                return Ok(Flow::End(Exit::Status(status)));
            }
            Op::Trap => return Err(TrapKind::Trap),
            _ => match op.group() {
                Group::Memory => self.memory(op, arg)?,
                Group::Native => self.native(op, arg as usize)?,
                Group::InputOutput => {
                    self.input_output(step)?;
                    if op == Op::Read {
                        return Ok(Flow::Waited);
                    }
                }
                _ => self.number(op, float)?,
            },
        }
        Ok(Flow::Next)
    }

    fn top(&self) -> u64 {
        *self.stack.last().expect("the verifier has counted the values")
    }

    fn pick(&mut self, depth: usize) {
        let value = self.stack[self.stack.len() - 1 - depth];
        self.push(value);
    }

    /// Brings the value that is `count` deep to the top.
    fn rotate(&mut self, count: usize) {
        let start = self.stack.len() - count;
        self.stack[start..].rotate_left(1);
    }

    fn number(&mut self, op: Op, float: bool) -> Result<(), TrapKind> {
        let b = self.pop();
        let result = match op.pops().len() {
            1 => numeric::unary(op, float, b)?,
            _ => {
                let a = self.pop();
                numeric::binary(op, float, a, b)?
            }
        };
        self.push(result);
        Ok(())
    }

    /// Where the program is, from the inside out.
    fn trap(&self, kind: TrapKind, current: Option<Frame>) -> Trap {
        let all = self.frames.len() + usize::from(current.is_some());
        let sites = current
            .iter()
            .chain(self.frames.iter().rev())
            .map(|frame| Site { function: frame.function, instr: frame.next as u32 - 1 });
        if all <= Trap::INNERMOST + Trap::OUTERMOST {
            return Trap { kind, stack: sites.collect(), omitted: 0 };
        }
        let omitted = all - Trap::INNERMOST - Trap::OUTERMOST;
        let kept = |i: &usize| *i < Trap::INNERMOST || *i >= all - Trap::OUTERMOST;
        let stack = sites.enumerate().filter(|(i, _)| kept(i)).map(|(_, site)| site).collect();
        Trap { kind, stack, omitted }
    }
}
