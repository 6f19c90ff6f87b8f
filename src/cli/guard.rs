//! The flags about crashes of native code.

use super::limits::seconds;
use super::report::Report;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use hotvm::diagnostics::{Code, Diagnostic};
use hotvm::native::{GuardMode, Libraries};
use std::time::Duration;

/// What to do when native code crashes, or does not return.
#[derive(Args, Clone, Copy)]
pub(super) struct GuardFlags {
    /// Turn crashes of native code into errors; on with --watch and --reload-on-enter, otherwise off
    #[arg(long, value_name = "WHEN")]
    guard: Option<Switch>,
    /// Interrupt native calls that take longer than this; turns the guard on
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    native_timeout: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl GuardFlags {
    /// Says what cannot be had. Flags that contradict each other end the process.
    pub(super) fn check(self, report: &Report) {
        if self.guard == Some(Switch::Off) && self.native_timeout.is_some() {
            let words = "--native-timeout needs the guard, and --guard off turns it off\n";
            clap::Error::raw(ErrorKind::ArgumentConflict, words).exit();
        }
        let is_asked_for = self.guard == Some(Switch::On) || self.native_timeout.is_some();
        if is_asked_for && !GuardMode::available() {
            let words = "native code cannot be guarded on this platform";
            report.error(Diagnostic::warning(Code::Unsupported, words));
        }
    }

    /// Sets them for a program's libraries; `live` tells whether the program is being worked on.
    pub(super) fn apply(self, libraries: &mut Libraries, live: bool) {
        let usual = live || self.native_timeout.is_some();
        libraries.set_guard(match self.guard.map_or(usual, |switch| switch == Switch::On) {
            true => GuardMode::On,
            false => GuardMode::Off,
        });
        libraries.set_native_timeout(self.native_timeout);
    }
}
