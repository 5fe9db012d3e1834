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
    /// Around no bits at all, so that it covers nothing.
    const NONE: Self = Self {
        leading: 64,
        trailing: 64,
    };

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

impl Default for Window {
    fn default() -> Self {
        Self::NONE
    }
}

/// A chunk that still grows, behind one that is being written into a block: both are in the same memory, as closing the first would
/// need as much again.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuilder {
    bits: BitWriter,
    /// Samples that are set apart, and how many bytes from the beginning they take.
    sealed: u16,
    sealed_bytes: u16,
    /// Samples behind them.
    samples: u16,
    window: Window,
    timestamp: i64,
    /// Distance between the last two timestamps.
    step: i64,
    /// Bits of the last value.
    value: u64,
}

/// The time of the first sample, with which a chunk begins.
fn first_time(bytes: &[u8]) -> Option<i64> {
    bytes.first_chunk().map(|first| i64::from_be_bytes(*first))
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
            self.bits.put(timestamp.cast_unsigned(), 64);
            self.bits.put(value, 64);
        } else {
            // Wrapping, because from the beginning of time to its end is further than an i64 reaches.
            let step = timestamp.wrapping_sub(self.timestamp);
            // A step like the last is one zero bit, and goes before what follows in one write.
            let zeros = match step.wrapping_sub(self.step) {
                0 => 1,
                change => {
                    self.put_step(change);
                    0
                }
            };
            self.put_difference(zeros, value ^ self.value);
            self.step = step;
        }
        self.timestamp = timestamp;
        self.value = value;
        self.samples += 1;
    }

    /// The last byte so far, behind which the next sample goes.
    pub fn end(&self) -> Option<&u8> {
        self.bits.bytes().last()
    }

    /// True when there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when the chunk should be finished.
    pub fn is_full(&self) -> bool {
        self.samples >= CHUNK_SAMPLES_MAX
    }

    /// Number of samples.
    pub fn len(&self) -> u16 {
        self.sealed + self.samples
    }

    /// Times of the first and the last sample.
    pub fn bounds(&self) -> Option<(i64, i64)> {
        Some((first_time(self.bits.bytes())?, self.timestamp))
    }

    /// Time and bits of the last sample.
    pub fn last(&self) -> Option<(i64, u64)> {
        (!self.is_empty()).then_some((self.timestamp, self.value))
    }

    /// Bytes of memory behind the builder.
    pub fn heap_bytes(&self) -> usize {
        self.bits.capacity()
    }

    /// Sets the samples so far apart from those to come, which begin as in a chunk of their own. Nothing may be set apart already.
    pub fn seal(&mut self) {
        self.sealed = std::mem::take(&mut self.samples);
        // 120 samples take 17 bytes each at most.
        self.sealed_bytes = self.bits.bytes().len() as u16;
        self.bits.align();
        self.step = 0;
        self.window = Window::NONE;
    }

    /// The samples that were set apart.
    pub fn sealed_chunk(&self) -> Option<Chunk> {
        let (sealed, rest) = self.parts();
        let start = first_time(sealed)?;
        // Times rise, so this is not earlier than the last of them.
        let end = first_time(rest).map_or(self.timestamp, |next| next - 1);
        Some(Chunk {
            start,
            end,
            samples: self.sealed,
            bytes: sealed.into(),
        })
    }

    /// The samples since then, or all; the builder stays as it is.
    pub fn chunk(&self) -> Option<Chunk> {
        let (_, rest) = self.parts();
        Some(Chunk {
            start: first_time(rest)?,
            end: self.timestamp,
            samples: self.samples,
            bytes: rest.into(),
        })
    }

    /// Drops the samples that were set apart.
    pub fn forget_sealed(&mut self) {
        if self.samples == 0 {
            *self = Self::default();
        } else if self.sealed > 0 {
            self.bits.forget(self.sealed_bytes.into());
            (self.sealed, self.sealed_bytes) = (0, 0);
        }
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        self.bits.bytes().split_at(self.sealed_bytes.into())
    }

    /// Writes by how much the distance between timestamps has changed, which is not zero.
    fn put_step(&mut self, change: i64) {
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

    /// Writes so many zeros, one at most, and the bits in which a value differs from the one before.
    fn put_difference(&mut self, zeros: u8, difference: u64) {
        if difference == 0 {
            return self.bits.put(0, zeros + 1);
        }
        let tight = Window::around(difference);
        let window = match self.window {
            last if last.covers(tight) && last.width() - tight.width() <= WINDOW_COST => {
                let (bits, width) = (difference >> last.trailing, last.width());
                if width < 62 {
                    return self.bits.put(0b10 << width | bits, zeros + 2 + width);
                }
                self.bits.put(0b10, zeros + 2);
                last
            }
            _ => {
                let sizes = u64::from(tight.leading) << 6 | u64::from(tight.width() - 1);
                self.bits.put(0b11 << 11 | sizes, zeros + 13);
                tight
            }
        };
        self.bits.put(difference >> window.trailing, window.width());
        self.window = window;
    }
}
