//! Register code: what the passes make, and what an engine reads.

use crate::isa::{Instr, Op, OperandKind, Ty};

/// Where an instruction finds an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Src {
    /// There is no such operand.
    None,
    /// A cell of the frame.
    Cell(u32),
    /// The accumulator of the operand's class.
    Acc,
    /// A variable that a loop keeps in a register of the operand's class; its cell holds it as well.
    Pin(u8, u32),
    /// A constant.
    Imm(u64),
}

/// Where an instruction leaves its result, besides the accumulator of its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dst {
    /// There is no result.
    None,
    /// Nowhere else.
    Acc,
    /// In a cell of the frame.
    Cell(u32),
    /// In the register of a pinned variable, and in its cell.
    Pin(u8, u32),
}

/// The kind of an operand or a result: all that an engine needs to choose a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// There is none.
    N,
    /// A cell of the frame ("slot").
    S,
    /// The accumulator.
    A,
    /// The first pinned variable of its class.
    P,
    /// The second.
    Q,
    /// A constant.
    I,
}

impl Mode {
    /// The modes of the pinned variables of a class.
    pub const PINS: [Mode; 2] = [Mode::P, Mode::Q];
}

impl Src {
    pub fn mode(self) -> Mode {
        match self {
            Src::None => Mode::N,
            Src::Cell(_) => Mode::S,
            Src::Acc => Mode::A,
            Src::Pin(pin, _) => Mode::PINS[usize::from(pin)],
            Src::Imm(_) => Mode::I,
        }
    }
}

impl Dst {
    pub fn mode(self) -> Mode {
        match self {
            Dst::None => Mode::N,
            Dst::Acc => Mode::A,
            Dst::Cell(_) => Mode::S,
            Dst::Pin(pin, _) => Mode::PINS[usize::from(pin)],
        }
    }

    /// The cell that is written.
    pub fn cell(self) -> Option<u32> {
        match self {
            Dst::Cell(cell) | Dst::Pin(_, cell) => Some(cell),
            Dst::None | Dst::Acc => None,
        }
    }
}

/// The two classes of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    Int,
    Float,
}

impl Class {
    /// The class of a letter of the instruction table, where `float` tells that of the overloaded.
    pub const fn of(ty: Ty, float: bool) -> Class {
        match ty {
            Ty::F => Class::Float,
            Ty::I => Class::Int,
            _ if float => Class::Float,
            _ => Class::Int,
        }
    }

    pub const fn is_float(self) -> bool {
        matches!(self, Class::Float)
    }
}

/// A condition: a comparison, or its contrary, which for floats is not another comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Test {
    pub op: Op,
    pub float: bool,
    pub negated: bool,
}

/// What an instruction does. `a`, `b`, `c` and `d` are the operands and the result of an [`Inst`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// `d = a op b`.
    Binary(Op, bool),
    /// `d = op a`.
    Unary(Op, bool),
    /// `d = (a op b) op c`, or `c op (a op b)` where the flag says so. All of one class.
    Tree(Op, Op, Class, bool),
    /// `d = memory[a + arg] op b`, or `b op` that where the flag says so. All of one class.
    LoadWith(Op, Op, bool),
    /// `d = a + b`, without a trace in the accumulator.
    Bump,
    /// `d = a`, without a trace in the accumulator. The class is that of registers.
    Copy(Class),
    /// `d = c != 0 ? a : b`, without a trace in an accumulator.
    Select,
    /// `d = memory[a + arg]`.
    Load(Op),
    /// `d = memory[a + b + arg]`.
    LoadAt(Op),
    /// `memory[a + arg] = b`.
    Store(Op),
    /// `memory[a + b + arg] = c`.
    StoreAt(Op),
    /// `d = globals[arg]`.
    GetGlobal(Class),
    /// `globals[arg] = a`.
    SetGlobal(Class),
    /// Goes to a label.
    Jump,
    /// Goes to a label when the test of `a` and `b` holds.
    Branch(Test),
    /// `d = a + b`, then goes to a label when the test of the sum and `c` holds.
    Step(Test),
    /// Goes to the label that `a` counts to in the part of the tables that `arg` names, as in the
    /// bytecode.
    Switch,
    /// Calls function `arg`, whose arguments begin at cell `a`.
    Call,
    /// Returns, with `a` if there is one.
    Return(Class),
    /// Leaves the instruction with operand `arg` to `Vm::system`, with the cells from `a`.
    System(Op, bool),
    /// Calls the native function of import `arg`, with the cells from `a`.
    CallNative,
    /// Ends the program.
    Halt,
    /// Ends the program with status `a`.
    Exit,
    /// Stops the program.
    Trap,
    /// Burns `arg` units of fuel.
    Burn,
    /// Counts the stretch.
    Count,
    /// Tells of the bytecode instruction, with the `arg` cells from `a`.
    Trace,
    /// Zeros `arg` cells from `a`.
    Zero,
    /// Both accumulators = cell `a`, which may be any.
    Fetch,
    /// Cell `a`, which may be any, = the integer accumulator.
    Put,
    /// An instruction of a frame too large for short operands: `arg` as in the bytecode, the first of
    /// what it pops at cell `a`.
    Plain(Op, bool),
}

/// One instruction of register code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inst {
    pub what: What,
    pub a: Src,
    pub b: Src,
    pub c: Src,
    pub d: Dst,
    /// An offset, an index, a label or a number, as `what` says.
    pub arg: u64,
    /// The bytecode instruction that it stands for.
    pub site: u32,
}

/// An instruction with the modes of its operands and its result: what has a handler of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    pub what: What,
    pub a: Mode,
    pub b: Mode,
    pub c: Mode,
    pub d: Mode,
}

impl Inst {
    /// An instruction without operands.
    pub fn new(what: What) -> Inst {
        Inst { what, a: Src::None, b: Src::None, c: Src::None, d: Dst::None, arg: 0, site: 0 }
    }

    pub fn form(&self) -> Form {
        let Inst { what, a, b, c, d, .. } = *self;
        Form { what, a: a.mode(), b: b.mode(), c: c.mode(), d: d.mode() }
    }

    /// Whether it goes to a label, which is its `arg`.
    pub fn jumps(&self) -> bool {
        matches!(self.what, What::Jump | What::Branch(_) | What::Step(_))
    }
}

/// The register code of a function.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    /// In order. Labels are indices of instructions.
    pub insts: Vec<Inst>,
    /// The labels of each table of a `SWITCH`, one behind the other.
    pub tables: Vec<u32>,
    /// Where blocks of the bytecode begin: the instruction here, and that of the bytecode. Before it,
    /// all values are in their cells.
    pub blocks: Vec<(u32, u32)>,
    /// How many parameters the function has: their cells come before those of the header.
    pub params: u32,
    /// How many cells of the stack must be free from its frame on, for the function itself and for the
    /// calls that it makes without an instruction for them.
    pub cells: usize,
}

/// Which forms of instructions an engine has handlers for.
pub trait Target {
    fn has(&self, form: &Form) -> bool;
}

/// Whether an instruction only computes and moves values.
pub fn is_simple(instr: Instr) -> bool {
    instr.op.falls_through()
        && !matches!(
            instr.op.operand(),
            OperandKind::Label
                | OperandKind::Labels
                | OperandKind::Func
                | OperandKind::Slot
                | OperandKind::Text
        )
        && !is_system(instr.op)
}

/// Whether an instruction is one of those that engines leave to `Vm::system`.
pub fn is_system(op: Op) -> bool {
    use crate::isa::Group;
    match op.group() {
        Group::Native | Group::InputOutput => true,
        Group::Memory => op.operand() != OperandKind::Offset,
        _ => false,
    }
}
