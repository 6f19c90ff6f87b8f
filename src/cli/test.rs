//! `hotvm test`

use super::{EXIT_STATUS, engine::EngineFlag, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic};
use hotvm::tools::golden::{Outcome, Runner};
use std::io::{self, Write};
use std::path::PathBuf;

/// Runs programs and compares what they do with the expectations in their comments.
#[derive(Args)]
#[command(after_help = format!("\
Expectations, one line of output each:
  ;! stdout: Result: 15
  ;! stderr: part of a notice or message
  ;! exit: 3
  ;! error: E0203 at 4:5
and input:
  ;! args: a \"b c\"
  ;! stdin: a line
  ;! flags: --allow-system-libs

Examples:
  hotvm test asm-examples
  hotvm test game.vasm --bless                write what it does into its comments

{EXIT_STATUS}"))]
pub(super) struct Test {
    /// Programs, and folders that are searched for programs with expectations
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Rewrite the expectations to what the programs do
    #[arg(long)]
    bless: bool,
    #[command(flatten)]
    engine: EngineFlag,
}

impl Test {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let found = std::env::current_exe()
            .map_err(|e| {
                Diagnostic::error(Code::CannotRead, format!("cannot find hotvm itself: {e}"))
            })
            .and_then(|hotvm| {
                let runner = Runner { hotvm, bless: self.bless, engine: self.engine.asked() };
                Ok((runner, Runner::find(&self.paths)?))
            });
        let (runner, tests) = match found {
            Ok(found) => found,
            Err(diagnostic) => {
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        let (mut passed, mut failed) = (0, 0);
        runner.run_all(&tests, |path, outcome| {
            let line = match outcome {
                Outcome::Passed => format!("ok      {}\n", path.display()),
                Outcome::Blessed => format!("blessed {}\n", path.display()),
                Outcome::Failed(why) => format!("FAILED  {}\n{why}", path.display()),
            };
            match outcome {
                Outcome::Failed(_) => failed += 1,
                _ => passed += 1,
            }
            // Nobody reads on when the pipe is closed; the exit status still tells.
            let _ = io::stdout().lock().write_all(line.as_bytes());
        });
        let _ = writeln!(io::stdout().lock(), "{passed} passed, {failed} failed");
        if failed == 0 { status::DONE } else { status::REJECTED }
    }
}
