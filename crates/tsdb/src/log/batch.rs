//! The samples of one batch in the log.
//!
//! Samples of one time are a run. A value is written as what changed since the last value of its series in the same
//! segment, which mostly is nothing or a small whole number. So that damage stays small, every sixteenth run of a series
//! is a key run, whose values stand for themselves, and every other run carries a checksum of the values it builds on:
//! a reader that lost one of those leaves the run out instead of giving wrong values.

use super::record::LogId;
use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};

/// A float on its way into the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LogSample {
    /// Its series.
    pub id: LogId,
    /// Its time.
    pub timestamp: i64,
    /// Its value.
    pub bits: u64,
    /// The value before it in the segment.
    pub base: u64,
    /// What kind of run it may be in.
    pub link: Link,
}

/// How a sample hangs together with those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// It stands for itself, and the next builds on it.
    Key,
    /// It builds on the one before.
    Change,
    /// It stands for itself and came late: nothing builds on it.
    Late,
}

impl Link {
    const ALL: [Self; 3] = [Self::Key, Self::Change, Self::Late];
}

/// Whole numbers below this are written as such.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends the runs of samples. Neighbours of one time and kind are one run.
pub(crate) fn put_batch(bytes: &mut Vec<u8>, samples: &[LogSample]) {
    let mut time = 0_i64;
    for run in
        samples.chunk_by(|one, next| one.timestamp == next.timestamp && one.link == next.link)
    {
        let (first, count) = (run[0], run.len() as u64);
        put_varint(bytes, zigzag(first.timestamp.wrapping_sub(time)));
        time = first.timestamp;
        let link = Link::ALL
            .iter()
            .position(|link| *link == first.link)
            .unwrap_or(0);
        put_varint(bytes, count << 2 | link as u64);
        put_ids(bytes, run);
        if first.link == Link::Change {
            let check = run.iter().fold(0, |check, sample| mix(check, sample.base));
            bytes.extend(check.to_le_bytes());
            put_values(bytes, run.iter().map(|sample| (sample.base, sample.bits)));
        } else {
            put_values(bytes, run.iter().map(|sample| (0, sample.bits)));
        }
    }
}

/// A checksum of the values that a run builds on.
fn mix(check: u32, base: u64) -> u32 {
    let mixed = (u64::from(check) ^ base).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as u32 ^ mixed as u32
}

/// Ids in runs of neighbours: a target's series were numbered together, so its scrape is mostly one run.
fn put_ids(bytes: &mut Vec<u8>, samples: &[LogSample]) {
    let mut expected = 0_u64;
    for run in samples.chunk_by(|one, next| next.id.0 == one.id.0.wrapping_add(1)) {
        let start = run[0].id.0;
        put_varint(bytes, zigzag(start.wrapping_sub(expected).cast_signed()));
        put_varint(bytes, run.len() as u64);
        expected = start.wrapping_add(run.len() as u64);
    }
}

/// The value as a whole number, if it is one to the last bit: -0.0 is none.
fn whole(bits: u64) -> Option<i64> {
    let value = f64::from_bits(bits);
    if value.abs() >= WHOLE_MAX {
        return None;
    }
    // In range, and NaN becomes 0, whose bits differ.
    let number = value as i64;
    ((number as f64).to_bits() == bits).then_some(number)
}

/// Pairs of base and value. A varint of which the lowest two bits say what the rest is:
/// 0: so many values are like their bases. 1: the zigzag of the difference of whole numbers. 2: so many low bytes of base XOR
/// value follow. 3: so many high bytes of the value follow.
fn put_values(bytes: &mut Vec<u8>, values: impl Iterator<Item = (u64, u64)>) {
    let mut same = 0_u64;
    for (base, bits) in values {
        if base == bits {
            same += 1;
            continue;
        }
        if same > 0 {
            put_varint(bytes, same << 2);
            same = 0;
        }
        if let (Some(before), Some(number)) = (whole(base), whole(bits)) {
            put_varint(bytes, zigzag(number - before) << 2 | 1);
            continue;
        }
        let changed = base ^ bits;
        let low = 8 - changed.leading_zeros() as usize / 8;
        let high = 8 - bits.trailing_zeros().min(56) as usize / 8;
        if low < high {
            bytes.push((low as u8) << 2 | 2);
            bytes.extend_from_slice(&changed.to_le_bytes()[..low]);
        } else {
            bytes.push((high as u8) << 2 | 3);
            bytes.extend_from_slice(&bits.to_be_bytes()[..high]);
        }
    }
    if same > 0 {
        put_varint(bytes, same << 2);
    }
}

/// A run of samples of one time that was read.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub timestamp: i64,
    /// Series and bits.
    pub samples: Vec<(LogId, u64)>,
    /// False when a value that it builds on is not what it was: it is left out.
    pub sound: bool,
}

/// What the values of a segment were so far.
pub(crate) trait Bases {
    /// The last value of a series in the segment.
    fn base(&self, id: LogId) -> u64;
    /// It has a new one.
    fn set(&mut self, id: LogId, bits: u64);
}

/// Reads the runs that [`put_batch`] wrote and gives each to `take`. `None` when the bytes are malformed.
pub(crate) fn take_batch<B: Bases>(
    bytes: &[u8],
    bases: &mut B,
    mut take: impl FnMut(&B, &Run),
) -> Option<()> {
    let mut cursor = Cursor(bytes);
    let (mut time, mut run) = (0_i64, Run::default());
    while !cursor.is_empty() {
        time = time.wrapping_add(unzigzag(cursor.varint()?));
        let head = cursor.varint()?;
        let link = *Link::ALL.get((head & 3) as usize)?;
        run.timestamp = time;
        take_ids(&mut cursor, head >> 2, &mut run.samples)?;
        run.sound = true;
        if link == Link::Change {
            let check: [u8; 4] = cursor.take(4)?.try_into().ok()?;
            let found = run.samples.iter_mut().fold(0, |check, (id, bits)| {
                *bits = bases.base(*id);
                mix(check, *bits)
            });
            run.sound = u32::from_le_bytes(check) == found;
        }
        take_values(&mut cursor, &mut run.samples)?;
        if run.sound && link != Link::Late {
            run.samples
                .iter()
                .for_each(|(id, bits)| bases.set(*id, *bits));
        }
        take(bases, &run);
    }
    Some(())
}

/// The most samples of one run; more would not fit into a batch.
const RUN_SAMPLES_MAX: u64 = 1 << 22;

fn take_ids(cursor: &mut Cursor<'_>, count: u64, samples: &mut Vec<(LogId, u64)>) -> Option<()> {
    samples.clear();
    if count > RUN_SAMPLES_MAX {
        return None;
    }
    let (mut left, mut expected) = (count, 0_u64);
    while left > 0 {
        let start = expected.wrapping_add(unzigzag(cursor.varint()?).cast_unsigned());
        let run = cursor.varint()?;
        if run == 0 || run > left {
            return None;
        }
        samples.extend((0..run).map(|place| (LogId(start.wrapping_add(place)), 0)));
        expected = start.wrapping_add(run);
        left -= run;
    }
    Some(())
}

/// Turns bases into values.
fn take_values(cursor: &mut Cursor<'_>, samples: &mut [(LogId, u64)]) -> Option<()> {
    let mut same = 0_u64;
    for (_, bits) in samples {
        if same > 0 {
            same -= 1;
            continue;
        }
        let token = cursor.varint()?;
        let rest = token >> 2;
        match token & 3 {
            0 => same = rest.checked_sub(1)?,
            1 => {
                // An unsound run may build on anything.
                let before = whole(*bits).unwrap_or(0);
                *bits = (before.wrapping_add(unzigzag(rest)) as f64).to_bits();
            }
            form => {
                let mut place = [0; 8];
                place
                    .get_mut(..usize::try_from(rest).ok()?)?
                    .copy_from_slice(cursor.take(rest)?);
                *bits = match form {
                    2 => *bits ^ u64::from_le_bytes(place),
                    _ => u64::from_be_bytes(place),
                };
            }
        }
    }
    (same == 0).then_some(())
}

#[cfg(test)]
mod tests {
    use hashbrown::HashMap;
    use proptest::prelude::*;

    use super::*;

    impl Bases for HashMap<LogId, u64> {
        fn base(&self, id: LogId) -> u64 {
            self.get(&id).copied().unwrap_or(0)
        }

        fn set(&mut self, id: LogId, bits: u64) {
            self.insert(id, bits);
        }
    }

    fn any_bits() -> impl Strategy<Value = u64> {
        prop_oneof![
            4 => (-100_i32..100).prop_map(|number| f64::from(number).to_bits()),
            2 => (-100_i32..100).prop_map(|number| (f64::from(number) / 3.0).to_bits()),
            1 => any::<u64>(),
            1 => Just((-0.0_f64).to_bits()),
            1 => Just(9_007_199_254_740_993.0_f64.to_bits()),
        ]
    }

    type Plain = Vec<(i64, Vec<(u64, u64)>)>;

    /// Runs at rising times, each with some series once.
    fn any_runs() -> impl Strategy<Value = Plain> {
        let run = proptest::collection::btree_map(0_u64..12, any_bits(), 1..9);
        proptest::collection::vec((0_i64..5, run), 1..12).prop_map(|runs| {
            let mut time = i64::MIN;
            let rising = runs.into_iter().map(|(step, run)| {
                time = time.wrapping_add(step + 1);
                (time, run.into_iter().collect())
            });
            rising.collect()
        })
    }

    fn samples(plain: &Plain) -> Vec<LogSample> {
        let mut before: HashMap<u64, u64> = HashMap::new();
        let mut samples = Vec::new();
        for (number, (timestamp, run)) in plain.iter().enumerate() {
            let known = run.iter().all(|(id, _)| before.contains_key(id));
            let link = match (known, number % 7) {
                (_, 6) => Link::Late,
                (true, _) => Link::Change,
                (false, _) => Link::Key,
            };
            for &(id, bits) in run {
                let base = before.get(&id).copied().unwrap_or(0);
                samples.push(LogSample {
                    id: LogId(id),
                    timestamp: *timestamp,
                    bits,
                    base,
                    link,
                });
                if link != Link::Late {
                    before.insert(id, bits);
                }
            }
        }
        samples
    }

    proptest! {
        #[test]
        fn batches_come_back(plain in any_runs()) {
            let mut bytes = Vec::new();
            put_batch(&mut bytes, &samples(&plain));
            let (mut bases, mut read) = (HashMap::new(), Plain::new());
            take_batch(&bytes, &mut bases, |_, run| {
                assert!(run.sound);
                read.push((run.timestamp, run.samples.iter().map(|(id, bits)| (id.0, *bits)).collect()));
            }).unwrap();
            prop_assert_eq!(read, plain);
        }

        #[test]
        fn a_run_on_a_wrong_base_is_unsound(plain in any_runs(), wrong in 0_u64..12) {
            let samples = samples(&plain);
            let mut bytes = Vec::new();
            put_batch(&mut bytes, &samples);
            let mut bases = HashMap::from([(LogId(wrong), 77_u64)]);
            let truth: HashMap<(i64, u64), u64> =
                samples.iter().map(|sample| ((sample.timestamp, sample.id.0), sample.bits)).collect();
            take_batch(&bytes, &mut bases, |_, run| {
                for (id, bits) in run.samples.iter().filter(|_| run.sound) {
                    assert_eq!(truth[&(run.timestamp, id.0)], *bits);
                }
            }).unwrap();
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = take_batch(&bytes, &mut HashMap::new(), |_, _| {});
        }
    }
}
