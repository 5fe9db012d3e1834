//! The steps at which something is evaluated.

/// `count` moments from `start` on, `step` apart, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

impl Grid {
    /// One moment.
    pub const fn instant(at: i64) -> Self {
        Self {
            start: at,
            step: 0,
            count: 1,
        }
    }

    /// From `start` on while not behind `end`. None when there is no such moment or `step` is not positive.
    pub fn new(start: i64, end: i64, step: i64) -> Option<Self> {
        let length = end.checked_sub(start)?;
        if step <= 0 || length < 0 {
            return None;
        }
        let count = usize::try_from(length / step).ok()? + 1;
        Some(Self { start, step, count })
    }

    /// The grid of the first moment alone.
    pub const fn first(self) -> Self {
        Self { count: 1, ..self }
    }

    /// A moment; `index` is less than `count`.
    #[expect(
        clippy::cast_possible_wrap,
        reason = "a grid that was built fits between two i64"
    )]
    pub const fn time(self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }

    /// The last moment.
    pub const fn end(self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }

    pub fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |index| self.time(index))
    }
}

/// Milliseconds as the seconds that queries see.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds stay exact for 285,000 years"
)]
pub(crate) fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// Seconds from one moment to another.
pub(crate) fn elapsed(from: i64, to: i64) -> f64 {
    seconds(to.saturating_sub(from))
}
