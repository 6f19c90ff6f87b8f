//! Limits that only a text of many lines reaches.

use hotvm::diagnostics::{Code, Sources};
use hotvm::program::{Input, load};
use hotvm::verify::MAX_CELLS;

/// The codes of what is wrong with a text.
fn errors(text: String) -> Vec<Code> {
    let input = Input::from_text("limits", text);
    match load(input, &mut Sources::new()) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics.iter().map(|diagnostic| diagnostic.code).collect(),
    }
}

#[test]
fn a_stack_holds_so_many_values_and_no_more() {
    let text = |values| "PUSH 1\n".repeat(values) + "HALT\n";
    assert_eq!(errors(text(MAX_CELLS)), []);
    assert_eq!(errors(text(MAX_CELLS + 1)), [Code::LimitExceeded]);
}

#[test]
fn a_function_has_so_many_locals_and_no_more() {
    let text = |locals| (0..locals).map(|i| format!(".local n{i}: i64\n")).collect::<String>();
    assert_eq!(errors(text(MAX_CELLS) + "HALT\n"), []);
    assert_eq!(errors(text(MAX_CELLS + 1) + "HALT\n"), [Code::LimitExceeded]);
}
