//! Label values of which there will be ever more: ids, raw paths, numbers that count up.

/// Digits in a row from which on a value is likely an id, a telephone number or a time.
const DIGITS_MIN: usize = 6;

/// Hexadecimal digits in a row, with at least one digit among them, from which on a value is
/// likely a hash or an id.
const HEX_MIN: usize = 16;

/// Why a label value looks unbounded, if it does.
pub fn suspicion(value: &str) -> Option<&'static str> {
    if is_uuid_inside(value) {
        return Some("a UUID");
    }
    if has_long_hex(value) {
        return Some("a hash or an id");
    }
    if has_long_number(value) {
        return Some("a long number");
    }
    is_raw_path(value).then_some("a raw path")
}

fn has_long_number(value: &str) -> bool {
    let mut runs = value.as_bytes().split(|byte| !byte.is_ascii_digit());
    runs.any(|run| run.len() >= DIGITS_MIN)
}

fn has_long_hex(value: &str) -> bool {
    value
        .as_bytes()
        .split(|byte| !byte.is_ascii_hexdigit())
        .any(|run| run.len() >= HEX_MIN && run.iter().any(u8::is_ascii_digit))
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn is_uuid_inside(value: &str) -> bool {
    const LENGTH: usize = 36;
    let dash = |position: usize| matches!(position, 8 | 13 | 18 | 23);
    value.as_bytes().windows(LENGTH).any(|window| {
        let mut bytes = window.iter().enumerate();
        bytes.all(|(position, byte)| match dash(position) {
            true => *byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
    })
}

/// A path with a query, or with a segment that is a number: a template has `{id}` there.
fn is_raw_path(value: &str) -> bool {
    let is_number =
        |segment: &str| !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    value.starts_with('/') && (value.contains('?') || value.split('/').any(is_number))
}

#[cfg(test)]
mod tests {
    use super::suspicion;

    #[test]
    fn ids_are_suspected_and_words_are_not() {
        for (value, expected) in [
            ("0f8fad5b-d9cb-469f-a165-70867728950e", Some("a UUID")),
            ("user:0F8FAD5B-D9CB-469F-A165-70867728950E", Some("a UUID")),
            ("0f8fad5b-d9cb-469f-a165", None),
            ("123456", Some("a long number")),
            ("order-20261122", Some("a long number")),
            ("12345", None),
            ("d41d8cd98f00b204e9800998ecf8427e", Some("a hash or an id")),
            ("/users/7", Some("a raw path")),
            ("/search?q=x", Some("a raw path")),
            ("/users/{id}", None),
            ("/v1/users/{id}/messages", None),
            ("GET", None),
            ("200", None),
            ("127.0.0.1:8080", None),
            ("defaced facade", None),
            ("", None),
            ("größe", None),
        ] {
            assert_eq!(suspicion(value), expected, "{value}");
        }
    }
}
