//! Native histograms: buckets that nobody has to choose, each a fixed factor wider than the last.

use std::collections::BTreeMap;

/// Values up to here, of either sign, are in the bucket for zero: 2^-128, as Prometheus' clients
/// have it.
pub const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// The resolution at the start: buckets grow by the factor 2^(1/8), about 9 %.
const SCHEMA_FIRST: i32 = 3;

/// The lowest resolution that Prometheus takes: buckets grow by the factor 65,536.
const SCHEMA_LAST: i32 = -4;

/// A native histogram. When it has more buckets than it may, every two of them become one.
#[derive(Debug)]
pub struct NativeCell {
    buckets_max: usize,
    schema: i32,
    zero: u64,
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
}

/// A native histogram at one moment.
#[derive(Debug, Default)]
pub struct NativeReading {
    pub schema: i32,
    pub zero: u64,
    /// Number of observations by index: bucket `i` ends at `2^(i / 2^schema)`, included.
    pub positive: Vec<(i32, u64)>,
    pub negative: Vec<(i32, u64)>,
}

impl NativeCell {
    pub fn new(buckets_max: usize) -> Self {
        Self {
            buckets_max,
            schema: SCHEMA_FIRST,
            zero: 0,
            positive: BTreeMap::new(),
            negative: BTreeMap::new(),
        }
    }

    /// Counts a finite value.
    pub fn record(&mut self, value: f64) {
        if value.abs() <= ZERO_THRESHOLD {
            self.zero += 1;
            return;
        }
        let index = index(value.abs(), self.schema);
        let side = if value > 0.0 {
            &mut self.positive
        } else {
            &mut self.negative
        };
        *side.entry(index).or_default() += 1;
        while self.positive.len() + self.negative.len() > self.buckets_max
            && self.schema > SCHEMA_LAST
        {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.schema -= 1;
        for side in [&mut self.positive, &mut self.negative] {
            let mut wider = BTreeMap::new();
            for (index, count) in side.iter() {
                // Bucket i goes from i - 1 to i, so 2i - 1 and 2i become i.
                *wider.entry((index + 1) >> 1).or_default() += count;
            }
            *side = wider;
        }
    }

    /// Copies the buckets to where those of another histogram may have been.
    pub fn read(&self, reading: &mut NativeReading) {
        reading.schema = self.schema;
        reading.zero = self.zero;
        for (own, copied) in [
            (&self.positive, &mut reading.positive),
            (&self.negative, &mut reading.negative),
        ] {
            copied.clear();
            copied.extend(own.iter().map(|(index, count)| (*index, *count)));
        }
    }
}

/// The bucket of a positive value.
fn index(value: f64, schema: i32) -> i32 {
    // Whole powers of two are exact, and so their bucket must be: a logarithm may be off by a bit.
    let guess = (value.log2() * f64::from(schema).exp2()).ceil() as i32;
    if upper_bound(guess - 1, schema) >= value {
        guess - 1
    } else if upper_bound(guess, schema) < value {
        guess + 1
    } else {
        guess
    }
}

/// The end of a bucket, which belongs to it.
fn upper_bound(index: i32, schema: i32) -> f64 {
    (f64::from(index) / f64::from(schema).exp2()).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(buckets_max: usize, values: &[f64]) -> NativeReading {
        let mut cell = NativeCell::new(buckets_max);
        for value in values {
            cell.record(*value);
        }
        let mut reading = NativeReading::default();
        cell.read(&mut reading);
        reading
    }

    #[test]
    fn a_bucket_includes_its_end() {
        for (value, schema, bucket) in [
            (1.0, 3, 0),
            (1.000_001, 3, 1),
            (2.0, 3, 8),
            (0.5, 3, -8),
            (2.0, 0, 1),
            (2.1, 0, 2),
            (65_536.0, -4, 1),
            (65_537.0, -4, 2),
            (f64::MIN_POSITIVE, 0, -1022),
            (f64::MAX, 3, 8192),
        ] {
            assert_eq!(index(value, schema), bucket, "{value} at {schema}");
        }
    }

    #[test]
    fn values_of_both_signs_and_zero_have_their_places() {
        let reading = recorded(100, &[1.0, 1.0, -2.0, 0.0, -0.0, 1e-40]);
        assert_eq!(reading.positive, [(0, 2)]);
        assert_eq!(reading.negative, [(8, 1)]);
        assert_eq!((reading.zero, reading.schema), (3, 3));
    }

    #[test]
    fn too_many_buckets_become_wider_ones_and_nothing_is_lost() {
        let values: Vec<f64> = (0..1_000).map(|step| 1.01_f64.powi(step)).collect();
        for buckets_max in [10, 20, 160] {
            let reading = recorded(buckets_max, &values);
            assert!(reading.positive.len() <= buckets_max, "{reading:?}");
            let total: u64 = reading.positive.iter().map(|(_, count)| count).sum();
            assert_eq!(total, 1_000);
            for value in &values {
                let bucket = index(*value, reading.schema);
                assert!(reading.positive.iter().any(|(own, _)| *own == bucket));
            }
        }
    }

    #[test]
    fn even_the_widest_buckets_hold_every_float() {
        let extremes = [f64::MAX, f64::MIN_POSITIVE, -f64::MAX, 5e-324, 1.0];
        let reading = recorded(1, &extremes);
        assert_eq!(reading.schema, SCHEMA_LAST);
    }
}
