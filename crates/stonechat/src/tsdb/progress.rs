//! How far something is, for anything that takes more than a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no bar.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// A bar that appears after a second, on a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    is_shown: bool,
}

impl Progress {
    /// Begins something of `length` steps.
    pub(super) fn new(what: &'static str, length: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
        let style = "{msg} {wide_bar} {percent} %, {eta} left";
        // The template is ours, and right.
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self {
            bar,
            began: Instant::now(),
            is_shown: false,
        }
    }

    /// One more step is done.
    pub(super) fn step(&mut self) {
        self.bar.inc(1);
        if !self.is_shown && self.began.elapsed() >= SHOWN_AFTER {
            self.is_shown = true;
            // Draws nothing where standard error is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
