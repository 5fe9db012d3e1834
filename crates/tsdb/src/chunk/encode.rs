//! Samples to bytes.

use super::bits::BitWriter;
use super::{CHUNK_SAMPLES_MAX, Chunk, DecodeError, LEADING_MAX, STEP_WIDTHS};

/// A new window costs eleven bits more than the old one; it pays when the old one wastes more than that.
const WINDOW_COST: u8 = 11;

/// The bits of a value in which the last differences lay.
#[derive(Debug, Clone, Copy)]
struct Window {
    leading: u8,
    trailing: u8,
}

impl Window {
    /// The smallest window around the set bits of `difference`, which has some.
    fn around(difference: u64) -> Self {
        Self {
            // Both counts are below 64.
            leading: (difference.leading_zeros() as u8).min(LEADING_MAX),
            trailing: difference.trailing_zeros() as u8,
        }
    }

    fn width(self) -> u8 {
        64 - self.leading - self.trailing
    }

    fn covers(self, other: Self) -> bool {
        self.leading <= other.leading && self.trailing <= other.trailing
    }
}

/// A chunk that still grows.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuilder {
    bits: BitWriter,
    samples: u16,
    start: i64,
    timestamp: i64,
    /// Distance between the last two timestamps.
    step: i64,
    /// Bits of the last value.
    value: u64,
    window: Option<Window>,
}

impl ChunkBuilder {
    /// Goes on with a chunk that was finished early.
    pub fn resume(chunk: &Chunk) -> Result<Self, DecodeError> {
        let mut builder = Self::default();
        for sample in chunk.samples() {
            let (timestamp, value) = sample?;
            builder.push(timestamp, value);
        }
        Ok(builder)
    }

    /// Adds a sample, which is later than the last.
    pub fn push(&mut self, timestamp: i64, value: f64) {
        let value = value.to_bits();
        if self.samples == 0 {
            self.start = timestamp;
            self.bits.put(timestamp.cast_unsigned(), 64);
            self.bits.put(value, 64);
        } else {
            // Wrapping, because from the beginning of time to its end is further than an i64 reaches.
            let step = timestamp.wrapping_sub(self.timestamp);
            self.put_step(step.wrapping_sub(self.step));
            self.put_difference(value ^ self.value);
            self.step = step;
        }
        self.timestamp = timestamp;
        self.value = value;
        self.samples += 1;
    }

    /// True when there is no sample.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// True when the chunk should be finished.
    pub fn is_full(&self) -> bool {
        self.samples >= CHUNK_SAMPLES_MAX
    }

    /// Number of samples.
    pub fn len(&self) -> u16 {
        self.samples
    }

    /// Times of the first and the last sample.
    pub fn bounds(&self) -> Option<(i64, i64)> {
        (!self.is_empty()).then_some((self.start, self.timestamp))
    }

    /// Time and bits of the last sample.
    pub fn last(&self) -> Option<(i64, u64)> {
        (!self.is_empty()).then_some((self.timestamp, self.value))
    }

    /// Bytes of memory behind the builder.
    pub fn heap_bytes(&self) -> usize {
        self.bits.capacity()
    }

    /// The samples so far as a chunk; the builder stays as it is.
    pub fn chunk(&self) -> Option<Chunk> {
        let (start, end) = self.bounds()?;
        Some(Chunk {
            start,
            end,
            samples: self.samples,
            bytes: self.bits.bytes().into(),
        })
    }

    /// Writes by how much the distance between timestamps has changed.
    fn put_step(&mut self, change: i64) {
        if change == 0 {
            return self.bits.put(0, 1);
        }
        for (ones, &width) in (1_u8..).zip(&STEP_WIDTHS) {
            let half = 1_i64 << (width - 1);
            if (-half..half).contains(&change) {
                // So many ones, then a zero.
                self.bits.put((1 << (ones + 1)) - 2, ones + 1);
                return self.bits.put(change.cast_unsigned(), width);
            }
        }
        self.bits.put(0b1111, 4);
        self.bits.put(change.cast_unsigned(), 64);
    }

    /// Writes the bits in which a value differs from the one before.
    fn put_difference(&mut self, difference: u64) {
        if difference == 0 {
            return self.bits.put(0, 1);
        }
        let tight = Window::around(difference);
        let window = match self.window {
            Some(last) if last.covers(tight) && last.width() - tight.width() <= WINDOW_COST => {
                self.bits.put(0b10, 2);
                last
            }
            _ => {
                self.bits.put(0b11, 2);
                self.bits.put(u64::from(tight.leading), 5);
                self.bits.put(u64::from(tight.width() - 1), 6);
                tight
            }
        };
        self.bits.put(difference >> window.trailing, window.width());
        self.window = Some(window);
    }
}
