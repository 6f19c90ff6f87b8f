//! `hotvm man`

use super::{Cli, EXIT_STATUS, output, report::Report, status};
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use hotvm::diagnostics::{Code, Diagnostic};
use std::path::{Path, PathBuf};

/// Prints the man page, or writes those of all subcommands into a folder.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm man | man -l -
  hotvm man ~/.local/share/man/man1

{EXIT_STATUS}"))]
pub(super) struct Man {
    /// Where to write hotvm.1, hotvm-run.1 and the others; the folder is made if need be
    folder: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        // Subcommands get their full names and the flags that all have.
        let mut command = Cli::command();
        command.build();
        let Some(folder) = self.folder else {
            return output::write(None, &page(command), false, report);
        };
        if let Err(error) = std::fs::create_dir_all(&folder) {
            let message = format!("cannot make `{}`: {error}", folder.display());
            report.error(Diagnostic::error(Code::CannotWrite, message));
            return status::REJECTED;
        }
        write_pages(command, &folder, report)
    }
}

/// Writes the pages of a command and of all its subcommands.
fn write_pages(command: clap::Command, folder: &Path, report: &mut Report) -> u8 {
    let visible = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    let subcommands: Vec<_> = visible.cloned().collect();
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    let written = output::write(Some(&path), &page(command), false, report);
    let mut rest = subcommands.into_iter().map(|command| write_pages(command, folder, report));
    if written != status::DONE {
        written
    } else {
        rest.find(|s| *s != status::DONE).unwrap_or(status::DONE)
    }
}

fn page(mut command: clap::Command) -> Vec<u8> {
    // As `--help` has it: which inputs may be repeated, and not all the flags that follow below.
    let usage = command.render_usage().to_string();
    let command = command.override_usage(usage.trim_start_matches("Usage: ").to_owned());
    let mut text = Vec::new();
    let rendered = Page::new(command).render(&mut text);
    rendered.expect("writing to memory does not fail");
    text
}
