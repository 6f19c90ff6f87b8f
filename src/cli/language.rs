//! The flags of the language: what a text is assembled with.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command};
use hotvm::diagnostics::{Code, Diagnostic, Severity, closest};
use hotvm::native::Config;
use hotvm::program::{IncludePath, Input};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What a text is assembled with.
#[derive(Args, Clone)]
pub(super) struct LanguageFlags {
    /// Define a constant, 1 without a value; or, by its name, make a warning an error (`warnings` for
    /// all); may be given more than once
    #[arg(short = 'D', value_name = "NAME[=VALUE]|WARNING", value_parser = define_or_deny)]
    given: Vec<Given>,
    /// Show a warning (`warnings` for all), also where none is shown by itself
    #[arg(short = 'W', long = "warn", value_name = "WARNING", value_parser = Warnings)]
    #[arg(hide_possible_values = true)]
    warn: Vec<Named>,
    /// Do not show a warning (`warnings` for all)
    #[arg(short = 'A', long = "allow", value_name = "WARNING", value_parser = Warnings)]
    #[arg(hide_possible_values = true)]
    allow: Vec<Named>,
    /// Look for included files in this folder too; may be given more than once
    #[arg(short = 'I', long = "include-dir", value_name = "DIR")]
    include_dirs: Vec<PathBuf>,
    /// Assemble this file into the program, too, as a unit with names of its own; may be given more than
    /// once
    #[arg(long = "with", value_name = "FILE")]
    units: Vec<PathBuf>,
}

/// A `-D`: no name of a constant has a hyphen, and nearly every name of a warning has.
#[derive(Clone)]
enum Given {
    Define(String, String),
    Deny(Named),
}

/// Warnings that a flag names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    All,
    One(Code),
}

impl LanguageFlags {
    /// The constants that are defined.
    pub(super) fn defines(&self) -> Vec<(String, String)> {
        let defined = |given: &Given| match given {
            Given::Define(name, value) => Some((name.clone(), value.clone())),
            Given::Deny(_) => None,
        };
        self.given.iter().filter_map(defined).collect()
    }

    /// Where a program in this folder includes texts from.
    pub(super) fn include_path(&self, folder: &Path) -> Result<IncludePath, Diagnostic> {
        let mut dirs = self.include_dirs.clone();
        dirs.extend(Config::find(folder)?.include_dirs);
        Ok(IncludePath { dirs })
    }

    /// Adds the files that belong to a program, too.
    pub(super) fn add_units(&self, input: &mut Input) -> Result<(), Diagnostic> {
        for path in &self.units {
            input.units.push(Input::read(path)?);
        }
        Ok(())
    }

    /// Whether one of them is standard input.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.units.iter().any(|path| path == Path::new("-"))
    }

    /// Whether a flag asks for warnings.
    pub(super) fn asks_for_warnings(&self) -> bool {
        !self.warn.is_empty() || self.given.iter().any(|given| matches!(given, Given::Deny(_)))
    }

    /// The warnings that are to be shown; those that are denied have become errors. What is said of
    /// one warning goes before what is said of all.
    pub(super) fn judge(&self, warnings: Vec<Diagnostic>, by_default: bool) -> Vec<Diagnostic> {
        let judged = warnings.into_iter().filter_map(|mut diagnostic| {
            let level = [Named::One(diagnostic.code), Named::All]
                .into_iter()
                .find_map(|named| self.level(named))
                .unwrap_or(if by_default { Level::Warn } else { Level::Allow });
            match level {
                Level::Deny => {
                    diagnostic.severity = Severity::Error;
                    Some(diagnostic)
                }
                Level::Warn => Some(diagnostic),
                Level::Allow => None,
            }
        });
        judged.collect()
    }

    fn level(&self, named: Named) -> Option<Level> {
        let denied = |given: &Given| matches!(given, Given::Deny(it) if *it == named);
        if self.given.iter().any(denied) {
            Some(Level::Deny)
        } else if self.warn.contains(&named) {
            Some(Level::Warn)
        } else {
            self.allow.contains(&named).then_some(Level::Allow)
        }
    }
}

#[derive(Clone, Copy)]
enum Level {
    Deny,
    Warn,
    Allow,
}

/// The name of all warnings.
const ALL: &str = "warnings";

/// The warnings with their names.
static NAMES: LazyLock<Vec<(Code, String)>> = LazyLock::new(|| Code::warnings().collect());

/// Reads the name of a warning, or its code. Shells complete the names.
#[derive(Clone)]
struct Warnings;

impl TypedValueParser for Warnings {
    type Value = Named;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Named, clap::Error> {
        StringValueParser::new().try_map(|text| named(&text)).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let one = |(code, name): &'static (Code, String)| {
            PossibleValue::new(name.as_str()).help(code.title())
        };
        let all = PossibleValue::new(ALL).help("all of them");
        Some(Box::new(NAMES.iter().map(one).chain([all])))
    }
}

fn named(text: &str) -> Result<Named, String> {
    if text == ALL {
        return Ok(Named::All);
    }
    let found = NAMES.iter().find(|(code, name)| name == text || code.name() == text);
    found.map(|(code, _)| Named::One(*code)).ok_or_else(|| {
        let all: Vec<&str> = NAMES.iter().map(|(_, name)| &**name).collect();
        match closest(text, all.iter().copied()) {
            Some(near) => format!("no warning has this name; did you mean `{near}`?"),
            None => {
                format!("no warning has this name; there are {}, and `warnings`", all.join(", "))
            }
        }
    })
}

fn define_or_deny(text: &str) -> Result<Given, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, "1"));
    // A constant may be called as a code is, but is then given a value.
    let warning = named(text);
    if warning.is_ok() || name.contains('-') {
        return warning.map(Given::Deny);
    }
    let hyphened = text.replace('_', "-");
    if named(&hyphened).is_ok() {
        return Err(format!("the warning is `{hyphened}`; `{text}=1` defines a constant"));
    }
    match hotvm::isa::name::is_plain(name) {
        true => Ok(Given::Define(name.to_owned(), value.to_owned())),
        false => Err(format!("`{name}` is no name: letters, digits and `_`")),
    }
}
