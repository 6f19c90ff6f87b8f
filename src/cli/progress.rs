//! A bar on a terminal, for what takes longer than a second: of the bytes of text that are read, and
//! where these are not counted or not what takes long, a sign of life.

use super::report::Report;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long something may take before it is told.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often what is shown changes.
const TICK: Duration = Duration::from_millis(100);

const SIGN: &str = "{spinner} {msg} ({elapsed})";
const BAR: &str = "{msg} [{bar:30}] {bytes}/{total_bytes} ({elapsed})";

/// Something is being done for as long as this lives.
pub(super) struct Progress {
    position: Arc<AtomicU64>,
    /// Dropped to end the thread that shows it.
    done: Option<Sender<()>>,
    shown_by: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins something that reads so many bytes, which is shown when it takes long and somebody can see
    /// it.
    pub(super) fn begin(what: String, total: u64, report: &Report) -> Progress {
        let position = Arc::new(AtomicU64::new(0));
        if !report.shows_progress() {
            return Progress { position, done: None, shown_by: None };
        }
        let (done, wait) = mpsc::channel();
        let read = Arc::clone(&position);
        let shown_by = thread::spawn(move || {
            let goes_on = |time| wait.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if !goes_on(PATIENCE) {
                return;
            }
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
                .with_elapsed(PATIENCE);
            bar.set_message(what);
            let mut shown = "";
            while goes_on(TICK) {
                let position = read.load(Ordering::Relaxed);
                let form = form(position, total);
                if form != shown {
                    shown = form;
                    let style = ProgressStyle::with_template(form);
                    bar.set_style(style.expect("the templates are right"));
                }
                bar.set_position(position);
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Progress { position, done: Some(done), shown_by: Some(shown_by) }
    }

    /// Where to tell how many bytes are read.
    pub(super) fn position(&self) -> &AtomicU64 {
        &self.position
    }
}

/// What is shown: before the first bytes and behind the last, something else takes the time.
fn form(position: u64, total: u64) -> &'static str {
    if position == 0 || position >= total { SIGN } else { BAR }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_shown_while_bytes_are_read_and_each_form_can_be_drawn() {
        assert_eq!([form(0, 9), form(1, 9), form(8, 9), form(9, 9)], [SIGN, BAR, BAR, SIGN]);
        assert_eq!(form(0, 0), SIGN);
        assert!([SIGN, BAR].into_iter().all(|form| ProgressStyle::with_template(form).is_ok()));
    }
}
