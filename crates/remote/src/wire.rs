//! Fields of protobuf messages, read from bytes without copying.
//!
//! Own code, because a generated decoder makes a string of every label, which is most of what receiving costs.
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// The bytes end within a field.
    #[error("unexpected end of the message")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number is too long")]
    Varint,
    /// A kind of field that does not exist, or field number 0.
    #[error("an impossible field key")]
    Key,
    /// A known field has another kind than its message gives it.
    #[error("field {0} has the wrong kind")]
    Kind(u32),
}

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// Reads fields one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field and its number; `None` at the end.
    #[inline]
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Value<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| WireError::Key)?;
        let number = key >> 3;
        if number == 0 {
            return Err(WireError::Key);
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.delimited()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(WireError::Key),
        };
        Ok(Some((number, value)))
    }

    /// A number of seven bits a byte.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        match self.rest.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(first))
            }
            Some(_) => self.long_varint(),
            None => Err(WireError::Truncated),
        }
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte holds the last of 64 bits.
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        match self.rest.len() {
            0..10 => Err(WireError::Truncated),
            _ => Err(WireError::Varint),
        }
    }

    /// Bytes behind their length.
    #[inline]
    pub(crate) fn delimited(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self, number: u32) -> Result<&'a [u8], WireError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::Kind(number)),
        }
    }

    pub(crate) fn double(self, number: u32) -> Result<f64, WireError> {
        match self {
            Self::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(WireError::Kind(number)),
        }
    }

    pub(crate) fn unsigned(self, number: u32) -> Result<u64, WireError> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(WireError::Kind(number)),
        }
    }

    /// `int32` and `int64`, negative numbers in ten bytes.
    pub(crate) fn signed(self, number: u32) -> Result<i64, WireError> {
        self.unsigned(number).map(u64::cast_signed)
    }

    /// `sint32` and `sint64`, small ones of both signs in few bytes.
    pub(crate) fn zigzag(self, number: u32) -> Result<i64, WireError> {
        self.unsigned(number).map(unzigzag)
    }
}

pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, WireError> {
        let mut reader = Reader::new(bytes);
        let mut fields = Vec::new();
        while let Some(field) = reader.field()? {
            fields.push(field);
        }
        Ok(fields)
    }

    #[test]
    fn reads_each_kind() {
        let bytes = [
            &[0x08, 0x96, 0x01][..],
            &[0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
            &[0x1a, 2, b'h', b'i'],
            &[0x25, 1, 0, 0, 0],
        ]
        .concat();
        let expected = [
            (1, Value::Varint(150)),
            (2, Value::Fixed64(1.0_f64.to_bits())),
            (3, Value::Bytes(b"hi")),
            (4, Value::Fixed32(1)),
        ];
        assert_eq!(fields(&bytes).unwrap(), expected);
        for end in 1..bytes.len() {
            if ![3, 12, 16].contains(&end) {
                assert_eq!(fields(&bytes[..end]), Err(WireError::Truncated), "{end}");
            }
        }
    }

    #[test]
    fn numbers_have_their_limits() {
        let mut longest = vec![0x08];
        longest.extend([0xff; 9]);
        longest.push(1);
        assert_eq!(fields(&longest), Ok(vec![(1, Value::Varint(u64::MAX))]));
        *longest.last_mut().unwrap() = 2;
        assert_eq!(fields(&longest), Err(WireError::Varint));
        assert_eq!(Value::Varint(u64::MAX).signed(1), Ok(-1));
        for (written, value) in [(0, 0), (1, -1), (2, 1), (u64::MAX, i64::MIN)] {
            assert_eq!(unzigzag(written), value);
        }
    }

    #[test]
    fn impossible_keys_are_refused() {
        for bytes in [&[0x00, 0][..], &[0x0b], &[0x0c], &[0x0e], &[0x0f]] {
            assert_eq!(fields(bytes), Err(WireError::Key), "{bytes:?}");
        }
        assert_eq!(Value::Varint(1).bytes(7), Err(WireError::Kind(7)));
    }
}
