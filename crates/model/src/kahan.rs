//! Sums that do not lose small terms beside large ones.

/// A sum and what rounding took from it: Neumaier's form of Kahan's method, as Prometheus uses it, so that the last
/// digits agree.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Kahan {
    /// The sum as plain addition gives it.
    pub sum: f64,
    /// What rounding took from it.
    pub lost: f64,
}

impl Kahan {
    /// A sum of one term.
    #[must_use]
    pub const fn new(sum: f64) -> Self {
        Self { sum, lost: 0.0 }
    }

    /// The sum with one more term.
    #[must_use]
    #[inline]
    pub fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= term.abs() {
            self.lost + ((self.sum - sum) + term)
        } else {
            self.lost + ((term - sum) + self.sum)
        };
        Self { sum, lost }
    }

    /// The sum of both.
    #[must_use]
    #[inline]
    pub fn join(self, other: Self) -> Self {
        let joined = self.plus(other.sum);
        if other.lost == 0.0 {
            return joined;
        }
        joined.plus(other.lost)
    }

    /// Every term times a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            sum: self.sum * factor,
            lost: self.lost * factor,
        }
    }

    /// Every term divided.
    #[must_use]
    pub fn over(self, divisor: f64) -> Self {
        Self {
            sum: self.sum / divisor,
            lost: self.lost / divisor,
        }
    }

    /// The sum with what was lost. Beside infinity that does not matter, and infinity minus itself would be NaN.
    #[must_use]
    #[inline]
    pub fn total(self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.lost
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_are_kept() {
        let terms = [1e100, 1.0, -1e100, 1.0];
        let sum = terms.into_iter().fold(Kahan::default(), Kahan::plus);
        assert_eq!(sum.total(), 2.0);
        let halves = Kahan::new(1e100).plus(1.0).join(Kahan::new(-1e100));
        assert_eq!(halves.total(), 1.0);
    }

    #[test]
    fn infinity_stays() {
        let sum = Kahan::new(f64::MAX).plus(f64::MAX);
        assert_eq!(sum.total(), f64::INFINITY);
    }
}
