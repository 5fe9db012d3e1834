//! Sealing, while samples go on.

use proptest::prelude::*;

use super::*;

/// What samples come back, in order of time.
fn samples(columns: &Columns) -> Vec<(i64, u64)> {
    let bits = columns.values.iter().map(|value| value.to_bits());
    columns.timestamps.iter().copied().zip(bits).collect()
}

fn all(series: &Series) -> Vec<(i64, u64)> {
    let mut columns = Columns::default();
    series.read(TimeRange::ALL, &mut columns).unwrap();
    samples(&columns)
}

proptest! {
    #[test]
    fn what_is_sealed_goes_and_what_came_since_stays(
        counts in proptest::collection::vec((0_i64..300, 0_i64..300, any::<bool>()), 1..6),
    ) {
        let series = Series::new(Labels::default());
        let (mut next, mut kept) = (0, 0);
        let mut push = |series: &Series, count: i64| {
            for time in next..next + count {
                series.push(time * 1000, time as f64 / 3.0);
            }
            next += count;
            next
        };
        let expected = |from: i64, to: i64| -> Vec<_> {
            (from..to).map(|time| (time * 1000, (time as f64 / 3.0).to_bits())).collect()
        };
        for (before, since, written) in counts {
            let sealed = push(&series, before);
            series.seal();
            let end = push(&series, since);
            let mut columns = Columns::default();
            series.read_sealed(&mut columns).unwrap();
            prop_assert_eq!(samples(&columns), expected(kept, sealed));
            prop_assert_eq!(all(&series), expected(kept, end));
            // A block that could not be written is tried again with what came since.
            if written {
                series.drop_sealed();
                kept = sealed;
            }
            prop_assert_eq!(all(&series), expected(kept, end));
            prop_assert_eq!(series.bounds(), (kept < end).then(|| (kept * 1000, (end - 1) * 1000)));
        }
    }
}
