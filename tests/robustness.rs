//! Random input: whatever it is, it gets an answer. Random valid programs: they survive every form
//! that a program can have.

mod common;

use common::damage::{TextDamage, damage_bytes, damage_sections};
use common::{checks, generate, running};
use hotvm::assemble::{Options, assemble};
use hotvm::diagnostics::Sources;
use hotvm::disassemble::disassemble;
use hotvm::engine::{Engine, Limits};
use hotvm::isa::{Code, Op};
use hotvm::module::{decode, encode};
use proptest::collection::vec;
use proptest::prelude::*;

/// Many cases, and no files for the failures: they are printed, and belong into a test of their own.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..1500)
}

/// A text of a real program, or of a generated one.
fn some_text(choices: &[u8]) -> String {
    const REAL: [&str; 3] = [
        include_str!("../asm-examples/hot_add.vasm"),
        ".memory 64 KiB max 1 MiB\n.const N = 3 * (1 << 4)\n.global g: f64 = -nan:0x5\n\
         .data d i32 1, -2, 'x' at 64\n.zero z 100\n.local i: i64\n\
         again: LOAD i\nPUSH N\nLT\nJZ done\nLOAD i\nPUSH 1\nADD\nSTORE i\nJMP again\n\
         done: WRITE \"\\u{e9}\\x00\"\nPUSH len(d)\nSWITCH again, done\n",
        ".lib 0 \"m\" sqrt (f64) -> f64 version 2 lazy\n.func f (a: i64, b: f64) -> f64\n\
         LOAD b\nCALL_NATIVE sqrt\nRET\n.end\nPUSH 1\nPUSH 2.5e-3\nCALL f\nPRINT\nHALT ; end\n",
    ];
    match choices.first() {
        Some(&first) if usize::from(first) < 200 => REAL[usize::from(first) % 3].to_owned(),
        _ => disassemble(&generate::module(choices)).text,
    }
}

/// What two files that both begin like this share, or would.
const UNIT: &str = ".public shared, size, more\n.extern other (i64) -> i64, size, more: i64\n.macro m a\n\
                    PUSH a\nPOP\n.endmacro\n.const size = 2 * more_size\n.const more_size = len(more)\n\
                    .global more: i64 = size\n.data more i32 1, size\n.func shared (a: i64) -> i64\n\
                    m size\nLOAD a\nCALL other\nRET\n.end\n";

#[test]
fn the_generator_makes_every_instruction() {
    let mut missing: Vec<Op> = Op::ALL.iter().copied().filter(|op| *op != Op::Clock).collect();
    let mut random = blake3::Hasher::new().finalize_xof();
    let (mut bytes, mut code) = ([0; 2000], Code::default());
    for _ in 0..1000 {
        random.fill(&mut bytes);
        let module = generate::module(&bytes);
        for function in 0..module.functions.len() as u32 {
            module.code_of(function, &mut code).unwrap();
            missing.retain(|&op| code.instrs.iter().all(|instr| instr.op != op));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// No text makes such names, but bytecode can come from elsewhere.
#[test]
fn a_local_with_the_name_of_a_global_is_written_as_another() {
    let text = ".global g: i64\n.local a: i64, b: i64, c: i64\n\
                LOAD g\nSTORE a\nLOAD b\nSTORE c\nHALT\n";
    let mut sources = Sources::new();
    let source = sources.add_text("text", text);
    let mut module = assemble(source, &mut sources, &Options::default()).unwrap().module;
    let names = module.names.as_mut().unwrap();
    names.globals[0] = "v1".to_owned();
    names.functions[0].locals = vec!["v1".to_owned(), String::new(), "g".to_owned()];
    let source = sources.add_text("listing", disassemble(&module).text);
    assert_eq!(
        assemble(source, &mut sources, &Options::default()).unwrap().module.code,
        module.code
    );
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn valid_programs_survive_their_bytes_and_their_text(choices in choices()) {
        checks::valid(&generate::module(&choices));
    }

    #[test]
    fn valid_programs_end_and_do_the_same_again(choices in choices()) {
        let module = generate::module(&choices);
        let run = |module| running::run(Engine::Reference, module, Limits::default());
        prop_assert_eq!(run(&module), run(&checks::stripped(&module)));
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn any_bytes_get_an_answer(bytes in vec(any::<u8>(), 0..200)) {
        checks::program(bytes);
    }

    #[test]
    fn any_words_get_an_answer(words in vec(any::<TextDamage>(), 0..60)) {
        checks::program(words.iter().fold(Vec::new(), |text, word| word.apply(&text)));
    }

    #[test]
    fn damaged_text_gets_an_answer(
        choices in vec(any::<u8>(), 1..300),
        damage in vec(any::<TextDamage>(), 1..6),
        bytes in vec((any::<u16>(), 1..128u8), 0..2),
    ) {
        let text = some_text(&choices).into_bytes();
        let mut text = damage.iter().fold(text, |text, damage| damage.apply(&text));
        damage_bytes(&mut text, &bytes);
        checks::program(text);
    }

    #[test]
    fn damaged_units_get_an_answer(
        choices in vec(any::<u8>(), 1..100),
        damage in vec(any::<TextDamage>(), 1..6),
        others in vec(any::<TextDamage>(), 1..6),
    ) {
        let text = format!("{UNIT}{}", some_text(&choices));
        let damaged = |damage: &[TextDamage]| {
            damage.iter().fold(text.clone().into_bytes(), |text, damage| damage.apply(&text))
        };
        checks::units(&[damaged(&damage), damaged(&others)].join(&0));
    }

    #[test]
    fn damaged_bytecode_gets_an_answer(
        choices in vec(any::<u8>(), 0..400),
        damage in vec(any::<(u8, u16, u8)>(), 1..4),
    ) {
        checks::program(damage_sections(&encode(&generate::module(&choices)), &damage));
    }

    #[test]
    fn damaged_sections_get_an_answer(
        choices in vec(any::<u8>(), 0..400),
        damage in vec(any::<(u16, u8)>(), 1..4),
    ) {
        let mut bytes = encode(&generate::module(&choices));
        damage_bytes(&mut bytes, &damage);
        checks::bytecode(bytes);
    }

    #[test]
    fn cut_bytecode_gets_an_answer(choices in vec(any::<u8>(), 0..400), len in any::<u16>()) {
        let mut bytes = encode(&generate::module(&choices));
        bytes.truncate(usize::from(len) % bytes.len());
        checks::program(bytes.clone());
        checks::bytecode(bytes);
    }
}

proptest! {
    #![proptest_config(cases(30))]

    /// The checksum sees every change of up to 32 bits in a row. The work grows with the square of the
    /// length, and most modules are far below this one; the few that are not would take minutes.
    #[test]
    fn no_changed_byte_is_accepted(choices in vec(any::<u8>(), 0..60)) {
        let good = encode(&generate::module(&choices));
        prop_assume!(good.len() <= 512);
        let mut bytes = good.clone();
        for at in 0..bytes.len() {
            for flipped in 1..=255 {
                bytes[at] = good[at] ^ flipped;
                prop_assert!(decode(&bytes).is_err(), "byte {} became {:#x}", at, bytes[at]);
            }
            bytes[at] = good[at];
        }
    }
}
