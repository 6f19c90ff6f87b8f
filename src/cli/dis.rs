//! `hotvm dis`

use super::{EXIT_STATUS, libraries::NativeFlags, output, report::Report, status};
use clap::Args;
use hotvm::disassemble::disassemble;
use hotvm::engine::list_lowered;
use hotvm::program::Input;
use hotvm::verify::Verified;
use std::path::PathBuf;

/// Writes a program as text, which assembles to the same bytes. It need not pass verification.
#[derive(Args)]
#[command(after_help = format!("\
Example:
  hotvm dis game.vbc -o game.vasm

{EXIT_STATUS}"))]
pub(super) struct Dis {
    /// The program; standard input for `-` or nothing
    #[arg(default_value = "-")]
    input: PathBuf,
    /// Where to write the text; standard output for `-` or nothing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the register code that the fast interpreter makes of the program, which must pass
    /// verification: each instruction behind its number and that of the bytecode instruction
    #[arg(long)]
    lowered: bool,
}

impl Dis {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let read = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic]);
        let text = read.and_then(|input| match self.lowered {
            true => NativeFlags::default().load(input, report).map(|it| lowered(&it.verified)),
            false => {
                let (module, _) = NativeFlags::default().read_module(input, report)?;
                Ok(disassemble(&module).text)
            }
        });
        match text {
            Ok(text) => output::write(self.output.as_deref(), text.as_bytes(), false, report),
            Err(diagnostics) => {
                report.errors(&diagnostics);
                status::REJECTED
            }
        }
    }
}

/// The register code of all functions.
fn lowered(program: &Verified) -> String {
    let functions = 0..program.module().functions.len() as u32;
    let listing = |function| {
        let name = program.module().function_name(function);
        format!("{name}:\n{}", list_lowered(program, function))
    };
    functions.map(listing).collect::<Vec<_>>().join("\n")
}
