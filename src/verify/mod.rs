//! The proof that a module can be run without checks.
//!
//! [`verify`] is the only way to a [`Verified`], and an engine takes nothing else. What it proves:
//! every index names something, every jump stays in its function, the stack's depth and types agree
//! wherever ways meet, every way ends, and how deep the stack can get. The work is linear in the code:
//! abstract stacks share their tails (`stack`), so that keeping and comparing one takes one step.
//!
//! What remains to be checked at run time: memory bounds, division, conversions, native arguments,
//! and the depth of calls.
#![forbid(unsafe_code)]

mod doubts;
mod error;
mod function;
mod messages;
mod stack;
mod structure;

pub use doubts::doubts;
pub use error::{Site, VerifyError};
pub use stack::{StackMap, StackView};

use crate::isa::{Code, Instr, Op, Ty};
use crate::module::Module;
use crate::threads::{self, share};
use function::Checker;
use stack::{Stacks, Types};
use std::ops::Range;

/// The most values on a function's stack, and the most locals.
pub const MAX_CELLS: usize = 65535;

/// A module that can be run without checks, with what the proof has found out.
#[derive(Clone, Debug)]
pub struct Verified {
    module: Module,
    functions: Vec<Facts>,
    /// Slot numbers in order, with the index of their import.
    slots: Vec<(u16, u32)>,
    /// The imports whose slot no instruction names.
    unused: Vec<usize>,
}

/// What an instruction does to the height of the operand stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// How many cells it takes.
    pub pops: usize,
    /// How many it leaves.
    pub pushes: usize,
}

/// What is known of a function.
#[derive(Clone, Debug, Default)]
struct Facts {
    max_stack: u32,
    /// A bit for each instruction; empty when there is no float.
    floats: Vec<u64>,
    grows_memory: bool,
    /// Whether [`doubts`] has something to say.
    doubtful: bool,
}

impl Verified {
    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The most cells that a function's operand stack holds.
    pub fn max_stack(&self, function: u32) -> u32 {
        self.functions[function as usize].max_stack
    }

    /// Whether an instruction that works on either type ([`crate::isa::Op::is_overloaded`]) works on
    /// floats. `false` where no way leads to it.
    pub fn is_float(&self, function: u32, instr: u32) -> bool {
        let word = self.functions[function as usize].floats.get(instr as usize / 64);
        word.is_some_and(|bits| bits >> (instr % 64) & 1 == 1)
    }

    /// Whether any function can grow memory.
    pub fn grows_memory(&self) -> bool {
        self.functions.iter().any(|facts| facts.grows_memory)
    }

    /// How many parameters and locals a function has.
    pub fn locals(&self, function: u32) -> usize {
        let params = &self.module.func_type(function).params;
        params.len() + self.module.functions[function as usize].locals.len()
    }

    /// The imports whose slot no instruction names, by their index.
    pub fn unused_imports(&self) -> &[usize] {
        &self.unused
    }

    /// The index of the import that a slot number stands for.
    ///
    /// # Panics
    /// When no import has that slot, which no verified instruction names.
    pub fn import_of(&self, slot: u64) -> usize {
        let found = self.slots.binary_search_by_key(&slot, |&(slot, _)| slot.into());
        self.slots[found.expect("the verifier has seen the slot")].1 as usize
    }

    /// What an instruction of a function does to the height of its stack.
    pub fn effect(&self, function: u32, instr: Instr) -> Effect {
        let (args, results) = match instr.op {
            Op::Call => {
                let ty = self.module.func_type(instr.arg as u32);
                (ty.params.len(), ty.result.is_some())
            }
            Op::CallNative => {
                let ty = self.module.imports[self.import_of(instr.arg)].signature.func_type();
                (ty.params.len(), ty.result.is_some())
            }
            // What it gives back it takes.
            Op::Ret => (0, self.module.func_type(function).result.is_some()),
            _ => (0, false),
        };
        let count = |types: &[Ty]| {
            let cells = types.iter().map(|ty| match ty {
                Ty::Args => args,
                Ty::Results => results.into(),
                _ => 1,
            });
            cells.sum()
        };
        Effect { pops: count(instr.op.pops()), pushes: count(instr.op.pushes()) }
    }

    /// What the operand stack of a function holds around each of its instructions. This follows the
    /// function's ways once more.
    pub fn stack_map(&self, function: u32) -> StackMap {
        Checker::new(&self.module).stack_map(function).0
    }

    /// Decodes the instructions of a function.
    pub fn code_of(&self, function: u32) -> Code {
        let mut code = Code::default();
        let decoded = self.module.code_of(function, &mut code);
        decoded.expect("a verified module's code has been decoded before");
        code
    }
}

/// The operand stacks of a module's functions, whether or not these can be run.
pub struct StackMaps<'m>(Checker<'m, Stacks>);

impl<'m> StackMaps<'m> {
    /// The stacks of a module.
    ///
    /// # Errors
    /// When what stands outside of its functions is wrong, so that nothing is known of these.
    pub fn new(module: &'m Module) -> Result<StackMaps<'m>, Vec<VerifyError>> {
        let errors = structure::check(module);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(StackMaps(Checker::new(module)))
    }

    /// What the stack of a function holds around each of its instructions, as far as these are right,
    /// and the first that is not.
    pub fn of(&mut self, function: u32) -> (StackMap, Option<Box<VerifyError>>) {
        self.0.stack_map(function)
    }
}

/// A module that cannot be run.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The module.
    pub module: Module,
    /// Why: the first problem of each function, or those of what stands outside of them.
    pub errors: Vec<VerifyError>,
}

/// Proves a module, or says why it cannot be run.
///
/// # Errors
/// When it cannot be run.
pub fn verify(module: Module) -> Result<Verified, Box<Rejected>> {
    let errors = structure::check(&module);
    if !errors.is_empty() {
        return Err(Box::new(Rejected { module, errors }));
    }
    let Checked { functions, errors, used } = Checked::all(&module);
    if errors.is_empty() {
        let mut slots: Vec<_> = module.imports.iter().map(|i| i.slot).zip(0..).collect();
        slots.sort_unstable();
        let unused = (0..slots.len()).filter(|index| !used[*index]).collect();
        Ok(Verified { module, functions, slots, unused })
    } else {
        Err(Box::new(Rejected { module, errors }))
    }
}

/// From so many bytes of code on, threads share the work: in so many parts.
const LONG: usize = 256 << 10;
const PARTS: usize = 64;

/// What was found out about some functions of a module.
struct Checked {
    functions: Vec<Facts>,
    errors: Vec<VerifyError>,
    /// For each import, whether one of them names its slot.
    used: Vec<bool>,
}

impl Checked {
    fn all(module: &Module) -> Checked {
        let count = module.functions.len();
        let (threads, parts) = match module.code.len() {
            ..LONG => (1, 1),
            _ => (threads::count(), PARTS.min(count)),
        };
        // No function's proof needs that of another.
        let range =
            |part: usize| (part * count / parts) as u32..((part + 1) * count / parts) as u32;
        let mut first = Checked::new(module, 0..0);
        let mut checked = |part| first.append(Checked::new(module, range(part)));
        let others = share(threads, parts, &mut checked, |part| Checked::new(module, range(part)));
        others.into_iter().for_each(|it| first.append(it));
        first
    }

    fn new(module: &Module, range: Range<u32>) -> Checked {
        let mut proof: Checker<Types> = Checker::new(module);
        let mut explanation: Option<Checker<Stacks>> = None;
        let (mut functions, mut errors) = (Vec::with_capacity(range.len()), Vec::new());
        for index in range {
            match proof.check(index) {
                Ok(facts) => functions.push(facts),
                // Once more, with where each value is from.
                Err(_) => {
                    let again = explanation.get_or_insert_with(|| Checker::new(module));
                    errors.extend(again.check(index).err().map(|error| *error));
                }
            }
        }
        Checked { functions, errors, used: proof.used_imports() }
    }

    /// Adds what was found out about the functions behind these.
    fn append(&mut self, mut others: Checked) {
        self.functions.append(&mut others.functions);
        self.errors.append(&mut others.errors);
        self.used.iter_mut().zip(others.used).for_each(|(used, there)| *used |= there);
    }
}
