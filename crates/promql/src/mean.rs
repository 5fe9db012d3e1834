//! The mean of values that come one by one.

use stonechat_model::Kahan;

/// The mean of values that come one by one. When their sum would pass the largest float, the mean itself is carried on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean {
    /// The sum, or the mean once `incremental`.
    carried: Kahan,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub const fn new(first: f64) -> Self {
        Self {
            carried: Kahan::new(first),
            count: 1.0,
            incremental: false,
        }
    }

    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let next = self.carried.plus(value);
            if next.sum.is_finite() || next.sum.is_nan() {
                self.carried = next;
                return;
            }
            self.incremental = true;
            self.carried.sum /= self.count - 1.0;
            self.carried.lost /= self.count - 1.0;
        }
        let weight = (self.count - 1.0) / self.count;
        let before = Kahan {
            sum: weight * self.carried.sum,
            lost: weight * self.carried.lost,
        };
        self.carried = before.plus(value / self.count);
    }

    /// The mean of the values of both.
    pub fn join(&mut self, other: Self) {
        let count = self.count + other.count;
        if !self.incremental && !other.incremental {
            let sum = self.carried.join(other.carried);
            if !sum.sum.is_infinite() {
                (self.carried, self.count) = (sum, count);
                return;
            }
        }
        let weighted = |mean: &Self| {
            let carried = if mean.incremental {
                mean.carried
            } else {
                mean.carried.over(mean.count)
            };
            carried.times(mean.count / count)
        };
        self.carried = weighted(self).join(weighted(&other));
        self.incremental = true;
        self.count = count;
    }

    pub fn mean(&self) -> f64 {
        if self.incremental {
            self.carried.total()
        } else {
            self.carried.sum / self.count + self.carried.lost / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let sum = [1e100, 1.0, -1e100]
            .into_iter()
            .fold(Kahan::new(1.0), Kahan::plus);
        assert_eq!(sum.total(), 2.0);
    }

    #[test]
    fn the_mean_of_huge_values_is_finite() {
        let mut mean = Mean::new(1.5e308);
        mean.add(1.5e308);
        mean.add(1.5e308);
        assert_eq!(mean.mean(), 1.5e308);
        let mut infinite = Mean::new(f64::INFINITY);
        infinite.add(1.0);
        assert_eq!(infinite.mean(), f64::INFINITY);
        infinite.add(f64::NEG_INFINITY);
        assert!(infinite.mean().is_nan());
    }
}
