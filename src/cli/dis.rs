//! `hotvm dis`

use super::{EXIT_STATUS, libraries::NativeFlags, output, report::Report, status};
use clap::Args;
use hotvm::disassemble::disassemble;
use hotvm::program::Input;
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
}

impl Dis {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let read = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic]);
        match read.and_then(|input| NativeFlags::default().read_module(input, report)) {
            Ok((module, _)) => {
                let text = disassemble(&module).text;
                output::write(self.output.as_deref(), text.as_bytes(), false, report)
            }
            Err(diagnostics) => {
                report.errors(&diagnostics);
                status::REJECTED
            }
        }
    }
}
