//! Names of blocks: 48 bits of time and 80 of chance, in Crockford's base 32 (<https://github.com/ulid/spec>).

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The name for a time in milliseconds.
pub(crate) fn ulid(millis: u64, random: u128) -> String {
    let mut value = u128::from(millis) << 80 | random & ((1 << 80) - 1);
    let mut digits = [b'0'; 26];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value & 31) as usize];
        value >>= 5;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::ulid;

    #[test]
    fn names_sort_by_time() {
        assert_eq!(ulid(0, 0), "00000000000000000000000000");
        assert_eq!(ulid((1 << 48) - 1, u128::MAX), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(&ulid(1_469_918_176_385, 0)[..10], "01ARYZ6S41");
        assert!(ulid(1, u128::MAX) < ulid(2, 0));
    }
}
