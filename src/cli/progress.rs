//! A bar or spinner on standard error for what takes longer than a second, where people watch it.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use datafolio_handlers::formats;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// How long something takes before it is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shown until it is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Dropping it ends the thread that waits for the first second to pass.
    _running: Option<Sender<()>>,
}

impl Progress {
    /// Begins; `what` says in a word or two what takes its time.
    pub(super) fn start(out: &Output, what: impl Into<String>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if !out.shows_progress() {
            return Self { bar, _running: None };
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.into());
        let (running, ended) = channel::<()>();
        let shown = bar.clone();
        std::thread::spawn(move || {
            // Nothing is ever sent: either the time passes, or the other end is dropped.
            if ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, _running: Some(running) }
    }

    /// For a file that is read.
    pub(super) fn of_file(&self) -> formats::Progress {
        let bar = self.bar.clone();
        Arc::new(move |read, total| {
            if let Some(total) = total
                && bar.length() != Some(total)
            {
                bar.set_length(total);
                let style = "{msg} {wide_bar} {percent:>3} % {eta}";
                if let Ok(style) = ProgressStyle::with_template(style) {
                    bar.set_style(style);
                }
            }
            bar.set_position(read);
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
