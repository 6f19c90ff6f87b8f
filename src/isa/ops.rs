//! The table of instructions.
//!
//! A row reads
//!
//! ```text
//! /// What it does, for people.
//! byte Variant "MNEMONIC" (operand) [pops] -> [pushes] Group "formula";
//! ```
//!
//! The stack effect is written deepest first, so the last name in `[pops]` is the top of the stack.
//! `I` is an `i64`, `F` an `f64`; `A`, `B` and `C` stand for any type, the same wherever the letter
//! repeats in a row. `V` is the type of the variable that the operand names, `Args` and `Results`
//! are those of the function or slot that it names (for `RET`, of the function it stands in).
//!
//! Rows that share a mnemonic differ in their operand: the assembler takes the one that fits.
//! The operator in square brackets is WebAssembly's, whose semantics, traps included, are ours.

/// Hands the whole table to the macro named by the argument.
macro_rules! for_each_op {
    ($expand:ident) => {
        $expand! {
            /// Pushes an integer constant.
            0x01 PushInt "PUSH" (Int) [] -> [I] Stack "push n";
            /// Pushes a float constant.
            0x02 PushFloat "PUSH" (Float) [] -> [F] Stack "push x";
            /// Drops the top value.
            0x03 Pop "POP" (None) [A] -> [] Stack "drop a";
            /// Repeats the top value.
            0x04 Dup "DUP" (None) [A] -> [A A] Stack "a -> a a";
            /// Exchanges the two top values.
            0x05 Swap "SWAP" (None) [A B] -> [B A] Stack "a b -> b a";
            /// Pushes a copy of the value below the top.
            0x06 Over "OVER" (None) [A B] -> [A B A] Stack "a b -> a b a";
            /// Brings the third value to the top.
            0x07 Rot "ROT" (None) [A B C] -> [B C A] Stack "a b c -> b c a";
            /// Does nothing.
            0x08 Nop "NOP" (None) [] -> [] Stack "nothing";

            /// Adds two numbers of one type; integers wrap. [i64.add, f64.add]
            0x10 Add "ADD" (None) [A A] -> [A] Arithmetic "a + b";
            /// Subtracts the top from the value below it; integers wrap. [i64.sub, f64.sub]
            0x11 Sub "SUB" (None) [A A] -> [A] Arithmetic "a - b";
            /// Multiplies two numbers of one type; integers wrap. [i64.mul, f64.mul]
            0x12 Mul "MUL" (None) [A A] -> [A] Arithmetic "a * b";
            /// Divides by the top. Integers round towards zero, and trap on a zero divisor and on
            /// the one quotient that does not fit. [i64.div_s, f64.div]
            0x13 Div "DIV" (None) [A A] -> [A] Arithmetic "a / b";
            /// Negates; the smallest integer stays what it is. [0 - a, f64.neg]
            0x14 Neg "NEG" (None) [A] -> [A] Arithmetic "-a";
            /// The absolute value; the smallest integer stays what it is. [f64.abs]
            0x15 Abs "ABS" (None) [A] -> [A] Arithmetic "|a|";
            /// The smaller of two, integers compared as signed; a NaN wins over any number. [f64.min]
            0x16 Min "MIN" (None) [A A] -> [A] Arithmetic "min(a, b)";
            /// The greater of two, integers compared as signed; a NaN wins over any number. [f64.max]
            0x17 Max "MAX" (None) [A A] -> [A] Arithmetic "max(a, b)";
            /// 1 when equal, otherwise 0. [i64.eq, f64.eq]
            0x18 Eq "EQ" (None) [A A] -> [I] Arithmetic "a == b";
            /// 1 when not equal, otherwise 0. [i64.ne, f64.ne]
            0x19 Ne "NE" (None) [A A] -> [I] Arithmetic "a != b";
            /// 1 when the lower value is less than the top (signed), otherwise 0. [i64.lt_s, f64.lt]
            0x1a Lt "LT" (None) [A A] -> [I] Arithmetic "a < b";
            /// 1 when the lower value is at most the top (signed), otherwise 0. [i64.le_s, f64.le]
            0x1b Le "LE" (None) [A A] -> [I] Arithmetic "a <= b";
            /// 1 when the lower value is greater than the top (signed), otherwise 0. [i64.gt_s, f64.gt]
            0x1c Gt "GT" (None) [A A] -> [I] Arithmetic "a > b";
            /// 1 when the lower value is at least the top (signed), otherwise 0. [i64.ge_s, f64.ge]
            0x1d Ge "GE" (None) [A A] -> [I] Arithmetic "a >= b";
            /// Keeps the first of two values when the condition on top is not 0, else the second. [select]
            0x1e Select "SELECT" (None) [A A I] -> [A] Arithmetic "c != 0 ? a : b";

            /// The remainder, with the sign of the dividend; traps on a zero divisor. [i64.rem_s]
            0x20 Rem "REM" (None) [I I] -> [I] Integer "a % b";
            /// Unsigned division; traps on a zero divisor. [i64.div_u]
            0x21 Divu "DIVU" (None) [I I] -> [I] Integer "a /u b";
            /// Unsigned remainder; traps on a zero divisor. [i64.rem_u]
            0x22 Remu "REMU" (None) [I I] -> [I] Integer "a %u b";
            /// Bitwise and. [i64.and]
            0x23 And "AND" (None) [I I] -> [I] Integer "a & b";
            /// Bitwise or. [i64.or]
            0x24 Or "OR" (None) [I I] -> [I] Integer "a | b";
            /// Bitwise exclusive or. [i64.xor]
            0x25 Xor "XOR" (None) [I I] -> [I] Integer "a ^ b";
            /// Turns every bit over. [a xor -1]
            0x26 Not "NOT" (None) [I] -> [I] Integer "~a";
            /// Shifts left by the top, modulo 64. [i64.shl]
            0x27 Shl "SHL" (None) [I I] -> [I] Integer "a << (b mod 64)";
            /// Shifts right by the top, modulo 64, copying the sign. [i64.shr_s]
            0x28 Shr "SHR" (None) [I I] -> [I] Integer "a >> (b mod 64)";
            /// Shifts right by the top, modulo 64, filling with zeros. [i64.shr_u]
            0x29 Shru "SHRU" (None) [I I] -> [I] Integer "a >>u (b mod 64)";
            /// Rotates left by the top, modulo 64. [i64.rotl]
            0x2a Rotl "ROTL" (None) [I I] -> [I] Integer "a rotl b";
            /// Rotates right by the top, modulo 64. [i64.rotr]
            0x2b Rotr "ROTR" (None) [I I] -> [I] Integer "a rotr b";
            /// Counts the zero bits above the highest one bit; 64 for 0. [i64.clz]
            0x2c Clz "CLZ" (None) [I] -> [I] Integer "leading zeros of a";
            /// Counts the zero bits below the lowest one bit; 64 for 0. [i64.ctz]
            0x2d Ctz "CTZ" (None) [I] -> [I] Integer "trailing zeros of a";
            /// Counts the one bits. [i64.popcnt]
            0x2e Popcnt "POPCNT" (None) [I] -> [I] Integer "ones in a";
            /// 1 when zero, otherwise 0. [i64.eqz]
            0x2f Eqz "EQZ" (None) [I] -> [I] Integer "a == 0";
            /// 1 when less, as unsigned numbers, otherwise 0. [i64.lt_u]
            0x30 Ltu "LTU" (None) [I I] -> [I] Integer "a <u b";
            /// 1 when at most, as unsigned numbers, otherwise 0. [i64.le_u]
            0x31 Leu "LEU" (None) [I I] -> [I] Integer "a <=u b";
            /// 1 when greater, as unsigned numbers, otherwise 0. [i64.gt_u]
            0x32 Gtu "GTU" (None) [I I] -> [I] Integer "a >u b";
            /// 1 when at least, as unsigned numbers, otherwise 0. [i64.ge_u]
            0x33 Geu "GEU" (None) [I I] -> [I] Integer "a >=u b";
            /// Keeps the low 8 bits and extends their sign. [i64.extend8_s]
            0x34 Ext8 "EXT8" (None) [I] -> [I] Integer "a as i8";
            /// Keeps the low 16 bits and extends their sign. [i64.extend16_s]
            0x35 Ext16 "EXT16" (None) [I] -> [I] Integer "a as i16";
            /// Keeps the low 32 bits and extends their sign. [i64.extend32_s]
            0x36 Ext32 "EXT32" (None) [I] -> [I] Integer "a as i32";

            /// The square root. [f64.sqrt]
            0x40 Sqrt "SQRT" (None) [F] -> [F] Float "sqrt(a)";
            /// Rounds up to a whole number. [f64.ceil]
            0x41 Ceil "CEIL" (None) [F] -> [F] Float "ceil(a)";
            /// Rounds down to a whole number. [f64.floor]
            0x42 Floor "FLOOR" (None) [F] -> [F] Float "floor(a)";
            /// Rounds towards zero to a whole number. [f64.trunc]
            0x43 Trunc "TRUNC" (None) [F] -> [F] Float "trunc(a)";
            /// Rounds to the nearest whole number, halves to the even one. [f64.nearest]
            0x44 Nearest "NEAREST" (None) [F] -> [F] Float "round_half_even(a)";
            /// The magnitude of the lower value with the sign of the top. [f64.copysign]
            0x45 Copysign "COPYSIGN" (None) [F F] -> [F] Float "|a| with the sign of b";

            /// A signed integer as a float, rounded to nearest. [f64.convert_i64_s]
            0x50 Itof "ITOF" (None) [I] -> [F] Conversion "a as f64";
            /// An unsigned integer as a float, rounded to nearest. [f64.convert_i64_u]
            0x51 Utof "UTOF" (None) [I] -> [F] Conversion "a as u64 as f64";
            /// A float as a signed integer, rounded towards zero; traps on NaN and when it does not
            /// fit. [i64.trunc_f64_s]
            0x52 Ftoi "FTOI" (None) [F] -> [I] Conversion "trunc(a) as i64, or trap";
            /// A float as an unsigned integer, rounded towards zero; traps on NaN and when it does
            /// not fit. [i64.trunc_f64_u]
            0x53 Ftou "FTOU" (None) [F] -> [I] Conversion "trunc(a) as u64, or trap";
            /// As `FTOI`, but NaN gives 0 and what does not fit the nearest limit. [i64.trunc_sat_f64_s]
            0x54 Ftois "FTOIS" (None) [F] -> [I] Conversion "saturate(trunc(a)) as i64";
            /// As `FTOU`, but NaN gives 0 and what does not fit the nearest limit. [i64.trunc_sat_f64_u]
            0x55 Ftous "FTOUS" (None) [F] -> [I] Conversion "saturate(trunc(a)) as u64";
            /// Takes the 64 bits of an integer as those of a float. [f64.reinterpret_i64]
            0x56 Itob "ITOB" (None) [I] -> [F] Conversion "bits a as f64";
            /// Takes the 64 bits of a float as those of an integer. [i64.reinterpret_f64]
            0x57 Btoi "BTOI" (None) [F] -> [I] Conversion "bits of a";
            /// Rounds to the precision and range of a 32-bit float. [f64.promote_f32 of f32.demote_f64]
            0x58 Demote "DEMOTE" (None) [F] -> [F] Conversion "a as f32 as f64";

            /// Pushes the value of a local or parameter. [local.get]
            0x60 LoadLocal "LOAD" (Local) [] -> [V] Variable "push x";
            /// Pushes the value of a global. [global.get]
            0x61 LoadGlobal "LOAD" (Global) [] -> [V] Variable "push x";
            /// Pops into a local or parameter. [local.set]
            0x62 StoreLocal "STORE" (Local) [V] -> [] Variable "x = a";
            /// Pops into a global. [global.set]
            0x63 StoreGlobal "STORE" (Global) [V] -> [] Variable "x = a";
            /// Copies the top into a local or parameter and leaves it. [local.tee]
            0x64 TeeLocal "TEE" (Local) [V] -> [V] Variable "x = a, a stays";
            /// Copies the top into a global and leaves it.
            0x65 TeeGlobal "TEE" (Global) [V] -> [V] Variable "x = a, a stays";

            /// Goes to the label. [br]
            0x70 Jmp "JMP" (Label) [] -> [] Control "goto l";
            /// Goes to the label when the popped integer is 0.
            0x71 Jz "JZ" (Label) [I] -> [] Control "if a == 0 goto l";
            /// Goes to the label when the popped integer is not 0. [br_if]
            0x72 Jnz "JNZ" (Label) [I] -> [] Control "if a != 0 goto l";
            /// Goes to the label that the popped integer counts to, from 0; to the last one when it
            /// is negative or too large. [br_table]
            0x73 Switch "SWITCH" (Labels) [I] -> [] Control "goto l[a], else the last";
            /// Calls a function: pops its arguments, the last on top, and pushes its result. [call]
            0x74 Call "CALL" (Func) [Args] -> [Results] Control "f(args)";
            /// Returns from the function; its result is the top value. [return]
            0x75 Ret "RET" (None) [Results] -> [] Control "return";
            /// Ends the program with status 0.
            0x76 Halt "HALT" (None) [] -> [] Control "exit 0";
            /// Ends the program with the popped status, 0 to 255.
            0x77 Exit "EXIT" (None) [I] -> [] Control "exit a";
            /// Stops the program with a trap. [unreachable]
            0x78 Trap "TRAP" (None) [] -> [] Control "trap";

            /// Loads a byte, sign extended. [i64.load8_s]
            0x80 Ld8s "LD8S" (Offset) [I] -> [I] Memory "i8 at a + o";
            /// Loads a byte, zero extended. [i64.load8_u]
            0x81 Ld8u "LD8U" (Offset) [I] -> [I] Memory "u8 at a + o";
            /// Loads 2 bytes, sign extended. [i64.load16_s]
            0x82 Ld16s "LD16S" (Offset) [I] -> [I] Memory "i16 at a + o";
            /// Loads 2 bytes, zero extended. [i64.load16_u]
            0x83 Ld16u "LD16U" (Offset) [I] -> [I] Memory "u16 at a + o";
            /// Loads 4 bytes, sign extended. [i64.load32_s]
            0x84 Ld32s "LD32S" (Offset) [I] -> [I] Memory "i32 at a + o";
            /// Loads 4 bytes, zero extended. [i64.load32_u]
            0x85 Ld32u "LD32U" (Offset) [I] -> [I] Memory "u32 at a + o";
            /// Loads 8 bytes. [i64.load]
            0x86 Ld64 "LD64" (Offset) [I] -> [I] Memory "i64 at a + o";
            /// Loads a 4-byte float, widened. [f32.load, f64.promote_f32]
            0x87 Ldf32 "LDF32" (Offset) [I] -> [F] Memory "f32 at a + o";
            /// Loads an 8-byte float. [f64.load]
            0x88 Ldf64 "LDF64" (Offset) [I] -> [F] Memory "f64 at a + o";
            /// Stores the low byte of the top at the address below it. [i64.store8]
            0x89 St8 "ST8" (Offset) [I I] -> [] Memory "u8 at a + o = b";
            /// Stores the low 2 bytes of the top at the address below it. [i64.store16]
            0x8a St16 "ST16" (Offset) [I I] -> [] Memory "u16 at a + o = b";
            /// Stores the low 4 bytes of the top at the address below it. [i64.store32]
            0x8b St32 "ST32" (Offset) [I I] -> [] Memory "u32 at a + o = b";
            /// Stores 8 bytes at the address below them. [i64.store]
            0x8c St64 "ST64" (Offset) [I I] -> [] Memory "i64 at a + o = b";
            /// Stores a float, rounded to 4 bytes, at the address below it. [f32.demote_f64, f32.store]
            0x8d Stf32 "STF32" (Offset) [I F] -> [] Memory "f32 at a + o = b";
            /// Stores an 8-byte float at the address below it. [f64.store]
            0x8e Stf64 "STF64" (Offset) [I F] -> [] Memory "f64 at a + o = b";
            /// Pushes the size of memory in bytes. [memory.size, in bytes]
            0x8f Memsize "MEMSIZE" (None) [] -> [I] Memory "bytes of memory";
            /// Grows memory by so many bytes, rounded up to whole pages of 64 KiB; pushes the old
            /// size in bytes, or -1 when the maximum does not allow it. [memory.grow, in bytes]
            0x90 Memgrow "MEMGROW" (None) [I] -> [I] Memory "grow by a bytes";
            /// Copies bytes: destination, source, length; the two may overlap. [memory.copy]
            0x91 Memcopy "MEMCOPY" (None) [I I I] -> [] Memory "bytes at a = c bytes at b";
            /// Fills bytes: address, value (its low byte), length. [memory.fill]
            0x92 Memfill "MEMFILL" (None) [I I I] -> [] Memory "c bytes at a = b";

            /// Calls the native function in a slot: pops its arguments, the last on top, and pushes
            /// its result if it has one.
            0xa0 CallNative "CALL_NATIVE" (Slot) [Args] -> [Results] Native "slot s (args)";
            /// Binds a slot that its `.lib` calls lazy: pushes 1, or 0 when it cannot be bound.
            0xa1 LoadLib "LOAD_LIB" (Slot) [] -> [I] Native "bind slot s";
            /// Replaces the library of the slot with what its file holds now: pushes 1 when it is
            /// current, or 0 when it cannot be loaded, and then keeps the old one.
            0xa2 ReloadLib "RELOAD_LIB" (Slot) [] -> [I] Native "reload the library of slot s";
            /// Pushes the version that the library of the slot reports; 0 when it reports none.
            0xa3 LibVersion "LIB_VERSION" (Slot) [] -> [I] Native "version of the library of slot s";

            /// Prints the popped value in decimal, and a newline. A float is the shortest text that
            /// reads back the same, always with a point or an exponent.
            0xb0 Print "PRINT" (None) [A] -> [] InputOutput "print a and a newline";
            /// Writes the text as it stands.
            0xb1 Write "WRITE" (Text) [] -> [] InputOutput "write the text";
            /// Writes bytes of memory: address, length.
            0xb2 Puts "PUTS" (None) [I I] -> [] InputOutput "write b bytes at a";
            /// Writes one character, given as its Unicode number, in UTF-8; traps on others.
            0xb3 Putc "PUTC" (None) [I] -> [] InputOutput "write character a";
            /// Reads a line of standard input into memory: address, capacity. Pushes its length
            /// without the newline, or -1 at the end of input. What exceeds the capacity is left
            /// for the next `READ`.
            0xb4 Read "READ" (None) [I I] -> [I] InputOutput "line to a, at most b bytes";
            /// Copies a program argument into memory: number (from 0), address, capacity. Pushes
            /// its whole length, or -1 when there is no such argument.
            0xb5 Arg "ARG" (None) [I I I] -> [I] InputOutput "argument a to b, at most c bytes";
            /// Pushes the nanoseconds of a clock that never goes back.
            0xb6 Clock "CLOCK" (None) [] -> [I] InputOutput "nanoseconds";
        }
    };
}

pub(crate) use for_each_op;
