//! Frames, control and arithmetic.

use crate::engine::limits::{FRAME_CELLS, MAX_STACK, fuel_costs};
use crate::engine::numeric;
use crate::engine::observe::Tier;
use crate::engine::trap::{Trap, TrapKind};
use crate::engine::vm::{Exit, Vm};
use crate::isa::{Code, Group, Op, OperandKind};
use crate::verify::{Effect, Site};
use std::rc::Rc;

/// An instruction with what is known of it.
#[derive(Clone, Copy)]
struct Step {
    op: Op,
    /// Whether it works on floats where it could on either.
    float: bool,
    /// The operand; a slot is given by the index of its import.
    arg: u64,
    effect: Effect,
    /// The fuel of the stretch that begins here.
    fuel: u32,
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
enum Flow {
    Next,
    Jump(u64),
    Call(u32),
    Return,
    End(Exit),
}

pub(super) struct Machine<'v, 'p> {
    vm: &'v mut Vm<'p>,
    functions: Vec<Option<Rc<Function>>>,
    frames: Vec<Frame>,
    /// The locals and operands of all calls, one frame behind the other.
    stack: Vec<u64>,
}

impl<'v, 'p> Machine<'v, 'p> {
    pub(super) fn new(vm: &'v mut Vm<'p>) -> Self {
        let functions = vec![None; vm.program.module().functions.len()];
        Machine { vm, functions, frames: Vec::new(), stack: Vec::new() }
    }

    pub(super) fn run(&mut self, function: u32) -> Result<Exit, Trap> {
        let mut frame = self.enter(function).map_err(|kind| self.trap(kind, None))?;
        let mut at_safepoint = true;
        loop {
            let step = frame.code.steps[frame.next];
            frame.next += 1;
            let flow = match self.attend(step, &frame, at_safepoint) {
                Ok(None) => self.step(step, &frame),
                Ok(Some(exit)) => return Ok(exit),
                Err(kind) => Err(kind),
            };
            match flow {
                Ok(Flow::Next) => at_safepoint = step.op == Op::Read,
                Ok(Flow::Jump(target)) => {
                    at_safepoint = (target as usize) < frame.next;
                    frame.next = target as usize;
                }
                Ok(Flow::Call(callee)) => {
                    self.frames.push(frame);
                    frame = self.enter(callee).map_err(|kind| self.trap(kind, None))?;
                    at_safepoint = true;
                }
                Ok(Flow::Return) => {
                    let result = self.stack.len() - frame.code.results;
                    self.stack.drain(frame.base..result);
                    match self.frames.pop() {
                        Some(caller) => frame = caller,
                        None => return Ok(Exit::Done),
                    }
                    at_safepoint = false;
                }
                Ok(Flow::End(exit)) => return Ok(exit),
                Err(kind) => return Err(self.trap(kind, Some(frame))),
            }
        }
    }

    /// A frame for a function whose arguments are on the stack: they become its first locals.
    fn enter(&mut self, function: u32) -> Result<Frame, TrapKind> {
        let code = self.function(function);
        let base = self.stack.len() - code.params;
        if base + FRAME_CELLS * (self.frames.len() + 1) + code.cells > MAX_STACK {
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
            let fuel = fuel_costs(&code);
            let steps = code.instrs.iter().zip(fuel).enumerate().map(|(i, (&instr, fuel))| Step {
                op: instr.op,
                float: program.is_float(index, i as u32),
                arg: match instr.op.operand() {
                    OperandKind::Slot => program.import_of(instr.arg) as u64,
                    _ => instr.arg,
                },
                effect: program.effect(index, instr),
                fuel,
            });
            let ty = program.module().func_type(index);
            let locals = program.locals(index);
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

    /// What comes before an instruction: the outside is heard, the stretch is paid for, and whoever
    /// watches is told.
    fn attend(
        &mut self,
        step: Step,
        frame: &Frame,
        at_safepoint: bool,
    ) -> Result<Option<Exit>, TrapKind> {
        if at_safepoint && self.vm.doorbell.has_rung() {
            let frames = &self.frames;
            if let Some(exit) =
                self.vm.safepoint(Tier::Interpreter, || sites(frames, Some(frame)).collect())?
            {
                return Ok(Some(exit));
            }
        }
        let site = frame.site();
        if step.fuel > 0 {
            self.vm.fuel.burn(step.fuel)?;
            if let Some(profile) = self.vm.profile.as_mut().filter(|profile| profile.counts()) {
                *profile.counter(site) += 1;
            }
        }
        if let Some(tracer) = &mut self.vm.tracer {
            tracer(site, &self.stack[frame.base + frame.code.locals..]);
        }
        Ok(None)
    }

    /// Takes the top value. The verifier has proved that there is one.
    fn pop(&mut self) -> u64 {
        self.stack.pop().expect("the verifier has counted the values")
    }

    fn push(&mut self, value: impl Into<u64>) {
        self.stack.push(value.into());
    }

    fn step(&mut self, step: Step, frame: &Frame) -> Result<Flow, TrapKind> {
        let Step { op, arg, .. } = step;
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
            Op::Exit => return Ok(Flow::End(Exit::with(self.pop())?)),
            Op::Trap => return Err(TrapKind::Trap),
            _ => match op.group() {
                Group::Memory | Group::Native | Group::InputOutput => self.memory(step)?,
                _ => self.number(step)?,
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

    fn number(&mut self, Step { op, float, effect, .. }: Step) -> Result<(), TrapKind> {
        let b = self.pop();
        let result = match effect.pops {
            1 => numeric::unary(op, float, b)?,
            _ => {
                let a = self.pop();
                numeric::binary(op, float, a, b)?
            }
        };
        self.push(result);
        Ok(())
    }

    fn memory(&mut self, Step { op, float, arg, effect, .. }: Step) -> Result<(), TrapKind> {
        if op.operand() != OperandKind::Offset {
            let first = self.stack.len() - effect.pops;
            // Room for a result where nothing is popped.
            self.push(0u64);
            self.vm.system(op, float, arg, &mut self.stack[first..])?;
            self.stack.truncate(first + effect.pushes);
        } else if effect.pushes == 0 {
            let value = self.pop();
            let address = self.pop().wrapping_add(arg);
            self.vm.memory.store_cell(op, address, value)?;
        } else {
            let address = self.pop().wrapping_add(arg);
            let value = self.vm.memory.load_cell(op, address)?;
            self.push(value);
        }
        Ok(())
    }

    fn trap(&self, kind: TrapKind, current: Option<Frame>) -> Trap {
        Trap::new(kind, sites(&self.frames, current.as_ref()).collect())
    }
}

impl Frame {
    /// The instruction that it is at.
    fn site(&self) -> Site {
        Site { function: self.function, instr: self.next as u32 - 1 }
    }
}

/// Where the program is, from the inside out.
fn sites<'f>(frames: &'f [Frame], current: Option<&'f Frame>) -> impl Iterator<Item = Site> + 'f {
    current.into_iter().chain(frames.iter().rev()).map(Frame::site)
}
