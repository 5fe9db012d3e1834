//! What a library says about the unit of a metric, in words or by the name.

use metrics::Unit;

use crate::buckets;
use crate::desc::{Desc, Kind, TimeUnit};

/// Endings of names, and the unit that each says.
const ENDINGS: [(&str, Unit); 10] = [
    ("_seconds", Unit::Seconds),
    ("_s", Unit::Seconds),
    ("_milliseconds", Unit::Milliseconds),
    ("_ms", Unit::Milliseconds),
    ("_microseconds", Unit::Microseconds),
    ("_us", Unit::Microseconds),
    ("_nanoseconds", Unit::Nanoseconds),
    ("_ns", Unit::Nanoseconds),
    ("_bytes", Unit::Bytes),
    ("_percent", Unit::Percent),
];

/// Sets the unit, if the name ends in it, and for a histogram the usual buckets of the unit.
pub fn apply(desc: &mut Desc, told: Option<Unit>) {
    if let Some(unit) = told
        && desc.family_name().ends_with(&format!("_{}", unit.as_str()))
    {
        unit.as_str().clone_into(&mut desc.unit);
    }
    if desc.kind != Kind::Histogram {
        return;
    }
    let ending = |(ending, _): &&(&str, Unit)| desc.name.ends_with(ending);
    let said = ENDINGS.iter().find(ending).map(|(_, unit)| *unit);
    // The name is what readers see; what it says is not contradicted.
    desc.time_unit = match said.or(told) {
        Some(Unit::Milliseconds) => TimeUnit::Milliseconds,
        _ => TimeUnit::Seconds,
    };
    desc.buckets = bounds(told.or(said)).into();
}

/// The usual buckets for values of a unit.
fn bounds(unit: Option<Unit>) -> Vec<f64> {
    // All of them are whole numbers in the smaller units.
    let seconds = |in_one: f64| {
        let bounds = buckets::SECONDS.iter();
        bounds.map(|bound| (bound * in_one).round()).collect()
    };
    match unit {
        None | Some(Unit::Seconds) => buckets::SECONDS.to_vec(),
        Some(Unit::Milliseconds) => seconds(1e3),
        Some(Unit::Microseconds) => seconds(1e6),
        Some(Unit::Nanoseconds) => seconds(1e9),
        Some(Unit::Percent) => vec![1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 100.0],
        Some(Unit::Bytes) => buckets::exponential(64.0, 4.0, 10),
        Some(Unit::Kibibytes | Unit::Mebibytes | Unit::Gibibytes | Unit::Tebibytes) => {
            buckets::exponential(1.0, 4.0, 9)
        }
        Some(_) => buckets::exponential(1.0, 10.0, 10),
    }
}

#[cfg(test)]
mod tests {
    use metrics::Unit;

    use super::apply;
    use crate::desc::{Desc, Kind, TimeUnit};

    #[test]
    fn the_unit_decides_the_buckets_and_the_name_is_not_contradicted() {
        use TimeUnit::{Milliseconds, Seconds};
        // Name, what is told, and the unit, the time unit and the last bucket.
        let cases = [
            ("wait", None, "", Seconds, 10.0),
            ("wait_seconds", None, "", Seconds, 10.0),
            (
                "wait_seconds",
                Some(Unit::Seconds),
                "seconds",
                Seconds,
                10.0,
            ),
            ("wait_ms", None, "", Milliseconds, 10_000.0),
            (
                "wait_ms",
                Some(Unit::Milliseconds),
                "",
                Milliseconds,
                10_000.0,
            ),
            ("wait", Some(Unit::Milliseconds), "", Milliseconds, 10_000.0),
            (
                "wait_milliseconds",
                Some(Unit::Milliseconds),
                "milliseconds",
                Milliseconds,
                10_000.0,
            ),
            (
                "wait_seconds",
                Some(Unit::Milliseconds),
                "",
                Seconds,
                10_000.0,
            ),
            ("wait_us", None, "", Seconds, 10_000_000.0),
            ("body_bytes", None, "", Seconds, 16_777_216.0),
            ("body", Some(Unit::Bytes), "", Seconds, 16_777_216.0),
            ("load", Some(Unit::Percent), "", Seconds, 100.0),
            ("rows", Some(Unit::Count), "", Seconds, 1e9),
        ];
        for (name, told, unit, time_unit, last) in cases {
            let place = std::panic::Location::caller();
            let mut desc = Desc::new(name.to_owned(), "Help.", Kind::Histogram, place);
            apply(&mut desc, told);
            assert!(desc.check(&[]).is_ok(), "{name} {told:?}");
            let read = (desc.unit.as_str(), desc.time_unit, desc.buckets.last());
            assert_eq!(read, (unit, time_unit, Some(&last)), "{name} {told:?}");
        }
    }
}
