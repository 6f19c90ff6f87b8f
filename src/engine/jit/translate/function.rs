//! What a translator knows of a function before it begins.

use crate::engine::limits::fuel_costs;
use crate::isa::{Code, FuncType, OperandKind, ValueType};
use crate::verify::Verified;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A function, decoded.
#[derive(Debug)]
pub struct Function {
    pub index: u32,
    pub code: Code,
    pub ty: FuncType,
    /// The types of its locals; parameters are not among them.
    pub locals: Vec<ValueType>,
    /// All cells that a call can need, but for those that each call takes.
    pub cells: usize,
    /// Whether a block begins at an instruction: at a jump's target, and behind a conditional jump.
    pub begins: Vec<bool>,
    /// The fuel of the stretch that begins at an instruction.
    pub fuel: Vec<u32>,
}

impl Function {
    fn new(program: &Verified, index: u32) -> Function {
        let code = program.code_of(index);
        let mut begins = vec![false; code.instrs.len() + 1];
        for (at, &instr) in code.instrs.iter().enumerate() {
            for target in code.jump_targets(instr) {
                begins[target as usize] = true;
            }
            begins[at + 1] |= instr.op.operand() == OperandKind::Label;
        }
        Function {
            index,
            ty: program.module().func_type(index).clone(),
            locals: program.module().functions[index as usize].locals.clone(),
            cells: program.locals(index) + program.max_stack(index) as usize,
            fuel: fuel_costs(&code),
            begins,
            code,
        }
    }

    /// How many parameters and locals it has.
    pub fn variables(&self) -> usize {
        self.ty.params.len() + self.locals.len()
    }
}

/// The functions that have been decoded, for one may be inlined in many places.
#[derive(Debug, Default)]
pub struct Functions(FxHashMap<u32, Rc<Function>>);

impl Functions {
    /// A function, decoded now or before.
    pub fn get(&mut self, program: &Verified, index: u32) -> Rc<Function> {
        let entry = self.0.entry(index);
        Rc::clone(entry.or_insert_with(|| Rc::new(Function::new(program, index))))
    }
}
