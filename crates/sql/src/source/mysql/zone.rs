use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// The time zone of a session, as far as it can be known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Zone(Option<TimeZone>);

impl Zone {
    /// From `@@session.time_zone`, and for `SYSTEM` from `@@system_time_zone`. The latter is an abbreviation such as
    /// `CST`, which several zones share; only UTC is taken from it, since any other would be a guess.
    pub(super) fn read(session: &str, system: &str) -> Self {
        let utc = ["UTC", "GMT", "Etc/UTC"];
        let name = if session.eq_ignore_ascii_case("SYSTEM") {
            Some(system)
                .filter(|system| utc.contains(system))
                .unwrap_or_default()
        } else {
            session
        };
        if utc.contains(&name) {
            return Self(Some(TimeZone::UTC));
        }
        Self(
            offset(name)
                .map(TimeZone::fixed)
                .or_else(|| TimeZone::get(name).ok()),
        )
    }

    /// A local time as milliseconds since 1970, if the zone is known and has that time.
    pub(super) fn milliseconds(&self, local: DateTime) -> Option<i64> {
        let zoned = local.to_zoned(self.0.clone()?).ok()?;
        Some(zoned.timestamp().as_millisecond())
    }
}

/// `+08:00`.
fn offset(name: &str) -> Option<Offset> {
    let (hours, minutes) = name.get(1..)?.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3_600 + minutes.parse::<i32>().ok()? * 60;
    match name.as_bytes()[0] {
        b'+' => Offset::from_seconds(seconds).ok(),
        b'-' => Offset::from_seconds(-seconds).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zones_that_are_certain_are_known() {
        let noon = jiff::civil::date(1970, 1, 1).at(12, 0, 0, 0);
        let hour = 3_600_000;
        for (session, system, milliseconds) in [
            ("SYSTEM", "UTC", Some(12 * hour)),
            ("SYSTEM", "CST", None),
            ("UTC", "CST", Some(12 * hour)),
            ("+08:00", "UTC", Some(4 * hour)),
            ("-05:30", "UTC", Some(17 * hour + hour / 2)),
            ("Asia/Shanghai", "UTC", Some(4 * hour)),
            ("nonsense", "UTC", None),
        ] {
            let zone = Zone::read(session, system);
            assert_eq!(zone.milliseconds(noon), milliseconds, "{session} {system}");
        }
    }
}
