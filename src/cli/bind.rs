//! `hotvm bind`

use super::{EXIT_STATUS, output, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Diagnostic, visible};
use hotvm::isa::name::is_plain;
use hotvm::native::{Offer, Offered, Settings, offer};
use hotvm::syntax::literal::write_text;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The version of the JSON. It grows when a field changes its meaning or goes; new fields do not
/// change it.
const FORMAT_VERSION: u32 = 1;

/// Prints the `.lib` lines for all functions that a library exports, and why others have none. The
/// library is not loaded, so it may be one for another system.
#[derive(Args)]
#[command(after_help = format!("\
Signatures come from the library's hotvm.h manifest, BTF or DWARF. Look them over: C types do not
tell whether a pointer and a size are memory of the program (bytes).

Examples:
  hotvm bind native/libmath_ops.so >> game.vasm
  hotvm bind native/math_ops.c                built first
  hotvm bind build/math_ops.dll --json

{EXIT_STATUS}"))]
pub(super) struct Bind {
    /// The library: .so, .dll or .dylib, or a source: .c or .rs
    #[arg(value_name = "LIB")]
    library: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    library: &'a str,
    format: &'static str,
    functions: Vec<Entry<'a>>,
}

/// A function: with `lib` and `signature`, or else with `not_bound`, which says why.
#[derive(Serialize)]
struct Entry<'a> {
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lib: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_bound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declaration: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}

impl Bind {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let name = as_named(&self.library);
        let offered = settings(&self.library).and_then(|settings| offer(&name, &settings));
        let offer = match offered {
            Ok(offer) => offer,
            Err(diagnostic) => {
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        report.errors(&offer.warnings);
        let text = match self.json {
            true => json(&name, &offer),
            false => visible(&lines(&name, &offer)).into_owned(),
        };
        output::write(None, text.as_bytes(), false, report)
    }
}

/// The library as a `.lib` line of a program in the current folder names it: with a `/`, since a name
/// without one is searched.
fn as_named(library: &Path) -> String {
    let name = library.display().to_string();
    if name.contains('/') { name } else { format!("./{name}") }
}

/// Who names a library on the command line allows it.
fn settings(library: &Path) -> Result<Settings, Diagnostic> {
    let real = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let folder = real.parent().unwrap_or(Path::new(".")).to_owned();
    // The folder's `hotvm.toml` tells how a source is built.
    let settings = Settings::for_program(&folder)?;
    Ok(Settings { program_dir: PathBuf::from("."), lib_dirs: vec![folder], ..settings })
}

fn lines(library: &str, offer: &Offer) -> String {
    if offer.functions.is_empty() {
        return format!("; {library} exports no functions\n");
    }
    let bound: Vec<_> = bound(library, offer).collect();
    let width = bound.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let bound = bound.iter().map(|(line, function)| match note(function) {
        Some(note) => format!("{line:width$}    ; {note}\n"),
        None => format!("{line}\n"),
    });
    let unbound = offer.functions.iter().filter_map(|function| {
        let why = function.signature.as_ref().err()?;
        let place = function.place().map(|place| format!("    ; {place}")).unwrap_or_default();
        Some(format!("; not bound: {}: {why}{place}\n", function.symbol))
    });
    bound.chain(unbound).collect()
}

/// The functions that slots can call, each with its `.lib` line.
fn bound<'a>(library: &str, offer: &'a Offer) -> impl Iterator<Item = (String, &'a Offered)> {
    let library = write_text(library.as_bytes());
    let callable = offer.functions.iter().filter_map(|f| Some((f, f.signature.as_ref().ok()?)));
    callable.enumerate().map(move |(slot, (function, signature))| {
        let symbol = match is_plain(&function.symbol) {
            true => function.symbol.clone(),
            false => write_text(function.symbol.as_bytes()),
        };
        (format!(".lib {slot} {library} {symbol} {signature}"), function)
    })
}

/// Where a signature is from.
fn note(function: &Offered) -> Option<String> {
    let by = || function.known.as_ref().map(|known| format!("by its {}", known.source));
    function.place().or_else(by)
}

fn json(library: &str, offer: &Offer) -> String {
    let mut slots = bound(library, offer);
    let functions = offer.functions.iter().map(|function| {
        let signature = function.signature.as_ref();
        let known = function.known.as_ref();
        let place = known.and_then(|known| known.place.as_ref());
        Entry {
            symbol: &function.symbol,
            lib: signature.ok().and_then(|_| slots.next()).map(|(line, _)| line),
            signature: signature.ok().map(ToString::to_string),
            not_bound: signature.err().map(String::as_str),
            declaration: known.map(|known| &*known.declaration),
            file: place.map(|(file, _)| file.display().to_string()),
            line: place.map(|(_, line)| *line),
            source: known.map(|known| known.source.to_string()),
        }
    });
    let functions = functions.collect();
    let document = Document { version: FORMAT_VERSION, library, format: offer.format, functions };
    let text = serde_json::to_string_pretty(&document);
    text.expect("strings and numbers always serialize") + "\n"
}
