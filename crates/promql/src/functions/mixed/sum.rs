//! Sums and averages of histograms.

use stonechat_model::{Histogram, HistogramSum, MixedSchemas, ResetHint};

use crate::evaluation::MixedWindow;
use crate::functions::histogram_mean::HistogramMean;
use crate::functions::remarks::{Operation, Remarks};

/// What was seen of counters on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hints {
    reset: bool,
    not_reset: bool,
}

impl Hints {
    pub fn see(&mut self, histogram: &Histogram) {
        self.reset |= histogram.reset_hint == ResetHint::Reset;
        self.not_reset |= histogram.reset_hint == ResetHint::NotReset;
    }

    pub const fn collide(self) -> bool {
        self.reset && self.not_reset
    }
}

pub(super) fn sum(window: &MixedWindow<'_>, remarks: Remarks<'_>) -> Option<Histogram> {
    let ((_, first), rest) = window.histograms.split_first()?;
    let mut sum = HistogramSum::new(first);
    fold(window, remarks, || {
        let mut reconciled = false;
        for (_, histogram) in rest {
            reconciled |= sum.add(histogram)?.bounds_reconciled;
        }
        Ok(reconciled)
    })?;
    Some(sum.finish())
}

pub(super) fn average(window: &MixedWindow<'_>, remarks: Remarks<'_>) -> Option<Histogram> {
    let ((_, first), rest) = window.histograms.split_first()?;
    let mut mean = HistogramMean::new(first);
    fold(window, remarks, || {
        let mut reconciled = false;
        for (_, histogram) in rest {
            reconciled |= mean.add(histogram)?.bounds_reconciled;
        }
        Ok(reconciled)
    })?;
    Some(mean.finish())
}

/// Adds everything up and remarks on what happened.
fn fold(
    window: &MixedWindow<'_>,
    remarks: Remarks<'_>,
    add_all: impl FnOnce() -> Result<bool, MixedSchemas>,
) -> Option<()> {
    let mut hints = Hints::default();
    for (_, histogram) in window.histograms {
        hints.see(histogram);
    }
    let Ok(reconciled) = add_all() else {
        remarks.mixed_schemas();
        return None;
    };
    if hints.collide() {
        remarks.hints_collide(Operation::Aggregation);
    }
    if reconciled {
        remarks.bounds_reconciled(Operation::Aggregation);
    }
    Some(())
}
