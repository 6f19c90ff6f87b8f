//! Files that are made from the program's own tables. To refresh them:
//! `BLESS=1 cargo test --test generated`

use std::path::Path;

#[test]
fn docs_isa_md_is_made_from_the_instruction_table() {
    check("docs/isa.md", &hotvm::isa::reference::markdown());
}

#[test]
fn docs_errors_md_is_made_from_the_code_table() {
    check("docs/errors.md", &hotvm::diagnostics::Code::markdown());
}

#[test]
fn the_grammar_for_editors_is_made_from_the_tables() {
    let grammar = hotvm::tools::grammar::textmate();
    check("docs/editors/vscode/syntaxes/vasm.tmLanguage.json", &grammar);
}

fn check(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} is not fresh; run: BLESS=1 cargo test --test generated");
}
