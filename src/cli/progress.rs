//! A sign of life on a terminal, for what takes longer than a second.

use super::report::Report;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long something may take before it is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the sign moves.
const TICK: Duration = Duration::from_millis(100);

/// Something is being done for as long as this lives.
pub(super) struct Progress {
    /// Dropped to end the thread that shows it.
    done: Option<Sender<()>>,
    shown_by: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins something, which is shown when it takes long and somebody can see it.
    pub(super) fn begin(what: String, report: &Report) -> Progress {
        if !report.shows_progress() {
            return Progress { done: None, shown_by: None };
        }
        let (done, wait) = mpsc::channel();
        let shown_by = thread::spawn(move || {
            if wait.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style);
            bar.set_message(what);
            while wait.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Progress { done: Some(done), shown_by: Some(shown_by) }
    }
}

impl Drop for Progress {
    /// Waits until nothing is shown any more, so that messages do not run into it.
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.shown_by.take() {
            // A thread that cannot show something has nothing to take back either.
            let _ = thread.join();
        }
    }
}
