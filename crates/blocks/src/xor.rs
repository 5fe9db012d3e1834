//! Values as differences of bits to the one before, and chunks of floats.

use crate::bits::{BitReader, BitWriter, fits_signed};

/// The state of one column of values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Xor {
    value: u64,
    /// Zeros before and behind the bits that differed; none yet when `leading` is 0xff.
    leading: u32,
    trailing: u32,
}

/// Nothing has differed yet.
const NO_WINDOW: u32 = 0xff;

impl Xor {
    pub(crate) const fn new(value: f64) -> Self {
        Self {
            value: value.to_bits(),
            leading: NO_WINDOW,
            trailing: 0,
        }
    }

    pub(crate) const fn value(&self) -> f64 {
        f64::from_bits(self.value)
    }

    pub(crate) fn write(&mut self, value: f64, writer: &mut BitWriter) {
        let difference = self.value ^ value.to_bits();
        self.value = value.to_bits();
        writer.bit(difference != 0);
        if difference == 0 {
            return;
        }
        // Five bits hold at most 31.
        let (leading, trailing) = (
            difference.leading_zeros().min(31),
            difference.trailing_zeros(),
        );
        let fits =
            self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing;
        writer.bit(!fits);
        if !fits {
            (self.leading, self.trailing) = (leading, trailing);
            writer.bits(u64::from(leading), 5);
            // 64 is written as 0: it cannot be 0.
            writer.bits(u64::from(64 - leading - trailing) & 0x3f, 6);
        }
        writer.bits(
            difference >> self.trailing,
            64 - self.leading - self.trailing,
        );
    }

    pub(crate) fn read(&mut self, reader: &mut BitReader) -> Option<f64> {
        if !reader.bit()? {
            return Some(self.value());
        }
        if reader.bit()? {
            let leading = u32::try_from(reader.bits(5)?).ok()?;
            let length = match u32::try_from(reader.bits(6)?).ok()? {
                0 => 64,
                length => length,
            };
            self.leading = leading;
            self.trailing = 64_u32.checked_sub(leading + length)?;
        } else if self.leading == NO_WINDOW {
            return None;
        }
        let difference = reader.bits(64 - self.leading - self.trailing)?;
        self.value ^= difference << self.trailing;
        Some(self.value())
    }
}

/// A chunk of floats (Prometheus' `XORChunk`). At most 65535 samples, rising in time.
pub(crate) fn encode(samples: &[(i64, f64)]) -> Vec<u8> {
    let count = u16::try_from(samples.len()).expect("a chunk has far fewer samples than 2^16");
    let mut writer = BitWriter::behind(count.to_be_bytes().to_vec());
    let (mut last, mut delta, mut value) = (0, 0, Xor::new(0.0));
    for (index, &(timestamp, sample)) in samples.iter().enumerate() {
        if index == 0 {
            writer.varint(timestamp);
            writer.bits(sample.to_bits(), 64);
            value = Xor::new(sample);
        } else {
            let now = timestamp.wrapping_sub(last);
            if index == 1 {
                writer.uvarint(now.cast_unsigned());
            } else {
                write_difference(now.wrapping_sub(delta), &mut writer);
            }
            delta = now;
            value.write(sample, &mut writer);
        }
        last = timestamp;
    }
    writer.into_bytes()
}

fn write_difference(difference: i64, writer: &mut BitWriter) {
    if difference == 0 {
        return writer.bit(false);
    }
    for (prefix, length, bits) in [(0b10, 2, 14), (0b110, 3, 17), (0b1110, 4, 20)] {
        if fits_signed(difference, bits) {
            writer.bits(prefix, length);
            return writer.bits(difference.cast_unsigned(), bits);
        }
    }
    writer.bits(0b1111, 4);
    writer.bits(difference.cast_unsigned(), 64);
}

fn read_difference(reader: &mut BitReader) -> Option<i64> {
    if !reader.bit()? {
        return Some(0);
    }
    for bits in [14, 17, 20] {
        if !reader.bit()? {
            return reader.signed(bits);
        }
    }
    reader.signed(64)
}

/// Calls `sample` for each sample of a chunk; `None` when the chunk is damaged.
pub(crate) fn decode(chunk: &[u8], mut sample: impl FnMut(i64, f64)) -> Option<()> {
    let (count, rest) = chunk.split_first_chunk::<2>()?;
    let mut reader = BitReader::new(rest);
    let (mut timestamp, mut delta, mut value) = (0_i64, 0_i64, Xor::new(0.0));
    for index in 0..u16::from_be_bytes(*count) {
        if index == 0 {
            timestamp = reader.varint()?;
            value = Xor::new(f64::from_bits(reader.bits(64)?));
        } else {
            delta = if index == 1 {
                reader.uvarint()?.cast_signed()
            } else {
                delta.wrapping_add(read_difference(&mut reader)?)
            };
            timestamp = timestamp.wrapping_add(delta);
            value.read(&mut reader)?;
        }
        sample(timestamp, value.value());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn samples_come_back(
            first in any::<i32>(),
            samples in prop::collection::vec((0_i64..40_000_000, any::<f64>(), any::<bool>()), 1..200),
        ) {
            let (mut timestamp, mut last) = (i64::from(first), 0.0);
            let samples: Vec<(i64, f64)> = samples.into_iter().map(|(step, value, same)| {
                timestamp += if same { 15_000 } else { step };
                last = if same { last } else { value };
                (timestamp, last)
            }).collect();
            let mut found = Vec::new();
            let chunk = encode(&samples);
            decode(&chunk, |timestamp, value| found.push((timestamp, value.to_bits()))).unwrap();
            let expected: Vec<_> = samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes, |_, _| {});
        }
    }
}
