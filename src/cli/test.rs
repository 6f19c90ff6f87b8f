//! `hotvm test`

use super::{EXIT_STATUS, engine::EngineFlag, output, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic};
use hotvm::tools::golden::{Outcome, Runner};
use std::path::PathBuf;

/// Runs programs and compares what they do with the expectations in their comments.
#[derive(Args)]
#[command(after_help = format!("\
Expectations, each a comment on a line of its own, for one line of output:
  ;! stdout: Result: 15
  ;! stderr: part of a notice or message
  ;! exit: 3
  ;! error: E0203 at 4:5
and input, in the same way:
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
        let (mut passed, mut failed, mut written) = (0, 0, Ok(()));
        let mut write = |line: String| {
            if written.is_ok() {
                written = output::write_stdout(line.as_bytes());
            }
        };
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
            write(line);
        });
        write(format!("{passed} passed, {failed} failed\n"));
        match written {
            Ok(()) if failed == 0 => status::DONE,
            Ok(()) => status::REJECTED,
            Err(diagnostic) => {
                report.error(diagnostic);
                status::REJECTED
            }
        }
    }
}
