//! `hotvm run --reload-on-enter`: run, wait, reload what has changed, run again.
//!
//! Standard input is shared with the program: its `READ`s take lines, and between two runs a line is
//! an Enter. So it also works from a pipe.

use super::report::Report;
use super::run::Session;
use super::status;
use hotvm::native::Reload;

/// Runs until `q` or the end of input. Gives the exit status of the last run.
pub(super) fn run_on_enter(session: &mut Session, report: &mut Report) -> u8 {
    for run in 1.. {
        let (status, _) = session.run(report);
        if status == status::INTERRUPTED {
            return status;
        }
        report.notice(format!("run {run} done; press Enter to reload and run again, q to quit"));
        match session.host.read_line() {
            Ok(Some(line)) if line.trim_ascii() != b"q" => reload(session, report),
            _ => return status,
        }
    }
    unreachable!("the loop ends with the input")
}

/// Replaces what has changed; events tell what. What cannot be replaced stays.
fn reload(session: &mut Session, report: &mut Report) {
    let outcomes = session.libraries.reload_changed();
    if outcomes.iter().all(|outcome| matches!(outcome, Ok(Reload::Unchanged { .. }))) {
        report.notice("no library has changed");
    }
}
