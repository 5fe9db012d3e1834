//! The mean of histograms that come one by one.

use stonechat_model::{Addition, Histogram, HistogramSum, MixedSchemas};

use super::over_time::count;

/// Carries the sum, or the mean itself once the sum would pass the largest float.
#[derive(Debug, Clone)]
pub(crate) struct HistogramMean {
    carried: HistogramSum,
    seen: usize,
    incremental: bool,
}

impl HistogramMean {
    pub fn new(first: &Histogram) -> Self {
        Self {
            carried: HistogramSum::new(first),
            seen: 1,
            incremental: false,
        }
    }

    pub fn add(&mut self, histogram: &Histogram) -> Result<Addition, MixedSchemas> {
        let seen = count(self.seen + 1);
        if !self.incremental {
            let mut next = self.carried.clone();
            let addition = next.add(histogram)?;
            if !next.has_overflow() {
                self.carried = next;
                self.seen += 1;
                return Ok(addition);
            }
            self.incremental = true;
            self.carried.divide(seen - 1.0);
        }
        self.carried.scale((seen - 1.0) / seen);
        let addition = self.carried.add(&histogram.over(seen))?;
        self.seen += 1;
        Ok(addition)
    }

    pub fn finish(mut self) -> Histogram {
        if !self.incremental {
            self.carried.divide(count(self.seen));
        }
        self.carried.finish()
    }
}
