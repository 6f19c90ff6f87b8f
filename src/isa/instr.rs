//! Instructions in memory and their bytes.
//!
//! An instruction is its opcode byte and its operand: integers and offsets as signed LEB128, floats
//! as 8 little-endian bytes, everything else as an index in unsigned LEB128. A jump names the
//! *number* of an instruction in its function, so that no jump can land inside one.

use super::leb128;
use super::op::{Op, OperandKind};
use std::fmt;

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instr {
    /// What to do.
    pub op: Op,
    /// The operand: the bits of a constant or an index. For `SWITCH`, a [`Table`].
    pub arg: u64,
}

impl Instr {
    /// An instruction with its operand; 0 where it has none.
    pub fn new(op: Op, arg: u64) -> Instr {
        Instr { op, arg }
    }
}

/// Where the targets of a `SWITCH` stand in [`Code::targets`], packed into an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The first.
    pub start: u32,
    /// How many, the default included.
    pub len: u32,
}

impl Table {
    /// The operand of a `SWITCH`.
    pub fn to_arg(self) -> u64 {
        u64::from(self.start) << 32 | u64::from(self.len)
    }

    /// The table that an operand of a `SWITCH` names.
    pub fn from_arg(arg: u64) -> Table {
        Table { start: (arg >> 32) as u32, len: arg as u32 }
    }
}

/// The instructions of one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// In order.
    pub instrs: Vec<Instr>,
    /// The targets of all its `SWITCH`es.
    pub targets: Vec<u32>,
}

/// Why bytes are not code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeError {
    /// From the beginning of the function.
    pub offset: usize,
    /// What is wrong there.
    pub reason: CodeErrorReason,
}

/// What is wrong with bytes that are not code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeErrorReason {
    /// No instruction has this byte.
    UnknownOpcode(u8),
    /// The operand of this instruction is cut off or not in its shortest form.
    BadOperand(Op),
}

impl fmt::Display for CodeErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodeErrorReason::UnknownOpcode(byte) => {
                write!(f, "no instruction has the byte {byte:#04x}")
            }
            CodeErrorReason::BadOperand(op) => {
                write!(f, "the operand of {} is cut off or malformed", op.mnemonic())
            }
        }
    }
}

impl Code {
    /// The targets of a `SWITCH` instruction of this code; the last is the default.
    pub fn table(&self, arg: u64) -> &[u32] {
        let Table { start, len } = Table::from_arg(arg);
        &self.targets[start as usize..start as usize + len as usize]
    }

    /// The instructions that `instr` may go to other than the next one.
    pub fn jump_targets(&self, instr: Instr) -> impl Iterator<Item = u32> {
        let table: &[u32] = match instr.op.operand() {
            OperandKind::Labels => self.table(instr.arg),
            _ => &[],
        };
        let single = (instr.op.operand() == OperandKind::Label).then_some(instr.arg as u32);
        single.into_iter().chain(table.iter().copied())
    }

    /// Appends a `SWITCH` over `targets`, of which the last is the default.
    pub fn push_switch(&mut self, targets: impl IntoIterator<Item = u32>) {
        let start = self.targets.len();
        self.targets.extend(targets);
        let table = Table { start: start as u32, len: (self.targets.len() - start) as u32 };
        self.instrs.push(Instr::new(Op::Switch, table.to_arg()));
    }

    /// Appends the bytes of all instructions to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.instrs.iter().for_each(|&instr| self.encode_one(instr, out));
    }

    /// Appends the bytes of an instruction of this code to `out`.
    pub fn encode_one(&self, instr: Instr, out: &mut Vec<u8>) {
        out.push(instr.op as u8);
        match instr.op.operand() {
            OperandKind::Labels => {
                let targets = self.table(instr.arg);
                leb128::write_unsigned(out, targets.len() as u64);
                targets.iter().for_each(|&t| leb128::write_unsigned(out, t.into()));
            }
            kind => write_operand(out, kind, instr.arg),
        }
    }

    /// Replaces the contents by what `bytes` encode, keeping the memory.
    ///
    /// # Errors
    /// When the bytes are not instructions to their end.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), CodeError> {
        self.instrs.clear();
        self.targets.clear();
        let mut pos = 0;
        while let Some(&byte) = bytes.get(pos) {
            let offset = pos;
            let Some(op) = Op::from_byte(byte) else {
                let reason = CodeErrorReason::UnknownOpcode(byte);
                return Err(CodeError { offset, reason });
            };
            pos += 1;
            let arg = self.read_operand(op.operand(), bytes, &mut pos);
            let reason = CodeErrorReason::BadOperand(op);
            let arg = arg.ok_or(CodeError { offset, reason })?;
            self.instrs.push(Instr { op, arg });
        }
        Ok(())
    }

    fn read_operand(&mut self, kind: OperandKind, bytes: &[u8], pos: &mut usize) -> Option<u64> {
        match kind {
            OperandKind::None => Some(0),
            OperandKind::Int | OperandKind::Offset => {
                leb128::read_signed(bytes, pos).map(|n| n as u64)
            }
            OperandKind::Float => {
                let bits = bytes.get(*pos..)?.first_chunk::<8>()?;
                *pos += 8;
                Some(u64::from_le_bytes(*bits))
            }
            OperandKind::Labels => {
                let start = self.targets.len() as u32;
                let len = read_index(bytes, pos)?;
                for _ in 0..len {
                    self.targets.push(read_index(bytes, pos)?);
                }
                (len > 0).then(|| Table { start, len }.to_arg())
            }
            _ => read_index(bytes, pos).map(u64::from),
        }
    }
}

/// Appends the bytes of an operand that is not a list of labels.
#[inline]
pub fn write_operand(out: &mut Vec<u8>, kind: OperandKind, arg: u64) {
    match kind {
        OperandKind::None => {}
        OperandKind::Int | OperandKind::Offset => leb128::write_signed(out, arg as i64),
        OperandKind::Float => out.extend_from_slice(&arg.to_le_bytes()),
        OperandKind::Labels => unreachable!("a SWITCH is written with its table"),
        _ => leb128::write_unsigned(out, arg),
    }
}

/// An index fits 32 bits.
fn read_index(bytes: &[u8], pos: &mut usize) -> Option<u32> {
    leb128::read_unsigned(bytes, pos)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_code() -> impl Strategy<Value = Code> {
        let instr = (0..Op::ALL.len(), any::<u64>(), proptest::collection::vec(any::<u32>(), 1..5));
        proptest::collection::vec(instr, 0..40).prop_map(|rows| {
            let mut code = Code::default();
            for (op, arg, targets) in rows {
                let op = Op::ALL[op];
                match op.operand() {
                    OperandKind::Labels => code.push_switch(targets),
                    OperandKind::None => code.instrs.push(Instr::new(op, 0)),
                    OperandKind::Int | OperandKind::Float | OperandKind::Offset => {
                        code.instrs.push(Instr::new(op, arg));
                    }
                    _ => code.instrs.push(Instr::new(op, arg as u32 as u64)),
                }
            }
            code
        })
    }

    proptest! {
        #[test]
        fn code_survives_its_bytes(code in any_code()) {
            let (mut bytes, mut back) = (Vec::new(), Code::default());
            code.encode(&mut bytes);
            back.decode(&bytes).unwrap();
            prop_assert_eq!(back, code);
        }

        #[test]
        fn any_bytes_decode_or_say_where_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut code = Code::default();
            match code.decode(&bytes) {
                Ok(()) => {
                    let mut again = Vec::new();
                    code.encode(&mut again);
                    prop_assert_eq!(again, bytes);
                }
                Err(error) => prop_assert!(error.offset < bytes.len()),
            }
        }
    }
}
