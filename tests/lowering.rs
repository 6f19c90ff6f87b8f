//! What the passes of `engine/lower` make of small programs.

use hotvm::diagnostics::Sources;
use hotvm::engine::list_lowered;
use hotvm::program::{Input, load};
use hotvm::verify::Verified;

fn program(text: &str) -> Verified {
    let input = Input::from_text("lowering.vasm", text);
    let program = load(input, &mut Sources::new()).unwrap();
    (*program.verified).clone()
}

/// The register code of main, without numbers in front. The cells of its frame are `[4]` and up.
fn lowered(text: &str) -> String {
    let program = program(text);
    let text = list_lowered(&program, program.module().entry);
    let lines = text.lines().map(|line| line.splitn(3, "  ").last().unwrap_or_default());
    let lines = lines.map(|line| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()));
    lines.map(|line| line.trim_start().to_owned() + "\n").collect()
}

#[track_caller]
fn expect(text: &str, expected: &[&str]) {
    let lowered = lowered(text);
    let found: Vec<_> = lowered.lines().collect();
    assert_eq!(found, expected, "\n{lowered}");
}

#[test]
fn constants_are_computed() {
    expect(
        "PUSH 2\nPUSH 3\nMUL\nITOF\nSQRT\nFTOIS\nPRINT\nHALT\n",
        &["[4] = 2", "PRINT 0, from [4]", "halt"],
    );
}

#[test]
fn what_traps_is_left_to_trap() {
    expect(
        "PUSH 1\nPUSH 0\nDIV\nPRINT\nHALT\n",
        &["[2] = 1", "[4] = DIV [2], 0", "PRINT 0, from [4]", "halt"],
    );
}

#[test]
fn copies_vanish() {
    expect(
        ".local a: i64, b: i64\nLOAD a\nDUP\nMUL\nLOAD b\nSWAP\nSUB\nSTORE a\nHALT\n",
        &["[4] = 0", "[5] = 0", "acc = MUL [4], [4]", "[4] = SUB [5], acc", "halt"],
    );
}

#[test]
fn a_value_on_the_stack_is_the_local_as_it_was() {
    expect(
        ".local a: i64\nLOAD a\nPUSH 1\nSTORE a\nPRINT\nHALT\n",
        &["[4] = 0", "[5] = [4]", "[4] = 1", "PRINT 0, from [5]", "halt"],
    );
}

#[test]
fn values_that_changed_places_go_to_their_own_at_a_label() {
    let lowered = lowered("CLOCK\nCLOCK\nSWAP\nPUSH 0\nJZ on\non: POP\nPOP\nHALT\n");
    // By way of the spare cell of the header.
    for line in ["[2] = [5]", "[5] = [4]", "[4] = [2]"] {
        assert!(lowered.contains(line), "{line} of\n{lowered}");
    }
}

#[test]
fn comparisons_join_jumps_and_additions_join_them() {
    expect(
        ".local i: i64\nagain: LOAD i\nPUSH 1\nADD\nSTORE i\nLOAD i\nPUSH 9\nLE\nJNZ again\nHALT\n",
        &[
            "[4] = 0",
            "pin0[4] = [4]",
            "pin0[4] = ADD pin0[4], 1; if LT pin0[4], 10 goto @2",
            "halt",
        ],
    );
}

#[test]
fn loops_are_turned_around() {
    expect(
        ".local i: i64\nagain: LOAD i\nJZ end\nPUSH 5\nPRINT\nJMP again\nend: HALT\n",
        &[
            "[4] = 0",
            "if EQ [4], 0 goto @5",
            "[5] = 5",
            "PRINT 0, from [5]",
            "if NE [4], 0 goto @2",
            "halt",
        ],
    );
}

#[test]
fn the_arms_of_a_switch_in_a_loop_have_each_a_switch() {
    let arm = "LOAD i\nPUSH 1\nADD\nSTORE i\nJMP again\n";
    let text = format!(
        ".local i: i64\nagain: LOAD i\nSWITCH one, two, end\none: {arm}two: {arm}end: HALT\n"
    );
    let lowered = lowered(&text);
    assert_eq!(lowered.matches("goto pin0[4] of").count(), 0, "\n{lowered}");
    assert_eq!(lowered.matches(" of @").count(), 3, "\n{lowered}");
}

#[test]
fn addresses_take_additions_in() {
    expect(
        ".local a: i64, b: i64\nLOAD a\nPUSH 8\nADD\nLD64 4\nLOAD a\nLOAD b\nADD\nSWAP\nST64 -2\nHALT\n",
        &["[4] = 0", "[5] = 0", "[6] = LD64 [4] + 12", "ST64 [4] + [5] + -2, [6]", "halt"],
    );
}

#[test]
fn a_loop_that_calls_pins_nothing() {
    let lowered = lowered(
        ".func f\nWRITE \"f\"\nRET\n.end\n.local i: i64\nagain: CALL f\nLOAD i\nPUSH 1\nADD\nTEE i\nJNZ again\nHALT\n",
    );
    assert!(!lowered.contains("pin"), "\n{lowered}");
}

#[test]
fn whoever_jumps_into_a_loop_loads_its_registers() {
    let lowered = lowered(
        ".local i: i64\nCLOCK\nJNZ inside\nagain: LOAD i\nPUSH 2\nMUL\nSTORE i\n\
         inside: LOAD i\nPUSH 1\nADD\nSTORE i\nLOAD i\nPUSH 50\nLT\nJNZ again\nHALT\n",
    );
    assert_eq!(lowered.matches("pin0[4] = [4]").count(), 2, "\n{lowered}");
}

/// Translation takes time and space in proportion to the code: a thousand times the code is not a
/// million times the work, or this test would not end.
#[test]
fn long_functions_take_no_longer_in_proportion() {
    let repeated = "LOAD a\nLOAD a\nSWAP\nOVER\nROT\nSTORE a\nPOP\nPOP\nDUP\nJZ next\nnext: \n";
    let mut text = ".local a: i64\nPUSH 1\n".to_owned();
    for i in 0..20_000 {
        text += &repeated.replace("next", &format!("next{i}"));
    }
    text += &"LOAD a\n".repeat(60_000);
    text += "HALT\n";
    let lines = lowered(&text).lines().count();
    assert!((20_000..200_000).contains(&lines), "{lines}");
}

#[test]
fn small_functions_take_the_place_of_their_calls() {
    expect(
        ".func twice (n: i64) -> i64\n.local m: i64\nLOAD n\nSTORE m\nLOAD m\nLOAD n\nADD\nRET\n.end\n\
         .local a: i64\nLOAD a\nCALL twice\nPRINT\nHALT\n",
        &["[4] = 0", "[5] = ADD [4], [4]", "PRINT 0, from [5]", "halt"],
    );
}
