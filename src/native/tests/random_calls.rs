//! Signatures at random: a C function hashes all that it gets, and Rust computes the same.

use super::*;
use CType::*;
use std::fmt::Write;

const FUNCTIONS: usize = 80;
const CALLS: usize = 20;

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

fn mix(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

const PRELUDE: &str = "
#include <hotvm.h>
#include <string.h>
static uint64_t hash;
static void mix(uint64_t v) {
    hash = (hash ^ v) * UINT64_C(0x100000001b3);
    hash = hash << 23 | hash >> 41;
}
static void mix_double(double d) { uint64_t v; memcpy(&v, &d, 8); mix(v); }
static void mix_bytes(const void *p, size_t n) {
    for (size_t i = 0; i < n; i++) mix(((const uint8_t *)p)[i]);
    mix(n);
}
uint64_t last(void) { return hash; }
void *as_pointer(uint64_t v) { return (void *)v; }
";

/// The C function for a signature.
fn function(name: &str, signature: &Signature) -> String {
    let (mut params, mut body) = (Vec::new(), String::new());
    for (i, param) in signature.params.iter().enumerate() {
        match param {
            Bytes => params.push(format!("const void *a{i}, size_t n{i}")),
            other => params.push(format!("{} a{i}", other.c_name())),
        }
        match param {
            F32 | F64 => write!(body, "mix_double(a{i}); ").unwrap(),
            Cstr => write!(body, "mix_bytes(a{i}, strlen(a{i})); ").unwrap(),
            Bytes => write!(body, "mix_bytes(a{i}, n{i}); ").unwrap(),
            Ptr => write!(body, "mix((uint64_t)a{i}); ").unwrap(),
            _ => write!(body, "mix((uint64_t)(int64_t)a{i}); ").unwrap(),
        }
    }
    let result = match signature.result {
        Void => "",
        Bool => "return hash & 1;",
        F32 => "return (float)(hash >> 40);",
        F64 => "return (double)(hash >> 11);",
        Ptr => "return (void *)hash;",
        _ => "return hash;",
    };
    let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
    let c_result = signature.result.c_name();
    format!("{c_result} {name}({params}) {{ hash = 1; {body} {result} }}\n")
}

/// The result that the function gives for a hash, as a cell.
fn result(ctype: CType, hash: u64) -> Option<u64> {
    Some(match ctype {
        Void => return None,
        I8 => hash as i8 as u64,
        I16 => hash as i16 as u64,
        I32 => hash as i32 as u64,
        U8 => hash as u8 as u64,
        U16 => hash as u16 as u64,
        U32 => hash as u32 as u64,
        Bool => hash & 1,
        F32 => ((hash >> 40) as f64).to_bits(),
        F64 => ((hash >> 11) as f64).to_bits(),
        _ => hash,
    })
}

fn random_signature(dice: &mut Dice) -> Signature {
    let params: Vec<_> = CType::ALL.iter().copied().filter(|t| t.is_param()).collect();
    let results: Vec<_> = CType::ALL.iter().copied().filter(|t| t.is_result()).collect();
    let count = dice.pick(&[0, 1, 3, 6, 9, 14, 20, 33, 127]);
    Signature {
        params: (0..count).map(|_| dice.pick(&params)).collect(),
        result: dice.pick(&results),
    }
}

/// A random argument: its cells go to `cells`, and its hash is returned.
fn argument(
    dice: &mut Dice,
    ctype: CType,
    memory: &[u8],
    pointers: &[u64],
    hash: u64,
    cells: &mut Vec<u64>,
) -> u64 {
    let mix_bytes = |hash, bytes: &[u8]| {
        mix(bytes.iter().fold(hash, |h, &b| mix(h, b.into())), bytes.len() as u64)
    };
    if let Bytes = ctype {
        let start = dice.below(memory.len() as u64 + 1);
        let length = dice.below(memory.len() as u64 - start + 1);
        cells.extend([start, length]);
        return mix_bytes(hash, &memory[start as usize..(start + length) as usize]);
    }
    let cell = match ctype {
        F64 => ((dice.roll() as i64 as f64) / 1024.0).to_bits(),
        F32 => f64::from(dice.roll() as i32 as f32 / 64.0).to_bits(),
        Cstr => dice.below(memory.len() as u64),
        Ptr => dice.pick(pointers),
        _ => match ctype.integer_range() {
            Some((least, greatest)) => {
                let any = least + dice.below((greatest - least) as u64 + 1) as i64;
                dice.pick(&[least, greatest, any, any]) as u64
            }
            None => dice.roll(),
        },
    };
    cells.push(cell);
    match ctype {
        Cstr => {
            let text = memory[cell as usize..].split(|&b| b == 0).next().unwrap();
            mix_bytes(hash, text)
        }
        _ => mix(hash, cell),
    }
}

#[test]
fn random_signatures_pass_every_argument_and_result() {
    let lab = Lab::new();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut code = PRELUDE.to_owned();
    let mut imports = vec![number("r", "last"), import("r", "as_pointer", &[U64], Ptr)];
    for i in 0..FUNCTIONS {
        let (name, signature) = (format!("f{i}"), random_signature(&mut dice));
        code.push_str(&function(&name, &signature));
        imports.push(import("r", &name, &signature.params, signature.result));
    }
    lab.compile("libr.so", &code);
    let mut libraries = lab.bound(&imports);
    let mut memory: Vec<u8> = (0..200).map(|_| dice.below(20) as u8).collect();
    *memory.last_mut().unwrap() = 0;
    let pointers = [0, dice.roll(), dice.roll(), 1];
    for pointer in pointers {
        libraries.call(1, &[pointer], &mut memory).unwrap();
    }
    for (index, import) in imports.iter().enumerate().skip(2) {
        for _ in 0..CALLS {
            let (mut cells, mut hash) = (Vec::new(), 1);
            for &param in &import.signature.params {
                hash = argument(&mut dice, param, &memory, &pointers, hash, &mut cells);
            }
            let returned = libraries.call(index, &cells, &mut memory).unwrap();
            let signature = &import.signature;
            assert_eq!(returned, result(signature.result, hash), "{} {signature}", import.symbol);
            let last = libraries.call(0, &[], &mut memory).unwrap();
            assert_eq!(last, Some(hash), "{} {signature}", import.symbol);
        }
    }
}
