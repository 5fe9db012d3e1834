//! A row while it is built.

use std::sync::Arc;

use stonechat_model::Histogram;

use super::cell::{ABSENT, Cell, point_at};

/// The cells of one row, and the histograms that they point at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cells {
    values: Vec<f64>,
    histograms: Vec<Arc<Histogram>>,
}

impl Cells {
    /// `count` gaps.
    pub fn gaps(count: usize) -> Self {
        Self {
            values: vec![ABSENT; count],
            histograms: Vec::new(),
        }
    }

    /// Makes it `count` gaps, keeping the memory.
    pub fn reset(&mut self, count: usize) {
        self.values.clear();
        self.values.resize(count, ABSENT);
        self.histograms.clear();
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The cells, to write numbers into.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    pub fn histograms(&self) -> &[Arc<Histogram>] {
        &self.histograms
    }

    pub fn set(&mut self, index: usize, cell: Option<Cell<'_>>) {
        self.values[index] = match cell {
            None => ABSENT,
            Some(Cell::Float(value)) => value,
            Some(Cell::Histogram(histogram)) => {
                point_at(&mut self.histograms, Arc::clone(histogram))
            }
            Some(Cell::Made(histogram)) => point_at(&mut self.histograms, histogram),
        };
    }
}
