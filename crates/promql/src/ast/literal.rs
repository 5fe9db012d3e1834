//! Numbers in an expression.

/// A number. Equal when the bits are, so that `NaN` equals itself and `0` differs from `-0`.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// Its value; seconds for a duration.
    pub value: f64,
    /// True when it was written as a duration: `5m`.
    pub is_duration: bool,
}

impl Number {
    /// A plain number.
    #[must_use]
    pub const fn plain(value: f64) -> Self {
        Self {
            value,
            is_duration: false,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.value.to_bits() == other.value.to_bits() && self.is_duration == other.is_duration
    }
}
