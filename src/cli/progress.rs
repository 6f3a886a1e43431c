//! A bar or spinner on standard error for what takes longer than a second, where people watch it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use datafolio_handlers::formats;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// How long something takes before it is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often what is shown changes.
const TICK: Duration = Duration::from_millis(100);

/// Shown until it is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Dropping it ends the thread that shows the bar.
    _running: Option<Sender<()>>,
}

impl Progress {
    /// Begins; `what` says in a word or two what takes its time. How long it will take is not known.
    pub(super) fn start(out: &Output, what: impl Into<String>) -> Self {
        Self::run(out, what.into(), None, |_| {})
    }

    /// Begins, where the bytes that were handled can be counted, and how many there will be is known or estimated. What was
    /// counted before does not count.
    pub(super) fn of_bytes(
        out: &Output,
        what: impl Into<String>,
        total: Option<u64>,
        done: impl Fn() -> u64 + Send + 'static,
    ) -> Self {
        let mut counter = Counter::new(total, done);
        Self::run(out, what.into(), total, move |bar| counter.show(bar))
    }

    /// Begins, where it can perhaps be told how much of it is done, in percent.
    pub(super) fn of_share(
        out: &Output,
        what: impl Into<String>,
        percent: impl Fn() -> Option<f64> + Send + 'static,
    ) -> Self {
        Self::run(out, what.into(), None, move |bar| {
            let Some(percent) = percent().filter(|percent| *percent > 0.0) else { return };
            if bar.length().is_none() {
                bar.set_length(100);
                set_style(bar, PERCENT);
            }
            // An estimate that gets lower would only confuse.
            bar.set_position(bar.position().max(percent.min(100.0) as u64));
        })
    }

    /// Begins, where the words for what takes its time change while it goes on.
    #[cfg(feature = "sql")]
    pub(super) fn of_words(out: &Output, words: impl Fn() -> String + Send + 'static) -> Self {
        Self::run(out, words(), None, move |bar| bar.set_message(words()))
    }

    fn run(
        out: &Output,
        what: String,
        total: Option<u64>,
        mut show: impl FnMut(&ProgressBar) + Send + 'static,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if !out.shows_progress() {
            return Self { bar, _running: None };
        }
        set_style(&bar, style(total, false));
        bar.set_message(what);
        let (running, ended) = channel::<()>();
        let shown = bar.clone();
        std::thread::spawn(move || {
            // Nothing is ever sent: either the time passes, or the other end is dropped.
            let goes_on = |time| ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if !goes_on(PATIENCE) {
                return;
            }
            shown.set_draw_target(ProgressDrawTarget::stderr());
            loop {
                show(&shown);
                shown.tick();
                if !goes_on(TICK) {
                    return;
                }
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
                set_style(&bar, style(Some(total), true));
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

/// The bytes that were handled since the progress began.
struct Counter {
    total: Option<u64>,
    done: Box<dyn Fn() -> u64 + Send>,
    before: u64,
    /// Whether any were: a file may be looked over as a whole before the first of them, and a bar would stand still.
    has_begun: bool,
}

impl Counter {
    fn new(total: Option<u64>, done: impl Fn() -> u64 + Send + 'static) -> Self {
        let before = done();
        Self { total, done: Box::new(done), before, has_begun: false }
    }

    fn show(&mut self, bar: &ProgressBar) {
        let done = capped((self.done)().saturating_sub(self.before), self.total);
        if done > 0 && !self.has_begun {
            self.has_begun = true;
            set_style(bar, style(self.total, true));
            bar.reset_eta();
        }
        bar.set_position(done);
    }
}

/// What is shown where it is known how much is done.
const PERCENT: &str = "{msg} {wide_bar} {pos} % {elapsed}";

/// What is shown: a bar where the end is known, else a spinner, with the bytes where they are counted.
fn style(total: Option<u64>, is_counted: bool) -> &'static str {
    match (total, is_counted) {
        (Some(_), true) => "{msg} {wide_bar} {bytes} of {total_bytes} {eta}",
        (None, true) => "{spinner} {msg} {bytes} {elapsed}",
        (_, false) => "{spinner} {msg} {elapsed}",
    }
}

fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// An estimate of the end may be too low, and a bar cannot be fuller than full.
fn capped(done: u64, total: Option<u64>) -> u64 {
    done.min(total.unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn every_style_can_be_drawn() {
        for total in [None, Some(1)] {
            for is_counted in [false, true] {
                assert!(ProgressStyle::with_template(style(total, is_counted)).is_ok());
            }
        }
        assert!(ProgressStyle::with_template(PERCENT).is_ok());
        assert_eq!((capped(7, Some(5)), capped(3, Some(5)), capped(7, None)), (5, 3, 7));
    }

    #[test]
    fn bytes_count_from_where_the_progress_began() {
        let written = Arc::new(AtomicU64::new(70));
        let count = Arc::clone(&written);
        let mut counter = Counter::new(Some(100), move || count.load(Ordering::Relaxed));
        let bar = ProgressBar::hidden();
        counter.show(&bar);
        assert_eq!((bar.position(), counter.has_begun), (0, false));
        for (more, shown) in [(30, 30), (60, 90), (60, 100)] {
            written.fetch_add(more, Ordering::Relaxed);
            counter.show(&bar);
            assert_eq!((bar.position(), counter.has_begun), (shown, true));
        }
    }

    /// Where nobody watches, nothing is shown and no thread is started.
    #[test]
    fn programs_see_no_bar() {
        let progress = Progress::of_bytes(&Output::json_only(), "x", Some(1), || 1);
        assert!(progress._running.is_none() && progress.bar.is_hidden());
    }
}
