//! Everything that is not a result: diagnostics and notices, on standard error.

use super::{ErrorFormat, Global};
use clap::ColorChoice;
use hotvm::diagnostics::{Diagnostic, Severity, Sources, render_json, render_terminal, visible};
use std::io::{IsTerminal, Write};

/// How many diagnostics are shown to people at once; programs get all.
const SHOWN: usize = 20;

/// Writes to standard error what the user wants to know.
#[derive(Clone)]
pub(super) struct Report {
    /// What diagnostics point into.
    pub(super) sources: Sources,
    json: bool,
    color: bool,
    quiet: bool,
    verbose: bool,
}

impl Report {
    pub(super) fn new(global: Global) -> Report {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let color = match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !plain && std::io::stderr().is_terminal(),
        };
        Report {
            sources: Sources::new(),
            json: global.error_format == ErrorFormat::Json,
            color,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    pub(super) fn error(&self, diagnostic: Diagnostic) {
        self.errors(&[diagnostic]);
    }

    pub(super) fn errors(&self, diagnostics: &[Diagnostic]) {
        let asked = |it: &&Diagnostic| !self.quiet || it.severity == Severity::Error;
        let diagnostics: Vec<Diagnostic> = diagnostics.iter().filter(asked).cloned().collect();
        if self.json {
            let lines: String = diagnostics.iter().map(|d| render_json(d, &self.sources)).collect();
            return self.write(&lines);
        }
        let shown = &diagnostics[..diagnostics.len().min(SHOWN)];
        self.write(&render_terminal(shown, &self.sources, self.color));
        if let left @ 1.. = diagnostics.len() - shown.len() {
            self.write(&format!("\n... and {left} more; --error-format json shows all\n"));
        }
    }

    /// What happens, for people.
    pub(super) fn notice(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.write(&format!("[hotvm] {}\n", visible(text.as_ref())));
        }
    }

    /// What came of it all, for people; the JSON lines of programs have said it already.
    pub(super) fn summary(&self, text: impl AsRef<str>) {
        if !self.json {
            self.notice(text);
        }
    }

    /// What only those want to know who ask for it.
    pub(super) fn detail(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.notice(text);
        }
    }

    /// Whether somebody looks on who wants to know how far things are.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// There is nobody left to tell when standard error is closed.
    fn write(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}
