//! `hotvm explain`

use super::{EXIT_STATUS, output, report::Report};
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, Error, error::ErrorKind};
use hotvm::diagnostics::{Code, closest};
use std::ffi::OsStr;
use std::sync::LazyLock;

/// Tells what an error code or a warning means, what to do, and an example.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm explain E0401
  hotvm explain unused-label

{EXIT_STATUS}"))]
pub(super) struct Explain {
    /// The code, or the name of a warning; all of them when left out
    #[arg(hide_possible_values = true, value_parser = CodeParser)]
    code: Option<Code>,
}

/// Takes codes in any case, and warnings by their names.
#[derive(Clone)]
struct CodeParser;

impl TypedValueParser for CodeParser {
    type Value = Code;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, given: &OsStr) -> Result<Code, Error> {
        let given = StringValueParser::new().parse_ref(cmd, arg, given)?;
        Code::from_name(&given).ok_or_else(|| {
            let help = match closest(&given, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`hotvm explain` lists them all".to_owned(),
            };
            let given = given.escape_debug();
            let message = format!("there is no code or warning `{given}`; {help}\n");
            Error::raw(ErrorKind::InvalidValue, message).with_cmd(cmd)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().map(PossibleValue::new)))
    }
}

/// All that can be asked for.
fn names() -> impl Iterator<Item = &'static str> {
    static WARNINGS: LazyLock<Vec<String>> =
        LazyLock::new(|| Code::warnings().map(|(_, name)| name).collect());
    Code::ALL.iter().map(|code| code.name()).chain(WARNINGS.iter().map(|name| &**name))
}

impl Explain {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let text = match self.code {
            Some(code) => code.in_full(),
            None => Code::ALL.iter().map(|code| line(*code)).collect(),
        };
        output::write(None, text.as_bytes(), false, report)
    }
}

/// A code in the list of all.
fn line(code: Code) -> String {
    match code.warning_name() {
        Some(name) => format!("{code}  {} ({name})\n", code.title()),
        None => format!("{code}  {}\n", code.title()),
    }
}
