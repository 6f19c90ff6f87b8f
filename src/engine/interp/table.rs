//! The table of handlers: for which instructions, and for which modes of their operands.
//!
//! A row reads
//!
//! ```text
//! kind class [instructions] [modes of operands] -> [modes of results];
//! ```
//!
//! and stands for every combination. `lower` asks for a form before it makes an instruction of it, and
//! brings operands to cells where there is none. So each instruction must have a form with all operands
//! in cells (`S`), and each form with its result in the accumulator alone (`A`) one that also writes a
//! cell. How many forms there are decides how long hotvm takes to build.

use super::compute::{Binary, Bump, Copy, Select, Tree, Unary};
use super::control::{Branch, Call, ExitWith, Halt, Jump, Return, Step, Switch, Trap};
use super::dispatch::{Body, Handler, handler};
use super::memory::{GetGlobal, Load, LoadWith, SetGlobal, Store};
use super::operands::{A, I, N, P, Q, S};
use crate::engine::lower::{Form, Target, What};
use crate::isa::Op;

/// The handlers by their form: a hash table that is made when hotvm is built.
pub(super) struct Handlers {
    /// For each hash, and those that follow it, which of the entries; 0 for none.
    slots: [u16; Handlers::SLOTS],
    entries: [Option<(u64, Handler)>; Handlers::ENTRIES],
    count: usize,
}

/// All handlers.
pub(super) static HANDLERS: Handlers = {
    let mut handlers =
        Handlers { slots: [0; Handlers::SLOTS], entries: [None; Handlers::ENTRIES], count: 1 };
    fill(&mut handlers);
    handlers
};

impl Handlers {
    const ENTRIES: usize = 2048;
    /// Twice as many, so that few forms share one.
    const SLOTS: usize = 2 * Handlers::ENTRIES;

    /// The handler of a form that there is.
    pub fn get(&self, form: &Form) -> Handler {
        let (_, handler) = self.entries[self.find(key(form))].expect("the form was asked for");
        handler
    }

    /// The entry with a key; 0 if there is none.
    const fn find(&self, key: u64) -> usize {
        self.slots[self.slot(key)] as usize
    }

    /// The slot of a key, or the free one where it can come.
    const fn slot(&self, key: u64) -> usize {
        // By the golden ratio; the upper bits are those that all bits of the key have a part in.
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % Handlers::SLOTS;
        loop {
            match self.entries[self.slots[slot] as usize] {
                Some((found, _)) if found != key => slot = (slot + 1) % Handlers::SLOTS,
                _ => return slot,
            }
        }
    }

    const fn add(&mut self, form: Option<Form>, handler: Handler) {
        let Some(form) = form else { panic!("handlers in the table have a form") };
        let key = key(&form);
        let slot = self.slot(key);
        assert!(self.slots[slot] == 0, "a form is in the table twice");
        self.slots[slot] = self.count as u16;
        self.entries[self.count] = Some((key, handler));
        self.count += 1;
    }
}

impl Target for Handlers {
    fn has(&self, form: &Form) -> bool {
        self.find(key(form)) != 0
    }
}

/// A number that no other form has, of those that have a handler in the table.
const fn key(form: &Form) -> u64 {
    const fn number(kind: u8, op: Op, second: Op, class: bool, flag: bool) -> u64 {
        let ops = op as u64 | (second as u64) << 8;
        ops | (kind as u64) << 16 | (class as u64) << 24 | (flag as u64) << 25
    }
    const NONE: Op = Op::Nop;
    let what = match form.what {
        What::Binary(op, float) => number(0, op, NONE, float, false),
        What::Unary(op, float) => number(1, op, NONE, float, false),
        What::Tree(first, op, class, flipped) => number(2, first, op, class.is_float(), flipped),
        What::LoadWith(load, op, flipped) => number(3, load, op, false, flipped),
        What::Bump => number(4, NONE, NONE, false, false),
        What::Copy(class) => number(5, NONE, NONE, class.is_float(), false),
        What::Select => number(6, NONE, NONE, false, false),
        What::Load(op) => number(7, op, NONE, false, false),
        What::LoadAt(op) => number(8, op, NONE, false, false),
        What::Store(op) => number(9, op, NONE, false, false),
        What::StoreAt(op) => number(10, op, NONE, false, false),
        What::GetGlobal(class) => number(11, NONE, NONE, class.is_float(), false),
        What::SetGlobal(class) => number(12, NONE, NONE, class.is_float(), false),
        What::Jump => number(13, NONE, NONE, false, false),
        What::Branch(test) => number(14, test.op, NONE, test.float, test.negated),
        What::Step(test) => number(15, test.op, NONE, test.float, test.negated),
        What::Switch => number(16, NONE, NONE, false, false),
        What::Call => number(17, NONE, NONE, false, false),
        What::Return(class) => number(18, NONE, NONE, class.is_float(), false),
        What::Halt => number(19, NONE, NONE, false, false),
        What::Exit => number(20, NONE, NONE, false, false),
        What::Trap => number(21, NONE, NONE, false, false),
        What::System(..) | What::CallNative | What::Plain(..) => u64::MAX,
        What::Burn | What::Count | What::Trace | What::Zero | What::Fetch | What::Put => u64::MAX,
    };
    let Form { a, b, c, d, .. } = *form;
    what | (a as u64) << 32 | (b as u64) << 36 | (c as u64) << 40 | (d as u64) << 44
}

macro_rules! rows {
    ($to:ident; $($kind:ident $class:ident [$($op:tt)*] [$($modes:tt)*] -> $results:tt;)*) => {
        $(rows!(@ops $to $kind $class [$($op)*] [$($modes)*] $results);)*
    };
    (@ops $to:ident $kind:ident $class:ident [$($op:tt)*] $modes:tt $results:tt) => {
        $(rows!(@modes $to $kind $class $op $modes $results);)*
    };
    (@modes $to:ident $kind:ident $class:ident $op:tt [$($modes:tt)*] $results:tt) => {
        $(rows!(@results $to $kind $class $op $modes $results);)*
    };
    (@results $to:ident $kind:ident $class:ident $op:tt $modes:tt [$($result:ident)*]) => {
        $(add!($to, body!($kind $class $op $modes $result));)*
    };
}

macro_rules! add {
    ($to:ident, $body:ty) => {
        $to.add(<$body as Body>::FORM, handler::<$body>())
    };
}

macro_rules! is_float {
    (int) => {
        false
    };
    (float) => {
        true
    };
}

/// The type of a handler.
macro_rules! body {
    (binary $class:ident $op:ident ($a:ident $b:ident) $d:ident) => {
        Binary<{ Op::$op as u8 }, { is_float!($class) }, $a, $b, $d>
    };
    (unary $class:ident $op:ident ($a:ident) $d:ident) => {
        Unary<{ Op::$op as u8 }, { is_float!($class) }, $a, $d>
    };
    (tree $class:ident ($first:ident $op:ident) ($a:ident $b:ident $c:ident) $d:ident) => {
        Tree<{ Op::$first as u8 }, { Op::$op as u8 }, { is_float!($class) }, false, $a, $b, $c, $d>
    };
    (eert $class:ident ($first:ident $op:ident) ($a:ident $b:ident $c:ident) $d:ident) => {
        Tree<{ Op::$first as u8 }, { Op::$op as u8 }, { is_float!($class) }, true, $a, $b, $c, $d>
    };
    (load_with $class:ident ($load:ident $op:ident) ($a:ident $b:ident) $d:ident) => {
        LoadWith<{ Op::$load as u8 }, { Op::$op as u8 }, false, $a, $b, $d>
    };
    (load_under $class:ident ($load:ident $op:ident) ($a:ident $b:ident) $d:ident) => {
        LoadWith<{ Op::$load as u8 }, { Op::$op as u8 }, true, $a, $b, $d>
    };
    (bump int _ ($a:ident) $d:ident) => {
        Bump<$a, $d>
    };
    (copy $class:ident _ ($a:ident) $d:ident) => {
        Copy<{ is_float!($class) }, $a, $d>
    };
    (select $class:ident _ ($a:ident $b:ident $c:ident) $d:ident) => {
        Select<$a, $b, $c, $d>
    };
    (load $class:ident $op:ident ($a:ident) $d:ident) => {
        Load<{ Op::$op as u8 }, $a, N, $d>
    };
    (load $class:ident $op:ident ($a:ident $b:ident) $d:ident) => {
        Load<{ Op::$op as u8 }, $a, $b, $d>
    };
    (store $class:ident $op:ident ($a:ident $v:ident) N) => {
        Store<{ Op::$op as u8 }, $a, N, $v>
    };
    (store $class:ident $op:ident ($a:ident $b:ident $v:ident) N) => {
        Store<{ Op::$op as u8 }, $a, $b, $v>
    };
    (get $class:ident _ () $d:ident) => {
        GetGlobal<{ is_float!($class) }, $d>
    };
    (set $class:ident _ ($a:ident) N) => {
        SetGlobal<{ is_float!($class) }, $a>
    };
    (branch $class:ident $op:ident ($a:ident $b:ident) N) => {
        Branch<{ Op::$op as u8 }, { is_float!($class) }, false, $a, $b>
    };
    (hcnarb $class:ident $op:ident ($a:ident $b:ident) N) => {
        Branch<{ Op::$op as u8 }, { is_float!($class) }, true, $a, $b>
    };
    (step int $op:ident ($a:ident $b:ident $c:ident) $d:ident) => {
        Step<{ Op::$op as u8 }, $a, $b, $c, $d>
    };
    (switch int _ ($a:ident) N) => {
        Switch<$a>
    };
    (ret $class:ident _ ($a:ident) N) => {
        Return<{ is_float!($class) }, $a>
    };
    (exit int _ ($a:ident) N) => {
        ExitWith<$a>
    };
}

const fn fill(to: &mut Handlers) {
    rows! { to;
        // Integers that are used everywhere.
        binary int [Add]
            [(P P) (P Q) (P A) (P S) (P I) (Q A) (Q S) (Q I) (A A) (A S) (A I) (S S) (S I)]
            -> [A S P Q];
        binary int [And Or Xor] [(P A) (P S) (P I) (A S) (A I) (S S) (S I)] -> [A S P];
        binary int [And Or Xor] [(P Q) (Q A) (Q S) (Q I)] -> [A S];
        binary int [Mul] [(P P) (P Q) (P S) (P I) (Q S) (Q I) (A A) (A S) (A I) (S S) (S I)] -> [A S];
        binary int [Sub] [(P Q) (P A) (A P) (P S) (S P) (A S) (S A) (S S) (I S) (I A)] -> [A S P];
        binary int [Sub] [(Q P) (Q S) (S Q) (Q A) (A Q)] -> [A S];
        binary int [Shl Shr Shru] [(P I) (A I) (S I)] -> [A S P];
        binary int [Shl Shr Shru] [(Q I) (P S) (A S) (S A) (S S) (I S)] -> [A S];
        // And those that are not.
        binary int [Div Rem Divu Remu] [(A I) (A S) (S I) (S A) (S S)] -> [A S];
        binary int [Rotl] [(A I) (S I) (S S)] -> [A S];
        binary int [Rotr] [(S S)] -> [S];
        binary int [Min Max] [(A S) (S A) (S I) (S S)] -> [S];
        binary int [Eq Ne Lt Le Ltu Leu] [(A S) (S A) (S S)] -> [S];
        binary int [Eq Ne Lt Ge Ltu Geu] [(A I) (S I)] -> [S];

        binary float [Add Mul]
            [(P P) (P Q) (P A) (P S) (P I) (Q Q) (Q A) (Q S) (A A) (A S) (A I) (S S) (S I)]
            -> [A S P Q];
        binary float [Sub]
            [(P Q) (P A) (P S) (P I) (Q P) (Q A) (Q S) (A P) (A Q) (A S) (A I)
             (S P) (S Q) (S A) (S S) (S I) (I A) (I S)] -> [A S P Q];
        binary float [Div] [(P S) (A S) (A I) (S P) (S A) (S S) (S I) (I A) (I S)] -> [A S];
        binary float [Min Max] [(S S)] -> [S];
        binary int [Copysign] [(S S)] -> [S];
        binary float [Eq Ne Lt Le] [(A S) (S A) (S S)] -> [S];
        binary float [Eq Ne Lt Le Gt Ge] [(A I) (S I)] -> [S];

        // Two at once.
        tree int [(Shl Xor) (Shru Xor) (Shr Xor)] [(P I P) (S I S) (A I S)] -> [A S P];
        tree int [(Mul Add) (Shl Add) (Add Add) (Add Mul) (Sub Add) (Shru Add) (Shru And) (Shl Or)]
            [(P I S) (P I I) (A I S) (A I I) (S I S) (S I I) (S S S)] -> [A S];
        tree float [(Mul Add) (Mul Sub)]
            [(P P S) (P S S) (P A S) (P I S) (Q Q S) (Q S S) (Q A S) (A S S) (A I S) (S S P) (S S S)
             (S I S)] -> [A S P Q];
        eert float [(Mul Sub)]
            [(P S S) (P A S) (Q S S) (Q A S) (A S S) (A I S) (S S P) (S S S)] -> [A S P];
        tree float [(Mul Mul) (Sub Add) (Sub Mul)] [(P I Q) (P S S) (A S S) (S S S)] -> [A S P Q];

        unary int [Ext8 Ext16 Ext32 Itof Ftoi Sqrt] [(A) (S)] -> [A S];
        unary int [Abs Clz Ctz Popcnt Utof Itob Btoi Ceil Floor Trunc Nearest Demote Ftou Ftois Ftous]
            [(A) (S)] -> [S];
        unary float [Neg Abs] [(A) (S)] -> [A S];

        load_with float [(Ldf64 Add) (Ldf64 Mul) (Ldf64 Sub)]
            [(P A) (P S) (Q A) (Q S) (S A) (S S)] -> [A S P Q];
        load_under float [(Ldf64 Sub)] [(P A) (P S) (Q A) (Q S) (S A) (S S)] -> [A S P Q];
        load_with int [(Ld64 Add) (Ld64 Mul) (Ld32s Add) (Ld8u Add)]
            [(P A) (P S) (Q A) (Q S) (S A) (S S)] -> [A S];
        load_under int [(Ld64 Sub)] [(P A) (Q A) (S A) (S S)] -> [A S];

        bump int [_] [(P)] -> [P];
        bump int [_] [(Q)] -> [Q];
        bump int [_] [(S)] -> [S];
        copy int [_] [(A) (S) (I)] -> [S P Q];
        copy float [_] [(A) (S) (I)] -> [S P Q];
        select int [_] [(S S A) (S S S) (S I A) (S I S) (I S A) (I S S) (I I A) (I I S)] -> [S];

        load int [Ld8u Ld32s Ld64 Ldf64]
            [(P) (Q) (A) (S) (I) (P Q) (P A) (P S) (Q A) (Q S) (A S) (S S)] -> [A S];
        load int [Ld8s Ld16s Ld16u Ld32u Ldf32] [(P) (Q) (A) (S) (I) (P S) (S S)] -> [A S];
        load int [Ld8u Ld32s Ld64] [(P) (Q) (S)] -> [P Q];
        load int [Ldf64] [(P) (Q) (S)] -> [P Q];
        store int [St8 St16 St32 St64]
            [(P A) (P S) (P I) (A P) (A S) (A I) (S P) (S A) (S S) (S I)
             (P A S) (P A I) (P S A) (P S S) (P S I) (A S S) (A S I) (S S A) (S S S) (S S I)
             (Q A) (Q S) (Q I) (P Q) (Q P) (A Q) (S Q) (I A) (I S) (I I) (I P)] -> [N];
        store float [Stf32 Stf64]
            [(I A) (I S) (P A) (P S) (Q A) (Q S) (A A) (A S) (S P) (S Q) (S A) (S S)
             (P A A) (P A S) (P S A) (P S S) (A S A) (A S S) (S S A) (S S S)] -> [N];
        get int [_] [()] -> [A S];
        get float [_] [()] -> [A S];
        set int [_] [(A) (S) (I)] -> [N];
        set float [_] [(A) (S)] -> [N];

        branch int [Eq Ne] [(P Q) (P A) (P S) (P I) (Q A) (Q S) (Q I) (A S) (A I) (S S) (S I)] -> [N];
        branch int [Lt Le Ltu Leu]
            [(P Q) (P A) (P S) (Q P) (Q A) (Q S) (A P) (A Q) (A S) (S P) (S Q) (S A) (S S)] -> [N];
        branch int [Lt Ge Ltu Geu And] [(P I) (Q I) (A I) (S I)] -> [N];
        hcnarb int [And] [(P I) (A I) (S I)] -> [N];
        branch float [Eq Ne Lt Le] [(P S) (S P) (A A) (A S) (S A) (S S)] -> [N];
        branch float [Eq Ne Lt Le Gt Ge] [(A I) (S I)] -> [N];
        hcnarb float [Eq Ne Lt Le] [(P S) (S P) (A A) (A S) (S A) (S S)] -> [N];
        hcnarb float [Eq Ne Lt Le Gt Ge] [(A I) (S I)] -> [N];
        step int [Lt Le Ne] [(P I S) (P I Q) (P Q S) (P S S) (P S Q)] -> [P];
        step int [Lt Le Ne] [(Q I S) (Q I P) (Q P S) (Q S S)] -> [Q];
        step int [Lt Le Ne] [(S I S)] -> [S];
        step int [Lt Ge Ne] [(P I I) (P S I) (P Q I)] -> [P];
        step int [Lt Ge Ne] [(Q I I) (Q S I)] -> [Q];
        step int [Lt Ge Ne] [(S I I)] -> [S];
        // Where nobody needs the sum, it is a test for a range.
        step int [Ltu Geu Lt Ge Eq Ne] [(P I I) (Q I I) (A I I) (S I I)] -> [A];

        switch int [_] [(A) (S)] -> [N];
        ret int [_] [(N) (A) (S) (I)] -> [N];
        ret float [_] [(A) (S) (I)] -> [N];
        exit int [_] [(A) (S) (I)] -> [N];
    }
    add!(to, Jump);
    add!(to, Call);
    add!(to, Halt);
    add!(to, Trap);
}
