//! What instructions of other assemblers and machines are called here.

use super::op::Op;

/// What stands here for an instruction of elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// An instruction that takes the same operand.
    Same(Op),
    /// Something else, in words.
    Words(&'static str),
}

use Counterpart::{Same, Words};

/// The names that an instruction has elsewhere. Most of WebAssembly's stand in the table of instructions.
const NAMES: &[(&[&str], Counterpart)] = &[
    (&["DROP", "DISCARD"], Same(Op::Pop)),
    (&["DUPLICATE"], Same(Op::Dup)),
    (&["EXCH", "EXCHANGE", "XCHG"], Same(Op::Swap)),
    (
        &["CONST", "LDC", "LDI", "LIT", "BIPUSH", "SIPUSH", "LOAD_CONST", "I64.CONST"],
        Same(Op::PushInt),
    ),
    (&["F64.CONST"], Same(Op::PushFloat)),
    (&["MOD", "MODULO", "SREM"], Same(Op::Rem)),
    (&["UMOD", "UREM"], Same(Op::Remu)),
    (&["IDIV", "SDIV"], Same(Op::Div)),
    (&["UDIV"], Same(Op::Divu)),
    (&["NEGATE"], Same(Op::Neg)),
    (&["INVERT", "COM"], Same(Op::Not)),
    (&["ISZERO", "LNOT"], Same(Op::Eqz)),
    (&["EQUAL", "EQUALS", "CMPEQ"], Same(Op::Eq)),
    (&["NEQ", "NOTEQUAL", "CMPNE"], Same(Op::Ne)),
    (&["LESS", "SLT", "CMPLT"], Same(Op::Lt)),
    (&["LTE", "LEQ", "SLE", "CMPLE"], Same(Op::Le)),
    (&["GREATER", "SGT", "CMPGT"], Same(Op::Gt)),
    (&["GTE", "GEQ", "SGE", "CMPGE"], Same(Op::Ge)),
    (&["SAL", "LSL", "LSH", "LSHIFT"], Same(Op::Shl)),
    (&["SAR", "ASR", "RSHIFT"], Same(Op::Shr)),
    (&["LSR", "USHR"], Same(Op::Shru)),
    (&["ROL"], Same(Op::Rotl)),
    (&["ROR"], Same(Op::Rotr)),
    (&["I2F", "I2D", "L2D", "ITOD"], Same(Op::Itof)),
    (&["F2I", "D2I", "D2L", "DTOI"], Same(Op::Ftoi)),
    (&["GET", "GET_LOCAL", "GET_GLOBAL", "LDLOC", "LDARG", "ILOAD"], Same(Op::LoadLocal)),
    (&["SET", "SET_LOCAL", "SET_GLOBAL", "STLOC", "STARG", "ISTORE"], Same(Op::StoreLocal)),
    (&["B", "BR", "BRA", "GOTO", "JUMP"], Same(Op::Jmp)),
    (&["JMPZ", "JZERO", "BRZ", "BEQZ", "BRFALSE", "JF", "JUMP_IF_FALSE", "IFEQ"], Same(Op::Jz)),
    (&["JMPNZ", "BRNZ", "BNEZ", "BRTRUE", "JT", "JUMP_IF_TRUE", "IFNE"], Same(Op::Jnz)),
    (&["TABLESWITCH", "LOOKUPSWITCH"], Same(Op::Switch)),
    (&["BL", "GOSUB", "INVOKE", "JSR"], Same(Op::Call)),
    (&["RETURN"], Same(Op::Ret)),
    (&["HLT", "STOP", "QUIT"], Same(Op::Halt)),
    (&["ABORT", "BRK", "UNREACHABLE"], Same(Op::Trap)),
    (&["CALLN", "CCALL", "NATIVE", "SYSCALL"], Same(Op::CallNative)),
    (&["LOAD64"], Same(Op::Ld64)),
    (&["STORE8", "STB"], Same(Op::St8)),
    (&["STORE16"], Same(Op::St16)),
    (&["STORE32"], Same(Op::St32)),
    (&["STORE64"], Same(Op::St64)),
    (&["EMIT", "PUTCHAR"], Same(Op::Putc)),
    (&["INC", "INCR"], Words("`PUSH 1` and `ADD` add one")),
    (&["DEC", "DECR"], Words("`PUSH 1` and `SUB` take one away")),
    (&["MOV", "MOVE"], Words("`LOAD x` and `STORE y` copy `x` to `y`")),
    (&["CMP"], Words("`EQ`, `LT` and their kin push 1 or 0, on which `JNZ` and `JZ` jump")),
    (&["BEQ", "JE", "JEQ"], Words("`EQ` and `JNZ label` jump where two values are equal")),
    (&["BNE", "JNE"], Words("`EQ` and `JZ label` jump where two values are not equal")),
    (&["BLT", "JL", "JLT"], Words("`LT` and `JNZ label` jump where the first value is less")),
    (&["BLE", "JLE"], Words("`LE` and `JNZ label` jump where the first value is not greater")),
    (&["BGT", "JG", "JGT"], Words("`GT` and `JNZ label` jump where the first value is greater")),
    (&["BGE", "JGE"], Words("`GE` and `JNZ label` jump where the first value is not less")),
    (&["LOAD8", "LDB"], Words("`LD8S` reads a byte with a sign, `LD8U` one without")),
    (&["LOAD16"], Words("`LD16S` reads 16 bits with a sign, `LD16U` without")),
    (&["LOAD32"], Words("`LD32S` reads 32 bits with a sign, `LD32U` without")),
    (&["LEA"], Words("`PUSH name` pushes the address of data")),
    (&["NIP"], Words("`SWAP` and `POP` drop the second value")),
    (&["TUCK"], Words("`SWAP` and `OVER` put a copy of the top below the second value")),
];

/// What stands here for an instruction that has this name elsewhere, in any case.
pub fn known_elsewhere(name: &str) -> Option<Counterpart> {
    let named = |known: &&str| known.eq_ignore_ascii_case(name);
    let found = NAMES.iter().find(|(names, _)| names.iter().any(named));
    found.map(|row| row.1).or_else(|| Op::ALL.iter().copied().find(|op| op.is_of(name)).map(Same))
}

impl Op {
    /// Whether WebAssembly has it by this name, as its row says in square brackets.
    fn is_of(self, operator: &str) -> bool {
        let operators = self.doc().rsplit_once('[').and_then(|(_, rest)| rest.split(']').next());
        let mut operators = operators.into_iter().flat_map(|all| all.split(", "));
        operators.any(|known| known.eq_ignore_ascii_case(operator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_of_elsewhere_is_one_of_ours_or_stands_twice() {
        let mut seen = HashSet::new();
        for name in NAMES.iter().flat_map(|(names, _)| *names) {
            assert!(Op::from_mnemonic(name).is_none() && seen.insert(name), "{name}");
            assert!(!Op::ALL.iter().any(|op| op.is_of(name)), "{name}");
        }
    }

    #[test]
    fn operators_of_webassembly_are_those_of_the_table() {
        assert_eq!(known_elsewhere("i64.add"), Some(Same(Op::Add)));
        assert_eq!(known_elsewhere("i64.lt_u"), Some(Same(Op::Ltu)));
        assert_eq!(known_elsewhere("drop"), Some(Same(Op::Pop)));
        assert_eq!(known_elsewhere("i64."), None);
        assert_eq!(known_elsewhere("ADD"), None);
    }
}
