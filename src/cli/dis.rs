//! `hotvm dis`

use super::{EXIT_STATUS, libraries::NativeFlags, output, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic, Position, SourceId, closest, visible};
use hotvm::disassemble::to_text;
use hotvm::engine::list_lowered;
use hotvm::isa::name::spelled;
use hotvm::program::Input;
use hotvm::tools::inspect::{Inspector, Summary, to_dot, to_json, to_listing};
use std::path::PathBuf;

/// Writes a program as text, which assembles to the same bytes (that of stripped bytecode with
/// `asm --strip`), or shows what is inside. The program need not be one that can be run: the views show
/// where it is wrong.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm dis game.vbc -o game.vasm
  hotvm dis game.vbc --listing                offset, bytes, instruction, stack before -> after, line
  hotvm dis game.vasm --listing -f move       of one function
  hotvm dis main.vasm --with ai.vasm --json   of a program of two files
  hotvm dis game.vasm --cfg | dot -Tsvg > game.svg

{EXIT_STATUS}"))]
pub(super) struct Dis {
    /// The program, text or bytecode; standard input for `-` or nothing
    #[arg(default_value = "-")]
    input: PathBuf,
    /// Where to write the text; standard output for `-` or nothing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    view: View,
    /// Only this function; may be given more than once
    #[arg(short, long, value_name = "NAME", requires = "view")]
    function: Vec<String>,
    #[command(flatten)]
    native: NativeFlags,
}

/// How to show a program, if not as text that can be assembled.
#[derive(Args)]
#[group(id = "view", multiple = false)]
struct View {
    /// Show each instruction with its offset and bytes, the stack before and after it, and its line
    #[arg(long)]
    listing: bool,
    /// Print the same, and what `hotvm info` tells, as one JSON object
    #[arg(long)]
    json: bool,
    /// Print the control flow as a graph for Graphviz
    #[arg(long)]
    cfg: bool,
    /// Show the register code that the fast interpreter makes of the program, which must pass
    /// verification: each instruction behind its number and that of the bytecode instruction
    #[arg(long)]
    lowered: bool,
}

impl Dis {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        match self.text(report) {
            Ok(text) => output::write(self.output.as_deref(), text.as_bytes(), false, report),
            Err(diagnostics) => {
                report.errors(&diagnostics);
                status::REJECTED
            }
        }
    }

    fn text(&self, report: &mut Report) -> Result<String, Vec<Diagnostic>> {
        let input = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic])?;
        let View { listing, json, cfg, lowered } = self.view;
        if lowered {
            return self.lowered(input, report);
        }
        let (origin, module, source) = self.native.read_module(input, report)?;
        if !(listing || json || cfg) {
            return Ok(to_text(&module));
        }
        let mut inspector = Inspector::new(&module);
        let functions = self.functions(&inspector, source)?;
        Ok(if listing {
            to_listing(&mut inspector, &functions, source, &mut report.sources)
        } else if cfg {
            to_dot(&mut inspector, &functions)
        } else {
            let summary = Summary::new(&mut inspector, origin);
            to_json(&mut inspector, &summary, &functions, source, &mut report.sources)
        })
    }

    /// The register code of functions.
    fn lowered(&self, input: Input, report: &mut Report) -> Result<String, Vec<Diagnostic>> {
        let program = self.native.load(input, report)?;
        let inspector = Inspector::new(program.verified.module());
        let functions = self.functions(&inspector, program.places.source())?;
        let list = |function| {
            let name = program.verified.module().function_name(function);
            format!("{name}:\n{}", list_lowered(&program.verified, function))
        };
        Ok(visible(&functions.into_iter().map(list).collect::<Vec<_>>().join("\n")).into_owned())
    }

    /// The functions to show, all unless some are named.
    fn functions(
        &self,
        inspector: &Inspector,
        source: SourceId,
    ) -> Result<Vec<u32>, Vec<Diagnostic>> {
        if self.function.is_empty() {
            return Ok((0..inspector.names().count() as u32).collect());
        }
        let number = |wanted: &String| {
            let found = inspector
                .names()
                .position(|name| name == wanted || spelled(name) == *wanted)
                .map(|at| at as u32);
            found.ok_or_else(|| {
                let near = closest(wanted, inspector.names());
                let message = format!("the program has no function `{wanted}`");
                vec![
                    Diagnostic::error(Code::UnknownName, message)
                        .at(source, Position::Whole, "")
                        .maybe_help(near.map(|near| format!("did you mean `{}`?", spelled(near)))),
                ]
            })
        };
        self.function.iter().map(number).collect()
    }
}
