//! Abstract operand stacks: which types they hold, and which instruction pushed each value.
//!
//! A stack is the index of its top node, and a node knows the one below it, so that a stack is kept
//! by keeping one number. The types alone form a trie, in which equal sequences are one node: two
//! stacks agree when their shapes are the same number. A proof needs no more than these ([`Types`]);
//! who asks for messages or for stacks follows a function with where each value is from ([`Stacks`]).

use crate::isa::ValueType;

/// A stack of types; [`Shapes`] knows which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u32);

/// All stacks of types that were met.
pub(super) struct Shapes {
    nodes: Vec<ShapeNode>,
}

struct ShapeNode {
    below: u32,
    ty: ValueType,
    depth: u32,
    /// The shapes with one more value on top, for each type; 0 for not met yet.
    above: [u32; 2],
}

impl Shapes {
    pub(super) const EMPTY: Shape = Shape(0);

    pub(super) fn new() -> Shapes {
        Shapes { nodes: vec![ShapeNode { below: 0, ty: ValueType::I64, depth: 0, above: [0; 2] }] }
    }

    #[inline]
    fn push(&mut self, shape: Shape, ty: ValueType) -> Shape {
        match self.nodes[shape.0 as usize].above[ty as usize] {
            0 => self.push_new(shape, ty),
            found => Shape(found),
        }
    }

    #[cold]
    fn push_new(&mut self, shape: Shape, ty: ValueType) -> Shape {
        let new = self.nodes.len() as u32;
        let depth = self.nodes[shape.0 as usize].depth + 1;
        self.nodes.push(ShapeNode { below: shape.0, ty, depth, above: [0; 2] });
        self.nodes[shape.0 as usize].above[ty as usize] = new;
        Shape(new)
    }

    /// The type on top, and what is below it.
    #[inline]
    fn pop(&self, shape: Shape) -> Option<(ValueType, Shape)> {
        let node = &self.nodes[shape.0 as usize];
        (shape != Shapes::EMPTY).then_some((node.ty, Shape(node.below)))
    }

    #[inline]
    pub(super) fn depth(&self, shape: Shape) -> usize {
        self.nodes[shape.0 as usize].depth as usize
    }

    /// The types from the bottom to the top, the lowest left out where there are many.
    pub(super) fn describe(&self, shape: Shape) -> String {
        const SHOWN: usize = 8;
        let mut names = Vec::new();
        let mut at = shape.0;
        while at != 0 && names.len() < SHOWN {
            names.push(self.nodes[at as usize].ty.name());
            at = self.nodes[at as usize].below;
        }
        if at != 0 {
            names.push("…");
        }
        names.reverse();
        if names.is_empty() { "nothing".to_owned() } else { format!("[{}]", names.join(" ")) }
    }
}

/// A value on an abstract stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) ty: ValueType,
    /// The instruction that pushed it.
    pub(super) at: u32,
}

/// How the operand stacks of a function are followed.
pub(super) trait Follow: Default {
    type Stack: Copy;
    const EMPTY: Self::Stack;

    /// Another function begins, with so many instructions.
    fn begin(&mut self, count: usize);
    fn push(&mut self, shapes: &mut Shapes, below: Self::Stack, cell: Cell) -> Self::Stack;
    /// The value on top, and what is below it.
    fn pop(&self, shapes: &Shapes, stack: Self::Stack) -> Option<(Cell, Self::Stack)>;
    fn shape(&self, stack: Self::Stack) -> Shape;

    /// Notes the stack before an instruction, where somebody wants to know.
    fn before(&mut self, _shapes: &Shapes, _i: u32, _stack: Self::Stack) {}
    /// Notes the stack that an instruction leaves.
    fn after(&mut self, _shapes: &Shapes, _i: u32, _stack: Self::Stack) {}

    /// The values of a stack, the top first.
    fn cells<'a>(
        &'a self,
        shapes: &'a Shapes,
        mut stack: Self::Stack,
    ) -> impl Iterator<Item = Cell> + 'a
    where
        Self::Stack: 'a,
    {
        std::iter::from_fn(move || {
            let (cell, below) = self.pop(shapes, stack)?;
            stack = below;
            Some(cell)
        })
    }
}

/// Follows them by their types, which is all that a proof takes.
#[derive(Default)]
pub(super) struct Types;

impl Follow for Types {
    type Stack = Shape;
    const EMPTY: Shape = Shapes::EMPTY;

    fn begin(&mut self, _count: usize) {}

    #[inline]
    fn push(&mut self, shapes: &mut Shapes, below: Shape, cell: Cell) -> Shape {
        shapes.push(below, cell.ty)
    }

    #[inline]
    fn pop(&self, shapes: &Shapes, stack: Shape) -> Option<(Cell, Shape)> {
        shapes.pop(stack).map(|(ty, below)| (Cell { ty, at: 0 }, below))
    }

    #[inline]
    fn shape(&self, stack: Shape) -> Shape {
        stack
    }
}

/// Follows them with where each value is from, and keeps the stacks around each instruction.
pub(super) struct Stacks {
    nodes: Vec<Node>,
    before: Vec<Option<StackAt>>,
    after: Vec<Option<StackAt>>,
}

/// A stack of the function that is being followed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stack(u32);

struct Node {
    below: Stack,
    cell: Cell,
    shape: Shape,
}

/// A stack with its height.
#[derive(Clone, Copy, Debug)]
struct StackAt {
    stack: Stack,
    depth: usize,
}

impl Default for Stacks {
    fn default() -> Stacks {
        let bottom = Cell { ty: ValueType::I64, at: 0 };
        let nodes = vec![Node { below: Self::EMPTY, cell: bottom, shape: Shapes::EMPTY }];
        Stacks { nodes, before: Vec::new(), after: Vec::new() }
    }
}

impl Stacks {
    fn at(&self, shapes: &Shapes, stack: Stack) -> Option<StackAt> {
        Some(StackAt { stack, depth: shapes.depth(self.shape(stack)) })
    }

    fn cell(&self, stack: Stack) -> Option<(Cell, Stack)> {
        let node = &self.nodes[stack.0 as usize];
        (stack.0 != 0).then_some((node.cell, node.below))
    }
}

impl Follow for Stacks {
    type Stack = Stack;
    const EMPTY: Stack = Stack(0);

    fn begin(&mut self, count: usize) {
        self.nodes.truncate(1);
        for seen in [&mut self.before, &mut self.after] {
            seen.clear();
            seen.resize(count, None);
        }
    }

    fn push(&mut self, shapes: &mut Shapes, below: Stack, cell: Cell) -> Stack {
        let shape = shapes.push(self.shape(below), cell.ty);
        self.nodes.push(Node { below, cell, shape });
        Stack(self.nodes.len() as u32 - 1)
    }

    fn pop(&self, _shapes: &Shapes, stack: Stack) -> Option<(Cell, Stack)> {
        self.cell(stack)
    }

    fn shape(&self, stack: Stack) -> Shape {
        self.nodes[stack.0 as usize].shape
    }

    fn before(&mut self, shapes: &Shapes, i: u32, stack: Stack) {
        self.before[i as usize] = self.at(shapes, stack);
    }

    fn after(&mut self, shapes: &Shapes, i: u32, stack: Stack) {
        self.after[i as usize] = self.at(shapes, stack);
    }
}

/// What the operand stack of a function holds before and after each of its instructions.
pub struct StackMap(pub(super) Stacks);

impl StackMap {
    /// The stack before an instruction; `None` where no way leads to it.
    pub fn before(&self, instr: u32) -> Option<StackView<'_>> {
        self.view(&self.0.before, instr)
    }

    /// The types before an instruction, the top first; `None` where no way leads to it.
    pub fn types(&self, instr: u32) -> Option<impl Iterator<Item = ValueType> + '_> {
        self.before(instr).map(StackView::types)
    }

    /// The stack that an instruction leaves; `None` also where it is the one that is wrong.
    pub fn after(&self, instr: u32) -> Option<StackView<'_>> {
        self.view(&self.0.after, instr)
    }

    fn view(&self, seen: &[Option<StackAt>], instr: u32) -> Option<StackView<'_>> {
        let at = (*seen.get(instr as usize)?)?;
        Some(StackView { stacks: &self.0, at })
    }
}

/// An operand stack at one place of a function.
#[derive(Clone, Copy)]
pub struct StackView<'m> {
    stacks: &'m Stacks,
    at: StackAt,
}

impl<'m> StackView<'m> {
    /// How many values it holds.
    pub fn depth(self) -> usize {
        self.at.depth
    }

    /// Their types, the top first.
    pub fn types(self) -> impl Iterator<Item = ValueType> + 'm {
        self.cells().map(|cell| cell.ty)
    }

    /// The values, the top first.
    pub(super) fn cells(self) -> impl Iterator<Item = Cell> + 'm {
        let mut at = self.at.stack;
        std::iter::from_fn(move || {
            let (cell, below) = self.stacks.cell(at)?;
            at = below;
            Some(cell)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_types_are_one_shape_and_each_value_keeps_its_origin() {
        let (mut shapes, mut stacks) = (Shapes::new(), Stacks::default());
        let mut push = |below, ty, at| stacks.push(&mut shapes, below, Cell { ty, at });
        let a = push(Stacks::EMPTY, ValueType::I64, 1);
        let a = push(a, ValueType::F64, 2);
        let b = push(Stacks::EMPTY, ValueType::I64, 7);
        let c = push(b, ValueType::I64, 8);
        let b = push(b, ValueType::F64, 9);
        assert_eq!(stacks.shape(a), stacks.shape(b));
        assert_ne!(stacks.shape(b), stacks.shape(c));
        assert_eq!(stacks.cells(&shapes, b).map(|c| c.at).collect::<Vec<_>>(), [9, 7]);
        assert_eq!(shapes.describe(stacks.shape(a)), "[i64 f64]");
        assert_eq!(shapes.depth(stacks.shape(a)), 2);
    }
}
