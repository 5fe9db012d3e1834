//! Bits in and out of bytes, most significant first.
//!
//! Own code because the bit-stream crates read through `std::io` and cannot tell a cut stream from an error of it
//! without cost per bit.

/// The lowest `count` bits set.
fn mask(count: u8) -> u64 {
    if count == 0 {
        0
    } else {
        u64::MAX >> (64 - count)
    }
}

/// Packs bits into bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not taken yet.
    free: u8,
}

impl BitWriter {
    /// Bytes by which the buffer grows at least.
    const GROWTH_MIN: usize = 16;

    /// What is written so far; the rest of the last byte is zero.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What comes next begins with a byte of its own.
    pub fn align(&mut self) {
        self.free = 0;
    }

    /// Drops the first bytes, and gives their memory back.
    pub fn forget(&mut self, first: usize) {
        self.bytes = self.bytes[first..].into();
    }

    /// Bytes that are reserved.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Appends the lowest `count` bits of `value`; `count` is at most 64.
    #[inline]
    pub fn put(&mut self, value: u64, count: u8) {
        let value = value & mask(count);
        if let Some(last) = self.bytes.last_mut()
            && self.free > 0
        {
            if count <= self.free {
                self.free -= count;
                // What was free has eight bits at most, so nothing is cut off.
                *last |= (value << self.free) as u8;
                return;
            }
            *last |= (value >> (count - self.free)) as u8;
        }
        let left = count - self.free;
        if left == 0 {
            return;
        }
        let bytes = left.div_ceil(8);
        self.reserve();
        // What went into the last byte is shifted out at the top.
        let word = (value << (64 - left)).to_be_bytes();
        // Eight bytes are one store, and fewer a call.
        self.bytes.extend_from_slice(&word);
        self.bytes
            .truncate(self.bytes.len() - word.len() + usize::from(bytes));
        self.free = bytes * 8 - left;
    }

    /// Doubling would leave half of every open chunk of a million series unused.
    #[inline]
    fn reserve(&mut self) {
        if self.bytes.capacity() - self.bytes.len() < size_of::<u64>() {
            let growth = (self.bytes.len() / 4).max(Self::GROWTH_MIN);
            self.bytes.reserve_exact(growth);
        }
    }
}

/// Takes bits out of bytes.
#[derive(Debug, Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits that are loaded and not taken yet, at the low end.
    loaded: u64,
    /// How many those are.
    count: u8,
}

impl<'a> BitReader<'a> {
    /// Begins at the first bit.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            loaded: 0,
            count: 0,
        }
    }

    /// The next `count` bits, at most 64; nothing when so many are not left.
    pub fn take(&mut self, count: u8) -> Option<u64> {
        if count > 32 {
            let high = self.take_few(count - 32)?;
            return Some(high << 32 | self.take_few(32)?);
        }
        self.take_few(count)
    }

    /// The next bit.
    pub fn bit(&mut self) -> Option<bool> {
        self.take_few(1).map(|bit| bit == 1)
    }

    /// At most 32 bits, so that what is loaded always fits.
    fn take_few(&mut self, count: u8) -> Option<u64> {
        while self.count < count {
            let (&byte, rest) = self.bytes.split_first()?;
            self.loaded = self.loaded << 8 | u64::from(byte);
            self.count += 8;
            self.bytes = rest;
        }
        self.count -= count;
        Some((self.loaded >> self.count) & mask(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stand_from_the_left() {
        let mut writer = BitWriter::default();
        writer.put(0b1, 1);
        writer.put(0b0110, 4);
        writer.put(u64::MAX, 64);
        writer.put(0xfff0, 0);
        assert_eq!(
            writer.bytes(),
            [0b1011_0111, 255, 255, 255, 255, 255, 255, 255, 0b1111_1000]
        );

        let bytes = writer.bytes().to_vec();
        let mut reader = BitReader::new(&bytes);
        assert_eq!(reader.bit(), Some(true));
        assert_eq!(reader.take(4), Some(0b0110));
        assert_eq!(reader.take(64), Some(u64::MAX));
        assert_eq!(reader.take(0), Some(0));
        assert_eq!(reader.take(3), Some(0));
        assert_eq!(reader.take(1), None);
    }
}
