//! What became of the samples of a request.

use stonechat_model::{AppendError, Appended};

use super::refusal::{Reason, Refusal};

/// What was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Samples with floats.
    pub samples: usize,
    /// Samples of native histograms.
    pub histograms: usize,
    /// Exemplars.
    pub exemplars: usize,
}

/// Counts over all batches of a request.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) written: Written,
    pub(super) out_of_order: usize,
    pub(super) duplicate: usize,
    pub(super) too_old: usize,
    /// From too far in the future.
    pub(super) ahead: usize,
    /// Series whose labels cannot be, and what is wrong with the first.
    pub(super) bad_series: (usize, Option<String>),
    /// Samples of series that the store's limit refused.
    pub(super) over_limit: usize,
    /// Native histograms that cannot be, and what is wrong with the first.
    pub(super) bad_histograms: (usize, Option<String>),
}

impl Outcome {
    /// Adds what became of a batch, in which are histograms only or none.
    pub(super) fn add(&mut self, appended: &Appended, of_histograms: bool) {
        if of_histograms {
            self.written.histograms += appended.accepted;
        } else {
            self.written.samples += appended.accepted;
        }
        self.out_of_order += appended.out_of_order;
        self.duplicate += appended.duplicate;
        self.too_old += appended.too_old;
    }

    pub(super) fn add_bad_series(&mut self, reason: &dyn std::fmt::Display) {
        self.bad_series.0 += 1;
        self.bad_series.1.get_or_insert_with(|| reason.to_string());
    }

    /// The store cannot go on: what the sender is told, who sends everything again.
    pub(super) fn failed(&self, error: &AppendError) -> Refusal {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Refusal {
            written: self.written,
            ..Refusal::new(Reason::Store, message)
        }
    }

    /// What the sender is told.
    pub(super) fn answer(self) -> Result<Written, Refusal> {
        let first = |what: &str, (count, reason): (usize, Option<String>)| {
            let reason = reason.unwrap_or_default();
            (count, format!("{what}: {reason}"))
        };
        let refused = [
            (self.out_of_order, "out of order sample".to_owned()),
            (self.duplicate, "duplicate sample for timestamp".to_owned()),
            (self.too_old, "out of bounds: too old sample".to_owned()),
            (
                self.ahead,
                "out of bounds: sample is too far in the future".to_owned(),
            ),
            first("invalid series", self.bad_series),
            first("invalid histogram", self.bad_histograms),
            (
                self.over_limit,
                "the store's limit of series is reached".to_owned(),
            ),
        ];
        let told: Vec<String> = refused
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what} ({count})"))
            .collect();
        if told.is_empty() {
            return Ok(self.written);
        }
        let stored = self.written.samples + self.written.histograms;
        let message = format!("{}; {stored} other samples are stored", told.join("; "));
        Err(Refusal {
            written: self.written,
            ..Refusal::new(Reason::Samples, message)
        })
    }
}
