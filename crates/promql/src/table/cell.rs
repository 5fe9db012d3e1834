//! One value: a number, a histogram, or nothing.
//!
//! Cells are stored as floats. Two kinds of NaN that arithmetic cannot make (they are "signalling", and every operation
//! quiets them) say that there is nothing, or point at a histogram. So numbers, which nearly all cells are, cost nothing
//! more.

use std::sync::Arc;

use stonechat_model::{Histogram, STALE_NAN, is_stale};

/// "No value at this step." Stale markers never leave a selector, so their bits are free to mean something else.
pub(crate) const ABSENT: f64 = STALE_NAN;

/// The upper half of a cell that points at a histogram; the lower half says which.
const HISTOGRAM: u64 = 0x7ff4_0000;

/// What a cell holds.
#[derive(Debug, Clone)]
pub(crate) enum Cell<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
    /// A histogram that was just computed.
    Made(Arc<Histogram>),
}

pub(crate) fn is_absent(value: f64) -> bool {
    is_stale(value)
}

/// True when a cell points at a histogram.
pub(crate) fn is_histogram(value: f64) -> bool {
    value.to_bits() >> 32 == HISTOGRAM
}

/// True when a cell is a number.
pub(crate) fn is_float(value: f64) -> bool {
    !value.is_nan() || !(is_absent(value) || is_histogram(value))
}

/// A number out of a store as a cell: whatever NaN it is, it does not point anywhere.
pub(crate) fn sound(value: f64) -> f64 {
    if is_histogram(value) { f64::NAN } else { value }
}

/// Adds a histogram to a column and gives the cell that points at it.
pub(super) fn point_at(column: &mut Vec<Arc<Histogram>>, histogram: Arc<Histogram>) -> f64 {
    // A column of 2³² histograms is far beyond every limit of samples.
    let Ok(index) = u32::try_from(column.len()) else {
        return ABSENT;
    };
    column.push(histogram);
    f64::from_bits(HISTOGRAM << 32 | u64::from(index))
}

impl<'a> Cell<'a> {
    /// What a stored value means.
    pub fn of(value: f64, histograms: &'a [Arc<Histogram>]) -> Option<Self> {
        if !value.is_nan() {
            return Some(Self::Float(value));
        }
        if is_absent(value) {
            return None;
        }
        if is_histogram(value) {
            let index = (value.to_bits() & u64::from(u32::MAX)).try_into().ok();
            let histogram = index.and_then(|index: usize| histograms.get(index))?;
            return Some(Self::Histogram(histogram));
        }
        Some(Self::Float(value))
    }

    pub fn histogram(&self) -> Option<&Arc<Histogram>> {
        match self {
            Self::Float(_) => None,
            Self::Histogram(histogram) => Some(histogram),
            Self::Made(histogram) => Some(histogram),
        }
    }

    /// The cell with its own hold on the histogram.
    pub fn owned(&self) -> Cell<'static> {
        match self {
            Self::Float(value) => Cell::Float(*value),
            Self::Histogram(histogram) => Cell::Made(Arc::clone(histogram)),
            Self::Made(histogram) => Cell::Made(Arc::clone(histogram)),
        }
    }
}

impl From<Histogram> for Cell<'_> {
    fn from(histogram: Histogram) -> Self {
        Self::Made(Arc::new(histogram))
    }
}

/// How many samples a histogram counts for beyond its cell, by the memory that it takes (as in Prometheus: 16 bytes each).
pub(crate) fn histogram_weight(histogram: &Histogram) -> usize {
    const FIXED_BYTES: usize = 168;
    let words = histogram.positive.spans.len()
        + histogram.negative.spans.len()
        + histogram.positive.counts.len()
        + histogram.negative.counts.len()
        + histogram.custom_values.len();
    (FIXED_BYTES + words * 8 + 8) / 16 - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_makes_numbers_only() {
        let mut column = Vec::new();
        let cell = point_at(&mut column, Arc::default());
        assert!(is_histogram(cell) && !is_float(cell) && !is_absent(cell));
        assert!(is_float(cell + 1.0) && is_float(-f64::NAN) && is_float(ABSENT * 2.0));
        assert!(is_float(sound(cell)));
        assert!(matches!(Cell::of(cell, &column), Some(Cell::Histogram(_))));
    }
}
