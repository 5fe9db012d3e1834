//! Varints, and a cursor that never runs over the end.

/// Appends a number in groups of seven bits, lowest first; the highest bit of a byte says that more follow.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        // The low seven bits and the mark.
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Appends a text behind its length.
pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Numbers near zero to small numbers: 0, -1, 1, -2 become 0, 1, 2, 3.
pub(crate) fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Reads from the front of a payload. `None` means that the payload is malformed.
#[derive(Debug)]
pub(crate) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// True when all is read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let count = usize::try_from(count).ok()?;
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// Eight bytes, lowest first.
    pub fn i64(&mut self) -> Option<i64> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_le_bytes(*taken))
    }

    /// A varint of at most 64 bits.
    pub fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                return None;
            }
            number |= group << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A text behind its length.
    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.varint()?;
        std::str::from_utf8(self.take(length)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number in prop_oneof![any::<u64>(), 0_u64..300, (0_u32..64).prop_map(|bit| 1 << bit)]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            prop_assert_eq!(Cursor(&bytes).varint(), Some(number));
            prop_assert_eq!(zigzag(unzigzag(number)), number);
            for length in 0..bytes.len() {
                prop_assert_eq!(Cursor(&bytes[..length]).varint(), None);
            }
        }
    }

    #[test]
    fn refuses_more_than_64_bits() {
        assert_eq!(Cursor(&[0xff; 11]).varint(), None);
        let mut just_over = [0x80; 10];
        just_over[9] = 2;
        assert_eq!(Cursor(&just_over).varint(), None);
    }
}
