//! The instruction enum and its properties, expanded from the table.

use super::ops::for_each_op;

/// What stands behind a mnemonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperandKind {
    /// Nothing.
    None,
    /// An integer constant.
    Int,
    /// A float constant.
    Float,
    /// A local or parameter of the function.
    Local,
    /// A global.
    Global,
    /// An instruction of the same function.
    Label,
    /// One or more instructions of the same function; the last is the default.
    Labels,
    /// A bytecode function.
    Func,
    /// A native slot.
    Slot,
    /// A constant text.
    Text,
    /// A constant added to an address; 0 when left out.
    Offset,
}

impl OperandKind {
    /// How messages and the reference call such an operand.
    pub fn describe(self) -> &'static str {
        match self {
            OperandKind::None => "no operand",
            OperandKind::Int => "an integer",
            OperandKind::Float => "a float",
            OperandKind::Local => "a local or parameter",
            OperandKind::Global => "a global",
            OperandKind::Label => "a label",
            OperandKind::Labels => "labels, the last for every other value",
            OperandKind::Func => "a function",
            OperandKind::Slot => "a slot number or native function name",
            OperandKind::Text => "a text in double quotes",
            OperandKind::Offset => "an optional constant offset",
        }
    }
}

/// The chapters of the instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Moves values on the operand stack.
    Stack,
    /// Works on two integers or two floats alike.
    Arithmetic,
    /// Works on integers.
    Integer,
    /// Works on floats.
    Float,
    /// Turns one type into the other.
    Conversion,
    /// Reads and writes locals and globals.
    Variable,
    /// Decides what runs next.
    Control,
    /// Reads and writes linear memory, little-endian.
    Memory,
    /// Calls and manages native libraries.
    Native,
    /// Speaks with the outside.
    InputOutput,
}

impl Group {
    /// The heading in the reference.
    pub fn title(self) -> &'static str {
        match self {
            Group::Stack => "Stack",
            Group::Arithmetic => "Arithmetic of either type",
            Group::Integer => "Integers",
            Group::Float => "Floats",
            Group::Conversion => "Conversions",
            Group::Variable => "Variables",
            Group::Control => "Control",
            Group::Memory => "Memory",
            Group::Native => "Native functions",
            Group::InputOutput => "Input and output",
        }
    }
}

/// A name in a stack effect; `ops.rs` explains them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// An `i64`.
    I,
    /// An `f64`.
    F,
    /// Any type, the first of a row.
    A,
    /// Any type, the second of a row.
    B,
    /// Any type, the third of a row.
    C,
    /// The type of the variable that the operand names.
    V,
    /// The parameters of the function or slot that the operand names.
    Args,
    /// The results of the function or slot that the operand names, or of the one that it stands in.
    Results,
}

macro_rules! define_op {
    ($($(#[doc = $doc:literal])* $byte:literal $op:ident $mnemonic:literal ($operand:ident)
       [$($pop:ident)*] -> [$($push:ident)*] $group:ident $formula:literal;)*) => {
        /// An instruction of the table.
        // What stands in square brackets is WebAssembly's operator, not a link.
        #[allow(rustdoc::broken_intra_doc_links)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op { $($(#[doc = $doc])* $op = $byte),* }

        impl Op {
            /// Every instruction, in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$op),*];

            /// The instruction with this byte.
            #[inline]
            pub const fn from_byte(byte: u8) -> Option<Op> {
                match byte {
                    $($byte => Some(Op::$op),)*
                    _ => None,
                }
            }

            /// The name in program text, in capitals.
            pub const fn mnemonic(self) -> &'static str {
                match self { $(Op::$op => $mnemonic),* }
            }

            /// What stands behind the mnemonic.
            #[inline(always)]
            pub const fn operand(self) -> OperandKind {
                match self { $(Op::$op => OperandKind::$operand),* }
            }

            /// What it takes from the stack, deepest first.
            #[inline]
            pub const fn pops(self) -> &'static [Ty] {
                match self { $(Op::$op => &[$(Ty::$pop),*]),* }
            }

            /// What it leaves on the stack, deepest first.
            #[inline]
            pub const fn pushes(self) -> &'static [Ty] {
                match self { $(Op::$op => &[$(Ty::$push),*]),* }
            }

            /// The chapter it belongs to.
            pub const fn group(self) -> Group {
                match self { $(Op::$op => Group::$group),* }
            }

            /// Its meaning in one line.
            pub const fn formula(self) -> &'static str {
                match self { $(Op::$op => $formula),* }
            }

            /// Its meaning in words.
            pub const fn doc(self) -> &'static str {
                match self { $(Op::$op => concat!($($doc),*)),* }
            }
        }
    };
}
for_each_op!(define_op);

impl Op {
    /// The instruction with this mnemonic, in any case. Where several rows share one, the first;
    /// [`Op::with_operand`] gives the others.
    pub fn from_mnemonic(text: &str) -> Option<Op> {
        let mut key = [0; size_of::<u128>()];
        key.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        key.make_ascii_uppercase();
        Op::from_key(u128::from_le_bytes(key))
    }

    /// The same for the bytes of a mnemonic as one number, the first byte the lowest. All its letters are
    /// capital, or none is.
    #[inline]
    pub fn from_key(key: u128) -> Option<Op> {
        let mut at = mnemonic_hash(key);
        loop {
            match MNEMONICS[at] {
                (found, op) if found == key => return op,
                (0, _) => return None,
                _ => at = (at + 1) % MNEMONICS.len(),
            }
        }
    }

    /// The row of the same mnemonic that takes such an operand.
    pub fn with_operand(self, operand: OperandKind) -> Option<Op> {
        let mut op = self;
        while op.operand() != operand {
            op = NEXT[op as usize];
            if op == self {
                return None;
            }
        }
        Some(op)
    }

    /// Whether the next instruction can follow it.
    pub const fn falls_through(self) -> bool {
        !matches!(self, Op::Jmp | Op::Switch | Op::Ret | Op::Halt | Op::Exit | Op::Trap)
    }

    /// Whether its type depends on what it finds on the stack and its execution on that type, so
    /// that the verifier must tell the engines which it is.
    pub const fn is_overloaded(self) -> bool {
        matches!(self, Op::Print)
            || (matches!(self.group(), Group::Arithmetic) && !matches!(self, Op::Select))
    }
}

const fn mnemonic_hash(key: u128) -> usize {
    let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize
}

/// The bytes of a mnemonic as one number, in capital and in small letters.
const fn keys(op: Op) -> (u128, u128) {
    let name = op.mnemonic().as_bytes();
    let (mut capital, mut small, mut at) = (0, 0, name.len());
    assert!(0 < at && at < size_of::<u128>(), "a mnemonic is empty or too long");
    while at > 0 {
        at -= 1;
        capital = capital << 8 | name[at] as u128;
        small = small << 8 | name[at].to_ascii_lowercase() as u128;
    }
    (capital, small)
}

/// For each row the next one of its mnemonic, and behind the last the first; by their first bytes.
static NEXT: [Op; 256] = {
    let mut next = [Op::Nop; 256];
    let mut i = 0;
    while i < Op::ALL.len() {
        let mut j = (i + 1) % Op::ALL.len();
        while keys(Op::ALL[j]).0 != keys(Op::ALL[i]).0 {
            j = (j + 1) % Op::ALL.len();
        }
        next[Op::ALL[i] as usize] = Op::ALL[j];
        i += 1;
    }
    next
};

/// An open-addressing hash table from mnemonics, each in capital and in small letters, built by the
/// compiler: the assembler looks one up for every line. Unused entries have the key 0.
static MNEMONICS: [(u128, Option<Op>); 512] = {
    let mut table = [(0, None); 512];
    let mut i = 0;
    while i < Op::ALL.len() {
        let (capital, small) = keys(Op::ALL[i]);
        insert(&mut table, capital, Op::ALL[i]);
        insert(&mut table, small, Op::ALL[i]);
        i += 1;
    }
    table
};

/// Of several with one key, the first remains.
const fn insert(table: &mut [(u128, Option<Op>); 512], key: u128, op: Op) {
    let mut at = mnemonic_hash(key);
    while table[at].0 != 0 && table[at].0 != key {
        at = (at + 1) % table.len();
    }
    if table[at].0 == 0 {
        table[at] = (key, Some(op));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mnemonic_is_found_in_any_case() {
        for &op in Op::ALL {
            let first = Op::ALL.iter().copied().find(|it| it.mnemonic() == op.mnemonic());
            assert_eq!(Op::from_mnemonic(op.mnemonic()), first);
            assert_eq!(Op::from_mnemonic(&op.mnemonic().to_lowercase()), first);
            assert_eq!(Op::from_byte(op as u8), Some(op));
        }
        for text in ["", "OP_PUSH", "PUS", "PUSHH", "\0", "AVERYLONGNAMEINDEED"] {
            assert_eq!(Op::from_mnemonic(text), None, "{text}");
        }
    }

    #[test]
    fn rows_that_share_a_mnemonic_differ_in_their_operand() {
        for &op in Op::ALL {
            assert_eq!(op.with_operand(op.operand()), Some(op));
            for kind in Op::ALL.iter().map(|op| op.operand()) {
                let mut rows = Op::ALL.iter().filter(|it| it.mnemonic() == op.mnemonic());
                let found = rows.find(|it| it.operand() == kind);
                assert_eq!(op.with_operand(kind), found.copied());
            }
        }
    }

    #[test]
    fn letters_in_results_are_bound_by_what_is_popped() {
        for &op in Op::ALL {
            for ty in op.pushes() {
                if matches!(ty, Ty::A | Ty::B | Ty::C) {
                    assert!(op.pops().contains(ty), "{}", op.mnemonic());
                }
            }
        }
    }
}
