//! `hotvm explain`

use super::{EXIT_STATUS, output, report::Report};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use hotvm::diagnostics::Code;

/// Tells what an error code means and what to do.
#[derive(Args)]
#[command(after_help = format!("\
Example:
  hotvm explain E0401

{EXIT_STATUS}"))]
pub(super) struct Explain {
    /// The code; all of them when left out
    #[arg(ignore_case = true, hide_possible_values = true, value_parser = codes())]
    code: Option<Code>,
}

fn codes() -> impl TypedValueParser<Value = Code> {
    PossibleValuesParser::new(Code::ALL.iter().map(|code| code.name()))
        .map(|name| Code::from_name(&name).expect("clap accepts only the codes of the table"))
}

impl Explain {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let text = match self.code {
            Some(code) => format!("{code}: {}\n\n{}", code.title(), unindented(code.explanation())),
            None => Code::ALL.iter().map(|code| format!("{code}  {}\n", code.title())).collect(),
        };
        output::write(None, text.as_bytes(), false, report)
    }
}

/// Doc comments keep the space behind their slashes.
fn unindented(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}
