//! Fields of protobuf messages, as <https://protobuf.dev/programming-guides/encoding/> has them.

const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const DELIMITED: u32 = 2;

/// Seven bits in each byte, the lowest first; the eighth says that there are more.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn key(field: u32, kind: u32, out: &mut Vec<u8>) {
    varint(u64::from(field << 3 | kind), out);
}

/// A field that is a whole number.
pub fn whole(field: u32, value: u64, out: &mut Vec<u8>) {
    key(field, VARINT, out);
    varint(value, out);
}

/// A field that is a number with a sign.
pub fn int(field: u32, value: i64, out: &mut Vec<u8>) {
    key(field, VARINT, out);
    signed(value, out);
}

/// A number with a sign by itself, small ones of both signs in few bytes.
pub fn signed(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

/// A field that is a float.
pub fn double(field: u32, value: f64, out: &mut Vec<u8>) {
    key(field, EIGHT_BYTES, out);
    out.extend_from_slice(&value.to_le_bytes());
}

/// A field that is text.
pub fn text(field: u32, value: &str, out: &mut Vec<u8>) {
    key(field, DELIMITED, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value.as_bytes());
}

/// A field that is a message, or whatever else has its length in front.
pub fn message(field: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    key(field, DELIMITED, out);
    let start = open(out);
    write(out);
    close(start, out);
}

/// Where something begins whose length is not known yet.
#[derive(Debug, Clone, Copy)]
pub struct Start(usize);

/// Leaves room for a short length.
pub fn open(out: &mut Vec<u8>) -> Start {
    out.push(0);
    Start(out.len() - 1)
}

/// Writes the length in front. What is longer than the room for its length moves up, which takes less than finding all
/// lengths out beforehand, and no memory.
pub fn close(Start(start): Start, out: &mut Vec<u8>) {
    let end = out.len();
    varint((end - start - 1) as u64, out);
    let size = out.len() - end;
    if size == 1 {
        out[start] = out[end];
        out.truncate(end);
        return;
    }
    let mut length = [0; 10];
    length[..size].copy_from_slice(&out[end..]);
    out.copy_within(start + 1..end, start + size);
    out.truncate(end + size - 1);
    out[start..start + size].copy_from_slice(&length[..size]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_bytes_as_they_need() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u64::MAX, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ] {
            let mut out = Vec::new();
            varint(value, &mut out);
            assert_eq!(out, bytes);
        }
        for (value, bytes) in [(0, [0]), (-1, [1]), (1, [2]), (-64, [127])] {
            let mut out = Vec::new();
            signed(value, &mut out);
            assert_eq!(out, bytes);
        }
    }

    #[test]
    fn messages_of_any_length_have_it_in_front() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let body: Vec<u8> = (0..length).map(|number| number as u8).collect();
            let mut out = b"before".to_vec();
            message(1, &mut out, |out| out.extend_from_slice(&body));
            let mut expected = b"before\x0a".to_vec();
            varint(length, &mut expected);
            expected.extend_from_slice(&body);
            assert!(out == expected, "{length}");
        }
    }
}
