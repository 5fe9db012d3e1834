//! Bytes to samples.

use super::STEP_WIDTHS;
use super::bits::BitReader;

/// Why a chunk cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The bytes end before the samples do.
    #[error("the chunk is shorter than its samples")]
    Short,
    /// A window is wider than a value, or used before it was given.
    #[error("the chunk has an impossible window")]
    Window,
}

/// Reads the samples of a chunk in order; ends after the first error.
#[derive(Debug, Clone)]
pub(crate) struct Samples<'a> {
    bits: BitReader<'a>,
    left: u16,
    /// False until the first sample, which stands there in full.
    begun: bool,
    timestamp: i64,
    step: i64,
    value: u64,
    /// Zeros below the window.
    trailing: u8,
    /// Bits in the window; 0 while none was given.
    width: u8,
}

impl<'a> Samples<'a> {
    /// Reads `samples` samples from `bytes`.
    pub fn new(bytes: &'a [u8], samples: u16) -> Self {
        Self {
            bits: BitReader::new(bytes),
            left: samples,
            begun: false,
            timestamp: 0,
            step: 0,
            value: 0,
            trailing: 0,
            width: 0,
        }
    }

    fn sample(&mut self) -> Result<(i64, f64), DecodeError> {
        if self.begun {
            let change = self.step_change().ok_or(DecodeError::Short)?;
            self.step = self.step.wrapping_add(change);
            self.timestamp = self.timestamp.wrapping_add(self.step);
            self.value ^= self.difference()?;
        } else {
            self.begun = true;
            let timestamp = self.bits.take(64).ok_or(DecodeError::Short)?;
            self.timestamp = timestamp.cast_signed();
            self.value = self.bits.take(64).ok_or(DecodeError::Short)?;
        }
        Ok((self.timestamp, f64::from_bits(self.value)))
    }

    fn step_change(&mut self) -> Option<i64> {
        if !self.bits.bit()? {
            return Some(0);
        }
        for width in STEP_WIDTHS {
            if !self.bits.bit()? {
                let unused = 64 - width;
                // Shifted up and down again, the highest bit becomes the sign.
                return Some((self.bits.take(width)? << unused).cast_signed() >> unused);
            }
        }
        self.bits.take(64).map(u64::cast_signed)
    }

    fn difference(&mut self) -> Result<u64, DecodeError> {
        if !self.bits.bit().ok_or(DecodeError::Short)? {
            return Ok(0);
        }
        if self.bits.bit().ok_or(DecodeError::Short)? {
            // Five bits and six bits, so both fit.
            let leading = self.bits.take(5).ok_or(DecodeError::Short)? as u8;
            self.width = self.bits.take(6).ok_or(DecodeError::Short)? as u8 + 1;
            self.trailing = 64_u8
                .checked_sub(leading + self.width)
                .ok_or(DecodeError::Window)?;
        }
        if self.width == 0 {
            return Err(DecodeError::Window);
        }
        let bits = self.bits.take(self.width).ok_or(DecodeError::Short)?;
        Ok(bits << self.trailing)
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<(i64, f64), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let sample = self.sample();
        if sample.is_err() {
            self.left = 0;
        }
        Some(sample)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(usize::from(self.left)))
    }
}
