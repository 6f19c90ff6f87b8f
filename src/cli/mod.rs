//! One file a subcommand: it reads its flags, calls the library, prints, and chooses the exit status.
//!
//! Only this room prints to the terminal or knows clap. Results go to standard output, everything
//! else to standard error; a pipe that nobody reads any more ends the command silently.

mod asm;
mod bind;
mod build;
mod check;
mod completions;
mod dis;
mod ending;
mod engine;
mod events;
mod explain;
mod fmt;
mod guard;
mod info;
mod language;
mod libraries;
mod limits;
mod man;
mod new;
mod observe;
mod output;
mod progress;
mod reload;
mod report;
mod run;
mod test;
mod watch;

use clap::{Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use hotvm::native::end_compilers;
use std::ffi::OsString;
use std::process::ExitCode;

/// The exit statuses, as every `--help` tells them.
pub mod status {
    /// Done.
    pub const DONE: u8 = 0;
    /// The input was rejected.
    pub const REJECTED: u8 = 1;
    /// Wrong usage; clap's own.
    pub const USAGE: u8 = 2;
    /// The program trapped.
    pub const TRAPPED: u8 = 3;
    /// A library could not be bound.
    pub const UNBOUND: u8 = 4;
    /// Ctrl-C ended it: 128 and the number of the signal, as shells have it.
    pub const INTERRUPTED: u8 = 130;
}

const EXIT_STATUS: &str = "\
Exit status: 0 done; 1 the input was rejected; 2 wrong usage; 3 the program trapped;
             4 a library could not be bound; 130 Ctrl-C; a program's EXIT n gives n.";

/// An assembler and bytecode VM whose native functions can be replaced while a program runs.
#[derive(Parser)]
#[command(name = "hotvm", version, after_help = EXIT_STATUS)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every subcommand understands.
#[derive(Args, Clone, Copy)]
struct Global {
    /// Colours in messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// The form of error messages: for people, or JSON lines for programs
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    error_format: ErrorFormat,
    /// No notices and no warnings, only errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// More notices
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ErrorFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Assemble a program to bytecode
    Asm(asm::Asm),
    /// Run a program, text or bytecode
    Run(run::Run),
    /// Compile a program to an executable or a library
    Build(build::Build),
    /// Prove programs without running them
    Check(check::Check),
    /// Lay program text out in its canonical way
    Fmt(fmt::Fmt),
    /// Turn a program back into text
    Dis(dis::Dis),
    /// Sum up a program on one screen
    Info(info::Info),
    /// Print the `.lib` lines for all that a library exports
    Bind(bind::Bind),
    /// Run programs and compare what they do with the expectations in their comments
    Test(test::Test),
    /// Make a project
    New(new::New),
    /// Explain an error code
    Explain(explain::Explain),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print the man page, or write those of all subcommands
    Man(man::Man),
}

/// Reads the arguments. What is wrong with them, and help, is in the colours that they ask for.
fn parse() -> Cli {
    let parser = Cli::command().color(color_of(std::env::args_os()));
    Cli::from_arg_matches(&parser.get_matches()).unwrap_or_else(|error| error.exit())
}

/// The `--color` of arguments that may not be such as can be read.
fn color_of(args: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut args = args.map_while(|arg| arg.into_string().ok().filter(|arg| arg != "--"));
    let mut value = None;
    while let (None, Some(arg)) = (&value, args.next()) {
        value = match arg.strip_prefix("--color") {
            Some("") => args.next(),
            Some(joined) => joined.strip_prefix('=').map(str::to_owned),
            None => None,
        };
    }
    value.and_then(|value| value.parse().ok()).unwrap_or(ColorChoice::Auto)
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let Cli { global, command } = parse();
    let mut report = report::Report::new(global);
    let status = match command {
        Command::Asm(it) => it.run(&mut report),
        Command::Run(it) => it.run(&mut report),
        Command::Build(it) => it.run(&mut report),
        Command::Check(it) => it.run(&mut report),
        Command::Fmt(it) => it.run(&mut report),
        Command::Dis(it) => it.run(&mut report),
        Command::Info(it) => it.run(&mut report),
        Command::Bind(it) => it.run(&mut report),
        Command::Test(it) => it.run(&mut report),
        Command::New(it) => it.run(&mut report),
        Command::Explain(it) => it.run(&mut report),
        Command::Completions(it) => it.run(&mut report),
        Command::Man(it) => it.run(&mut report),
    };
    end_compilers();
    ExitCode::from(status)
}
