//! Times as text.

use stonechat_model::Timestamp;

/// RFC 3339 in UTC with as many digits behind the second as there are, as Go writes times in JSON.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(time.millis());
    // Beyond the calendar stands its first or last moment.
    let moment = moment.unwrap_or(match time.millis() {
        ..0 => jiff::Timestamp::MIN,
        0.. => jiff::Timestamp::MAX,
    });
    moment.to_string()
}

/// How Go writes a time that is not set.
pub(crate) const UNSET: &str = "0001-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_end_where_zeros_begin() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_767_225_600_120, "2026-01-01T00:00:00.12Z"),
            (1_767_225_600_001, "2026-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::from_millis(millis)), text);
        }
        assert!(rfc3339(Timestamp::MAX).starts_with("9999-12-"));
        assert!(rfc3339(Timestamp::MIN).starts_with("-009999-01-"));
    }
}
