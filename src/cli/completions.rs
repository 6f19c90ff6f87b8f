//! `hotvm completions`

use super::{Cli, EXIT_STATUS, output, report::Report};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Prints the completions of a shell.
#[derive(Args)]
#[command(after_help = format!("\
Example:
  hotvm completions bash > ~/.local/share/bash-completion/completions/hotvm

{EXIT_STATUS}"))]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hotvm", &mut text);
        output::write(None, &text, false, report)
    }
}
