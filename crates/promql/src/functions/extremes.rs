//! The least and the greatest value of a window that moves forward: each sample is looked at a fixed number of times, however
//! long windows are and however many overlap.

use std::collections::VecDeque;

use super::Function;
use crate::evaluation::Window;

/// Carries from window to window of one series which samples may still be the best.
pub(super) struct Extremes {
    /// Whether a value is better than another, which no value is than NaN or itself.
    better: fn(f64, f64) -> bool,
    /// Positions in the series with their values, the best first. Behind it stands what is best once it has left the window;
    /// of equal values the first comes first.
    candidates: VecDeque<(usize, f64)>,
    /// The position behind the last sample that was looked at.
    seen: usize,
}

impl Extremes {
    /// For a function that looks for the best value.
    pub fn of(function: Function) -> Option<Self> {
        let better = match function {
            Function::MinOverTime => |new, old| new < old,
            Function::MaxOverTime => |new, old| new > old,
            _ => return None,
        };
        Some(Self {
            better,
            candidates: VecDeque::new(),
            seen: 0,
        })
    }

    /// The best value of the next window; NaN only when there is nothing else.
    pub fn next(&mut self, window: &Window<'_>) -> Option<f64> {
        let first = window.first;
        let fresh = self.seen.saturating_sub(first).min(window.values.len());
        for (position, &value) in (first..).zip(window.values).skip(fresh) {
            if value.is_nan() {
                continue;
            }
            while let Some((_, worst)) = self.candidates.back()
                && (self.better)(value, *worst)
            {
                self.candidates.pop_back();
            }
            self.candidates.push_back((position, value));
        }
        self.seen = first + window.values.len();
        while let Some((position, _)) = self.candidates.front()
            && *position < first
        {
            self.candidates.pop_front();
        }
        match self.candidates.front() {
            Some((_, best)) => Some(*best),
            None => window.values.last().copied(),
        }
    }
}
