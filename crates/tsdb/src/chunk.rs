//! Chunks: up to 120 samples of one series, compressed after the Gorilla paper; knows no files and no clock.
//!
//! The layout of the bits is drawn in `docs/storage.md`. Timestamps cost the change of their distance, values
//! the bits in which they differ from the value before. Every bit comes back, also of NaN and -0.0.

mod bits; // bit-level writer and reader
mod decode; // bytes to samples
mod encode; // samples to bytes

use std::sync::Arc;

use stonechat_model::{Columns, TimeRange, Timestamp};

pub(crate) use decode::{DecodeError, Samples};
pub(crate) use encode::ChunkBuilder;

/// Samples in a full chunk.
pub(crate) const CHUNK_SAMPLES_MAX: u16 = 120;

/// Widths in bits of the classes into which a change of distance between timestamps falls, after "none".
/// ±64 ms takes the jitter of real scrapes, 20 bits the first distance of any usual interval.
const STEP_WIDTHS: [u8; 3] = [7, 12, 20];

/// Leading zeros are written in five bits.
const LEADING_MAX: u8 = 31;

/// A finished run of samples. Cloning copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Time of the first sample.
    pub start: i64,
    /// Time of the last sample.
    pub end: i64,
    /// Number of samples.
    pub samples: u16,
    /// The compressed samples.
    pub bytes: Arc<[u8]>,
}

impl Chunk {
    /// True when a sample may lie in the range.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.start <= range.end.millis() && range.start.millis() <= self.end
    }

    /// The samples in order.
    pub fn samples(&self) -> Samples<'_> {
        Samples::new(&self.bytes, self.samples)
    }

    /// Appends the samples within the range to `columns`.
    pub fn read(&self, range: TimeRange, columns: &mut Columns) -> Result<(), DecodeError> {
        columns.timestamps.reserve(usize::from(self.samples));
        columns.values.reserve(usize::from(self.samples));
        for sample in self.samples() {
            let (timestamp, value) = sample?;
            let timestamp = Timestamp::from_millis(timestamp);
            if timestamp > range.end {
                break;
            }
            if timestamp >= range.start {
                columns.push(timestamp, value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stonechat_model::STALE_NAN;

    use super::*;

    fn build(samples: &[(i64, f64)]) -> Chunk {
        let mut builder = ChunkBuilder::default();
        for &(timestamp, value) in samples {
            builder.push(timestamp, value);
        }
        builder.chunk().expect("there are samples")
    }

    fn bits(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
        samples
            .iter()
            .map(|&(timestamp, value)| (timestamp, value.to_bits()))
            .collect()
    }

    fn check(samples: &[(i64, f64)]) -> Chunk {
        let chunk = build(samples);
        let decoded: Vec<_> = chunk.samples().collect::<Result<_, _>>().unwrap();
        assert_eq!(bits(&decoded), bits(samples));
        chunk
    }

    #[test]
    fn keeps_every_bit() {
        let odd_nan = f64::from_bits(0xfff8_dead_beef_0001);
        let values = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            f64::NAN,
            odd_nan,
            STALE_NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            f64::from_bits(1),
            f64::MAX,
        ];
        let samples: Vec<_> = (0..).map(|i| i * 15_000).zip(values).collect();
        check(&samples);
    }

    #[test]
    fn keeps_the_ends_of_time() {
        check(&[(i64::MIN, 1.0), (i64::MAX, 2.0)]);
        check(&[(i64::MIN, 1.0), (0, 1.0), (1, 1.0), (i64::MAX, 2.0)]);
    }

    #[test]
    fn a_steady_series_is_small() {
        let steady: Vec<_> = (0..120).map(|i| (i * 15_000, 7.0)).collect();
        assert!(check(&steady).bytes.len() <= 16 + 3 + 30);
        let jitter: Vec<_> = (0..120)
            .map(|i| (i * 15_000 + (i * 7) % 21 - 10, 7.0))
            .collect();
        assert!(check(&jitter).bytes.len() <= 16 + 3 + 150);
    }

    #[test]
    fn cut_bytes_are_an_error_at_every_length() {
        let samples: Vec<_> = (0..50).map(|i| (i * i, (i as f64).sqrt())).collect();
        let chunk = build(&samples);
        for length in 0..chunk.bytes.len() - 1 {
            let cut = Chunk {
                bytes: chunk.bytes[..length].into(),
                ..chunk.clone()
            };
            let read = cut.read(TimeRange::ALL, &mut Columns::default());
            assert_eq!(read, Err(DecodeError::Short), "{length}");
        }
    }

    #[test]
    fn reads_only_the_range() {
        let chunk = build(&[(10, 1.0), (20, 2.0), (30, 3.0)]);
        let range = |start, end| TimeRange {
            start: Timestamp::from_millis(start),
            end: Timestamp::from_millis(end),
        };
        let mut columns = Columns::default();
        chunk.read(range(11, 29), &mut columns).unwrap();
        assert_eq!(columns.timestamps, [20]);
        assert!(chunk.overlaps(range(30, 40)) && chunk.overlaps(range(0, 10)));
        assert!(!chunk.overlaps(range(31, 40)) && !chunk.overlaps(range(0, 9)));
    }

    /// Any bits at all, and the near repetitions that real series are made of.
    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (-3_i32..1000).prop_map(f64::from),
            (0_u32..1000).prop_map(|n| f64::from(n) / 8.0),
            Just(-0.0),
            Just(STALE_NAN),
        ]
    }

    fn any_step() -> impl Strategy<Value = u64> {
        prop_oneof![
            14_990_u64..15_010,
            1_u64..100,
            1..u64::MAX / 4,
            Just(15_000)
        ]
    }

    fn ordered_samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
        let steps = proptest::collection::vec((any_step(), any_value()), 1..=120);
        (any::<i64>(), steps).prop_map(|(start, steps)| {
            let mut timestamp = start;
            let mut samples = Vec::new();
            for (step, value) in steps {
                samples.push((timestamp, value));
                match timestamp.checked_add_unsigned(step) {
                    Some(next) => timestamp = next,
                    None => break,
                }
            }
            samples
        })
    }

    proptest! {
        #[test]
        fn decoding_returns_what_was_encoded(samples in ordered_samples()) {
            let chunk = check(&samples);
            prop_assert_eq!(chunk.start, samples[0].0);
            prop_assert_eq!(chunk.end, samples[samples.len() - 1].0);
        }

        #[test]
        fn a_resumed_builder_goes_on_as_if_nothing_had_been(samples in ordered_samples(), cut in 0_usize..120) {
            let cut = cut.min(samples.len());
            let mut builder = ChunkBuilder::default();
            if cut > 0 {
                builder = ChunkBuilder::resume(&build(&samples[..cut])).unwrap();
            }
            for &(timestamp, value) in &samples[cut..] {
                builder.push(timestamp, value);
            }
            prop_assert_eq!(builder.chunk(), Some(build(&samples)));
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), samples in 0_u16..200) {
            let read = Samples::new(&bytes, samples).count();
            prop_assert!(read <= usize::from(samples));
        }
    }
}
