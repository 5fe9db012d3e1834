//! Bits, highest first, and the numbers of a few bits that chunks are made of.
//!
//! Source: `tsdb/docs/format/chunks.md` of Prometheus.

/// Reads bits. Behind the end there is nothing, which every read says.
#[derive(Debug, Clone)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit, counted from the beginning.
    next: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0 }
    }

    pub(crate) fn bit(&mut self) -> Option<bool> {
        self.bits(1).map(|bit| bit == 1)
    }

    /// The next `count` bits, at most 64.
    pub(crate) fn bits(&mut self, count: u32) -> Option<u64> {
        let end = self.next + count as usize;
        if end > self.bytes.len() * 8 {
            return None;
        }
        let (mut value, mut left) = (0_u64, count);
        while left > 0 {
            let byte = self.bytes[self.next / 8];
            let used = (self.next % 8) as u32;
            let take = left.min(8 - used);
            let part = (byte << used) >> (8 - take);
            // A shift by all 64 bits cannot be: at most 8 are taken at a time.
            value = value << take | u64::from(part);
            self.next += take as usize;
            left -= take;
        }
        Some(value)
    }

    /// A number of `count` bits with a sign; the positive side reaches one further, as in Prometheus.
    pub(crate) fn signed(&mut self, count: u32) -> Option<i64> {
        let bits = self.bits(count)?;
        if count < 64 && bits > 1 << (count - 1) {
            return Some((bits.wrapping_sub(1 << count)).cast_signed());
        }
        Some(bits.cast_signed())
    }

    /// `varint` and `uvarint` of Go's package `encoding/binary`, at the next bit.
    pub(crate) fn uvarint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8)?;
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn varint(&mut self) -> Option<i64> {
        let value = self.uvarint()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// A number that takes fewer bits the smaller it is.
    pub(crate) fn varbit_int(&mut self) -> Option<i64> {
        match self.bucket()? {
            0 => Some(0),
            bits => self.signed(bits),
        }
    }

    /// The same without a sign.
    pub(crate) fn varbit_uint(&mut self) -> Option<u64> {
        match self.bucket()? {
            0 => Some(0),
            bits => self.bits(bits),
        }
    }

    /// How many bits the next number has: as many ones as it is large.
    fn bucket(&mut self) -> Option<u32> {
        for bits in VARBIT_SIZES {
            if !self.bit()? {
                return Some(bits);
            }
        }
        Some(64)
    }
}

/// Sizes of numbers behind no, one, two... ones. Behind eight ones stand 64 bits.
const VARBIT_SIZES: [u32; 8] = [0, 3, 6, 9, 12, 18, 25, 56];

/// Writes bits.
#[derive(Debug, Clone, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are free.
    free: u32,
}

impl BitWriter {
    /// Goes on behind whole bytes.
    pub(crate) const fn behind(bytes: Vec<u8>) -> Self {
        Self { bytes, free: 0 }
    }

    pub(crate) fn bit(&mut self, bit: bool) {
        self.bits(u64::from(bit), 1);
    }

    /// The lowest `count` bits of `value`.
    pub(crate) fn bits(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let take = left.min(self.free);
            let part = (value >> (left - take)) as u8 & (0xff >> (8 - take));
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << (self.free - take);
            }
            self.free -= take;
            left -= take;
        }
    }

    pub(crate) fn uvarint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.bits(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.bits(value, 8);
    }

    pub(crate) fn varint(&mut self, value: i64) {
        self.uvarint((value << 1 ^ value >> 63).cast_unsigned());
    }

    pub(crate) fn varbit_int(&mut self, value: i64) {
        let fits = |bits: u32| match bits {
            0 => value == 0,
            bits => fits_signed(value, bits),
        };
        self.varbit(value.cast_unsigned(), fits);
    }

    pub(crate) fn varbit_uint(&mut self, value: u64) {
        self.varbit(value, |bits| value >> bits == 0);
    }

    fn varbit(&mut self, value: u64, fits: impl Fn(u32) -> bool) {
        let size = (0..).zip(VARBIT_SIZES).find(|(_, bits)| fits(*bits));
        match size {
            Some((ones, bits)) => {
                // As many ones, and a zero.
                self.bits((1 << (ones + 1)) - 2, ones + 1);
                self.bits(value, bits);
            }
            None => {
                self.bits(0xff, 8);
                self.bits(value, 64);
            }
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// True when [`BitReader::signed`] reads the number back from so many bits.
pub(crate) const fn fits_signed(value: i64, bits: u32) -> bool {
    let half = 1_i64 << (bits - 1);
    -half < value && value <= half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(
            values in prop::collection::vec((any::<i64>(), 0_u32..64), 0..50),
            odd in 1_u32..8,
        ) {
            let mut writer = BitWriter::default();
            writer.bits(1, odd);
            for (value, shift) in &values {
                let value = value >> shift;
                writer.varbit_int(value);
                writer.varbit_uint(value.cast_unsigned());
                writer.varint(value);
                writer.bits(value.cast_unsigned(), 64 - shift);
            }
            let bytes = writer.into_bytes();
            let mut reader = BitReader::new(&bytes);
            prop_assert_eq!(reader.bits(odd), Some(1));
            for (value, shift) in &values {
                let value = value >> shift;
                prop_assert_eq!(reader.varbit_int(), Some(value));
                prop_assert_eq!(reader.varbit_uint(), Some(value.cast_unsigned()));
                prop_assert_eq!(reader.varint(), Some(value));
                let mask = u64::MAX >> shift;
                prop_assert_eq!(reader.bits(64 - shift), Some(value.cast_unsigned() & mask));
            }
            prop_assert_eq!(reader.bits(8), None);
        }
    }

    #[test]
    fn the_positive_side_reaches_one_further() {
        for (value, bits, fits) in [
            (4, 3, true),
            (5, 3, false),
            (-3, 3, true),
            (-4, 3, false),
            (8192, 14, true),
            (-8192, 14, false),
        ] {
            assert_eq!(fits_signed(value, bits), fits, "{value}");
        }
    }
}
