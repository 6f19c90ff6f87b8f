//! The TextMate grammar, for editors, expanded from the tables of instructions, directives and types.

use crate::isa::{CType, Group, Op};
use crate::syntax::Kind;
use crate::syntax::literal::UNITS;
use serde_json::{Value, json};

/// A name, in quotes or not.
const NAME: &str = r#"(?:[A-Za-z_]\w*|\$"(?:[^"\\]|\\.)*")"#;

/// The beginning of a line with an instruction: only there, a mnemonic is one.
fn label() -> String {
    format!(r"^\s*(?:({NAME})\s*:\s*)?")
}

/// The text of `docs/editors/vscode/syntaxes/vasm.tmLanguage.json`.
pub fn textmate() -> String {
    let mut patterns = vec![
        json!({ "name": "comment.line.vasm", "match": "[;#].*$" }),
        quoted("string.quoted.double.vasm", "\""),
        quoted("string.quoted.single.vasm", "'"),
        json!({
            "match": format!(r"(\.(?:func|entry|macro))\s+({NAME})"),
            "captures": {
                "1": { "name": "keyword.control.directive.vasm" },
                "2": { "name": "entity.name.function.vasm" },
            },
        }),
        json!({
            "match": format!(r"{}((?i:CALL))\s+({NAME})", label()),
            "captures": {
                "1": { "name": "entity.name.label.vasm" },
                "2": { "name": scope(Op::Call) },
                "3": { "name": "entity.name.function.vasm" },
            },
        }),
        word("keyword.control.directive.vasm", r"\.", Kind::DIRECTIVES.iter().map(|d| &d[1..])),
    ];
    patterns.extend(mnemonics());
    // The types of C, among which are those of values.
    let types = CType::ALL.iter().map(|ty| ty.name());
    patterns.extend([
        json!({ "name": "entity.name.label.vasm", "match": format!(r"^\s*{NAME}(?=\s*:)") }),
        // Behind what else such a name may be.
        quoted("variable.other.vasm", r#"\$""#),
        word("storage.type.vasm", r"\b", types),
        json!({
            "name": "constant.numeric.vasm",
            "match": r"\bnan:0[xX][0-9A-Fa-f_]+|\b(inf|nan)\b|\b[0-9][0-9_]*(\.[0-9_]*)?([eE][+-]?[0-9_]+)?\b|\b0[xXbBoO][0-9A-Fa-f_]+\b",
        }),
        word("storage.modifier.vasm", r"\b", ["at", "max", "lazy", "version"]),
        word("keyword.other.unit.vasm", r"\b", UNITS.map(|(unit, _)| unit)),
        word("support.function.vasm", r"\b", ["len", "defined"]),
        json!({ "name": "keyword.operator.vasm", "match": r"->|<<|>>|[-+*/%&|^~=<>!]" }),
    ]);
    let grammar = json!({
        "$comment": "Generated from the tables in src. To refresh: BLESS=1 cargo test --test generated",
        "name": "hotvm assembly",
        "scopeName": "source.vasm",
        "fileTypes": ["vasm"],
        "patterns": patterns,
    });
    let text = serde_json::to_string_pretty(&grammar);
    text.expect("strings always serialize") + "\n"
}

/// A pattern for the mnemonics of each scope; those that share one are a family, and stand once.
fn mnemonics() -> Vec<Value> {
    let mut scopes: Vec<(&str, Vec<&str>)> = Vec::new();
    for &op in Op::ALL {
        let scope = scope(op);
        let at = scopes.iter().position(|(known, _)| *known == scope).unwrap_or_else(|| {
            scopes.push((scope, Vec::new()));
            scopes.len() - 1
        });
        if !scopes[at].1.contains(&op.mnemonic()) {
            scopes[at].1.push(op.mnemonic());
        }
    }
    let pattern = |(scope, names): (&str, Vec<&str>)| {
        json!({
            // A label may have the name of an instruction.
            "match": format!(r"{}((?i:{}))\b(?!\s*:)", label(), names.join("|")),
            "captures": {
                "1": { "name": "entity.name.label.vasm" },
                "2": { "name": scope },
            },
        })
    };
    scopes.into_iter().map(pattern).collect()
}

/// What themes colour an instruction as.
fn scope(op: Op) -> &'static str {
    match op.group() {
        Group::Control => "keyword.control.vasm",
        Group::Native | Group::InputOutput => "support.function.vasm",
        Group::Variable | Group::Memory => "keyword.other.vasm",
        _ => "keyword.operator.word.vasm",
    }
}

fn word<'a>(scope: &str, before: &str, words: impl IntoIterator<Item = &'a str>) -> Value {
    let words: Vec<_> = words.into_iter().collect();
    json!({ "name": scope, "match": format!(r"{before}({})\b", words.join("|")) })
}

/// What stands on one line between what it begins with, of which the last is a quote, and such a quote,
/// with its escapes.
fn quoted(scope: &str, quote: &str) -> Value {
    let escapes = json!({
        "name": "constant.character.escape.vasm",
        "match": r#"\\(x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]+\}|[nrt0\\"'])"#,
    });
    json!({
        "name": scope,
        "begin": quote,
        "end": format!("{}|$", &quote[quote.len() - 1..]),
        "patterns": [escapes],
    })
}
