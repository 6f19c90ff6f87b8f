//! Where a function's values live: parameters where the caller has put them, then the header, the
//! other locals, and the operand stack.

use super::code::Class;
use crate::engine::limits::FRAME_CELLS;
use crate::isa::ValueType;
use crate::verify::Verified;

/// The layout of a function's frame.
#[derive(Debug)]
pub(super) struct Frame {
    pub params: u32,
    /// Of each parameter and local.
    classes: Vec<Class>,
    /// How many cells there are.
    pub cells: usize,
}

impl Frame {
    pub fn of(program: &Verified, function: u32) -> Frame {
        let module = program.module();
        let params = &module.func_type(function).params;
        let locals = &module.functions[function as usize].locals;
        let classes = params.iter().chain(locals).map(|&ty| class_of(ty)).collect::<Vec<_>>();
        let cells = FRAME_CELLS + classes.len() + program.max_stack(function) as usize;
        Frame { params: params.len() as u32, classes, cells }
    }

    /// The cell of a parameter or local.
    pub fn local(&self, local: u32) -> u32 {
        if local < self.params { local } else { local + FRAME_CELLS as u32 }
    }

    /// The class of a parameter or local.
    pub fn class(&self, local: u32) -> Class {
        self.classes[local as usize]
    }

    /// The first cell of the locals that are not parameters, which begin at zero, and their number.
    pub fn zeros(&self) -> (u32, usize) {
        (self.params + FRAME_CELLS as u32, self.classes.len() - self.params as usize)
    }

    /// The cell of the operand stack at a height.
    pub fn operand(&self, height: usize) -> u32 {
        (self.classes.len() + FRAME_CELLS + height) as u32
    }

    /// A cell of the header that no engine uses for itself: 0 or 1.
    pub fn spare(&self, which: u32) -> u32 {
        self.params + 2 + which
    }
}

/// The class of a type.
pub(super) fn class_of(ty: ValueType) -> Class {
    match ty {
        ValueType::I64 => Class::Int,
        ValueType::F64 => Class::Float,
    }
}
