//! `hotvm asm`

use super::{EXIT_STATUS, libraries::NativeFlags, output, report::Report, status};
use clap::Args;
use hotvm::diagnostics::Sources;
use hotvm::module::encode;
use hotvm::program::Input;
use std::path::PathBuf;

/// Assembles a program, proves it, and writes its bytecode.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm asm game.vasm -o game.vbc
  hotvm asm main.vasm ai.vasm -o game.vbc     several files, which share their .public names
  hotvm asm game.vbc --strip -o small.vbc     bytecode is taken as well
  cat game.vasm | hotvm asm > game.vbc

{EXIT_STATUS}"))]
pub(super) struct Asm {
    /// The program, one file or more, each with names of its own; standard input for `-` or nothing
    #[arg(value_name = "INPUT", default_value = "-")]
    inputs: Vec<PathBuf>,
    /// Where to write the bytecode; standard output for `-` or nothing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out names and the source map
    #[arg(long)]
    strip: bool,
    #[command(flatten)]
    native: NativeFlags,
}

impl Asm {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let input = match Input::read_all(&self.inputs) {
            Ok(input) => input,
            Err(diagnostic) => {
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        let was_bytecode = input.is_bytecode();
        let program = match self.native.load_with_warnings(input, report) {
            Ok(program) => program,
            Err(diagnostics) => {
                report.errors(&diagnostics);
                return status::REJECTED;
            }
        };
        let bytes = if self.strip {
            let mut module = program.verified.module().clone();
            module.strip();
            encode(&module)
        } else {
            encode(program.verified.module())
        };
        let functions = program.verified.module().functions.len();
        report.detail(format!("{functions} functions, {} bytes", bytes.len()));
        if was_bytecode {
            // It may be overwritten by itself, as by `strip`.
            report.sources = Sources::new();
        }
        let status = output::write(self.output.as_deref(), &bytes, true, report);
        // The process ends here, which frees memory faster than piece by piece.
        std::mem::forget(program);
        status
    }
}
