//! Values as whole numbers.

/// Powers of ten by which values may become whole.
const SCALES: [f64; 5] = [1.0, 10.0, 100.0, 1000.0, 10_000.0];

/// Whole numbers below this are exact.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The most values of a part that are no number like the others, such as stale markers.
const EXCEPTIONS_MAX: usize = 4;

/// The values of a part as whole numbers.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The power of ten by which they were multiplied.
    pub scale: u8,
    /// One for each value; for an exception the number before it.
    pub numbers: Vec<i64>,
    /// Places and bits of values that are kept apart.
    pub exceptions: Vec<(usize, u64)>,
}

impl Numbers {
    /// Takes the values if they become whole by one power of ten.
    pub fn take(&mut self, values: &[f64]) -> bool {
        let allowed = EXCEPTIONS_MAX.min(values.len() / 8 + 1);
        (0..SCALES.len()).any(|scale| self.take_at(values, scale, allowed))
    }

    fn take_at(&mut self, values: &[f64], scale: usize, allowed: usize) -> bool {
        self.scale = scale as u8;
        self.numbers.clear();
        self.exceptions.clear();
        let mut last = 0;
        for (place, &value) in values.iter().enumerate() {
            match number(value, SCALES[scale]) {
                Some(number) => last = number,
                None if self.exceptions.len() < allowed => {
                    self.exceptions.push((place, value.to_bits()));
                }
                None => return false,
            }
            self.numbers.push(last);
        }
        self.exceptions.len() < values.len()
    }
}

/// The value times a power of ten, if that is whole and leads back to every bit.
fn number(value: f64, scale: f64) -> Option<i64> {
    let scaled = if scale == 1.0 {
        value
    } else {
        (value * scale).round()
    };
    if scaled.abs() >= WHOLE_MAX {
        return None;
    }
    // NaN becomes 0, whose bits differ.
    let number = scaled as i64;
    (float(number, scale).to_bits() == value.to_bits()).then_some(number)
}

fn float(number: i64, scale: f64) -> f64 {
    if scale == 1.0 {
        number as f64
    } else {
        number as f64 / scale
    }
}

/// Turns numbers back into values.
pub(super) fn values(numbers: impl Iterator<Item = i64>, scale: u8, values: &mut Vec<f64>) -> bool {
    let Some(&scale) = SCALES.get(usize::from(scale)) else {
        return false;
    };
    values.extend(numbers.map(|number| float(number, scale)));
    true
}
