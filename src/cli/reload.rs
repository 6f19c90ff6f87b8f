//! `hotvm run --reload-on-enter`: run, wait, reload what has changed, run again.
//!
//! Standard input is shared with the program: its `READ`s take lines, and between two runs a line is
//! an Enter. So it also works from a pipe.

use super::report::Report;
use super::run::Session;
use hotvm::native::Reload;

/// Runs until `q` or the end of input. Gives the exit status of the last run.
pub(super) fn run_on_enter(session: &mut Session, report: &mut Report) -> u8 {
    for run in 1.. {
        let status = session.run(report);
        report.notice(format!("run {run} done; press Enter to reload and run again, q to quit"));
        match session.host.read_line() {
            Ok(Some(line)) if line.trim_ascii() != b"q" => reload(session, report),
            _ => return status,
        }
    }
    unreachable!("the loop ends with the input")
}

/// Replaces what has changed. What cannot be replaced stays, and is said.
fn reload(session: &mut Session, report: &mut Report) {
    let mut replaced = false;
    let outcomes = session.libraries.reload_changed();
    session.tell(report);
    for outcome in outcomes {
        match outcome {
            Ok(Reload::Unchanged { library }) => report.detail(format!("{library}: unchanged")),
            Ok(reload) => {
                replaced = true;
                report.notice(describe(&reload));
            }
            Err(error) => {
                replaced = true;
                let diagnostic = session.at_its_lib(error, report);
                report.error(diagnostic);
                report.notice("the library stays as it was");
            }
        }
    }
    if !replaced {
        report.notice("no library has changed");
    }
}

/// `math_ops.c: rebuilt in 38 ms, generation 2; slot 0 math_add now new`
fn describe(reload: &Reload) -> String {
    match reload {
        Reload::Unchanged { library } => format!("{library}: unchanged"),
        Reload::Replaced { library, generation, built, slots } => {
            let name = library.rsplit(['/', '\\']).next().unwrap_or(library);
            let how = match built {
                Some(time) => format!("rebuilt in {} ms", time.as_millis()),
                None => "reloaded".to_owned(),
            };
            let slots: Vec<_> =
                slots.iter().map(|(slot, symbol)| format!("slot {slot} {symbol}")).collect();
            format!("{name}: {how}, generation {generation}; {} now new", slots.join(", "))
        }
    }
}
