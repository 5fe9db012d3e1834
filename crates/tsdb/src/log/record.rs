//! What stands in a record of the first version of the log, which is only read.

#[cfg(test)]
use std::io;

use stonechat_model::Labels;

use super::frame::Kind;
#[cfg(test)]
use super::frame::put_record;
use crate::bytes::{Cursor, unzigzag};
#[cfg(test)]
use crate::bytes::{put_text, put_varint, zigzag};
use crate::chunk::Chunk;

/// Names a series in the log. Given in the order in which series are first logged, never given twice while a log lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogId(pub u64);

/// A sample in the log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// Its series.
    pub id: LogId,
    /// Its time.
    pub timestamp: i64,
    /// Its value.
    pub value: f64,
}

/// A record, read.
#[derive(Debug, PartialEq)]
pub(crate) enum Logged {
    /// From here on an id stands for a label set.
    Series(Vec<(LogId, Labels)>),
    /// Samples in the order in which they were accepted.
    Samples(Vec<Sample>),
    /// Compressed samples in order of time.
    Chunks(LogId, Vec<Chunk>),
    /// A checkpoint is complete with so many series.
    End(u64),
}

/// The only encoding of chunks so far.
const ENCODING_GORILLA: u8 = 1;

#[cfg(test)]
/// Values that are whole numbers below this are written as such.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends a record that gives series their ids, as older programs wrote it.
#[cfg(test)]
fn put_series<'a>(
    bytes: &mut Vec<u8>,
    series: impl ExactSizeIterator<Item = (LogId, &'a Labels)>,
) -> io::Result<()> {
    put_record(bytes, Kind::Series, |bytes| {
        put_varint(bytes, series.len() as u64);
        for (id, labels) in series {
            put_varint(bytes, id.0);
            put_varint(bytes, labels.len() as u64);
            for (name, value) in labels.iter() {
                put_text(bytes, name);
                put_text(bytes, value);
            }
        }
    })
}

/// Appends a record of samples as older programs wrote it: those that share `timestamp`, and those with a time of their own.
#[cfg(test)]
fn put_samples(
    bytes: &mut Vec<u8>,
    timestamp: i64,
    shared: &[Sample],
    stamped: &[Sample],
) -> io::Result<()> {
    put_record(bytes, Kind::Samples, |bytes| {
        bytes.extend(timestamp.to_le_bytes());
        put_varint(bytes, shared.len() as u64);
        put_ids(bytes, shared);
        put_values(bytes, shared);
        put_varint(bytes, stamped.len() as u64);
        put_ids(bytes, stamped);
        let mut last = timestamp;
        for sample in stamped {
            put_varint(bytes, zigzag(sample.timestamp.wrapping_sub(last)));
            last = sample.timestamp;
        }
        put_values(bytes, stamped);
    })
}

/// Appends a record of chunks of one series, as older programs wrote them.
#[cfg(test)]
fn put_chunks(bytes: &mut Vec<u8>, id: LogId, chunks: &[Chunk]) -> io::Result<()> {
    put_record(bytes, Kind::Chunks, |bytes| {
        put_varint(bytes, id.0);
        put_varint(bytes, chunks.len() as u64);
        for chunk in chunks {
            bytes.push(ENCODING_GORILLA);
            put_varint(bytes, u64::from(chunk.samples));
            put_varint(bytes, zigzag(chunk.start));
            put_varint(bytes, chunk.end.wrapping_sub(chunk.start).cast_unsigned());
            put_varint(bytes, chunk.bytes.len() as u64);
            bytes.extend_from_slice(&chunk.bytes);
        }
    })
}

impl Logged {
    /// Reads a payload; `None` when it is malformed.
    pub fn decode(kind: Kind, payload: &[u8]) -> Option<Self> {
        let mut payload = Cursor(payload);
        let logged = match kind {
            Kind::Series => Self::Series(series(&mut payload)?),
            Kind::Samples => Self::Samples(samples(&mut payload)?),
            Kind::Chunks => {
                let id = LogId(payload.varint()?);
                Self::Chunks(id, chunks(&mut payload)?)
            }
            Kind::End => Self::End(payload.varint()?),
            _ => return None,
        };
        payload.is_empty().then_some(logged)
    }
}

#[cfg(test)]
/// Ids in runs of neighbours: a target's series were numbered together, so its scrape is mostly one run.
fn put_ids(bytes: &mut Vec<u8>, samples: &[Sample]) {
    let mut expected = 0_u64;
    for run in samples.chunk_by(|one, next| next.id.0 == one.id.0.wrapping_add(1)) {
        let start = run[0].id.0;
        put_varint(bytes, zigzag(start.wrapping_sub(expected).cast_signed()));
        put_varint(bytes, run.len() as u64);
        expected = start.wrapping_add(run.len() as u64);
    }
}

#[cfg(test)]
/// Whole numbers are what most values are, and are written as varints with the lowest bit clear. Of others stand
/// the bytes from the highest to the last that is not zero, behind a byte with their number and the lowest bit set.
fn put_values(bytes: &mut Vec<u8>, samples: &[Sample]) {
    for sample in samples {
        match whole(sample.value) {
            Some(number) => put_varint(bytes, zigzag(number) << 1),
            None => {
                let bits = sample.value.to_bits();
                // At most eight.
                let count = 8 - bits.trailing_zeros() as usize / 8;
                bytes.push((count as u8) << 1 | 1);
                bytes.extend_from_slice(&bits.to_be_bytes()[..count]);
            }
        }
    }
}

#[cfg(test)]
/// The value as a whole number, if it is one to the last bit: -0.0 is none.
fn whole(value: f64) -> Option<i64> {
    if value.abs() >= WHOLE_MAX {
        return None;
    }
    // In range, and NaN becomes 0, whose bits differ.
    let number = value as i64;
    ((number as f64).to_bits() == value.to_bits()).then_some(number)
}

fn series(payload: &mut Cursor<'_>) -> Option<Vec<(LogId, Labels)>> {
    let count = payload.varint()?;
    let mut series = Vec::new();
    for _ in 0..count {
        let id = LogId(payload.varint()?);
        let mut pairs = Vec::new();
        for _ in 0..payload.varint()? {
            pairs.push((payload.text()?, payload.text()?));
        }
        series.push((id, Labels::from_pairs(pairs).ok()?));
    }
    Some(series)
}

fn samples(payload: &mut Cursor<'_>) -> Option<Vec<Sample>> {
    let timestamp = payload.i64()?;
    let mut samples = Vec::new();
    ids(payload, timestamp, &mut samples)?;
    values(payload, &mut samples)?;
    let shared = samples.len();
    ids(payload, timestamp, &mut samples)?;
    let mut last = timestamp;
    for sample in &mut samples[shared..] {
        last = last.wrapping_add(unzigzag(payload.varint()?));
        sample.timestamp = last;
    }
    values(payload, &mut samples[shared..])?;
    Some(samples)
}

fn ids(payload: &mut Cursor<'_>, timestamp: i64, samples: &mut Vec<Sample>) -> Option<()> {
    let count = payload.varint()?;
    // Every sample takes a byte at least, which bounds what a wrong count can ask for.
    if count > payload.0.len() as u64 {
        return None;
    }
    let (mut left, mut expected) = (count, 0_u64);
    while left > 0 {
        let start = expected.wrapping_add(unzigzag(payload.varint()?).cast_unsigned());
        let run = payload.varint()?;
        if run == 0 || run > left {
            return None;
        }
        samples.extend((0..run).map(|place| Sample {
            id: LogId(start.wrapping_add(place)),
            timestamp,
            value: 0.0,
        }));
        expected = start.wrapping_add(run);
        left -= run;
    }
    Some(())
}

fn values(payload: &mut Cursor<'_>, samples: &mut [Sample]) -> Option<()> {
    for sample in samples {
        let front = payload.0.first()?;
        if front & 1 == 0 {
            let number = unzigzag(payload.varint()? >> 1);
            sample.value = number as f64;
        } else {
            let count = usize::from(payload.byte()? >> 1);
            let mut bits = [0; 8];
            let place = bits.get_mut(..count)?;
            place.copy_from_slice(payload.take(count as u64)?);
            sample.value = f64::from_bits(u64::from_be_bytes(bits));
        }
    }
    Some(())
}

fn chunks(payload: &mut Cursor<'_>) -> Option<Vec<Chunk>> {
    let count = payload.varint()?;
    let mut chunks = Vec::new();
    for _ in 0..count {
        if payload.byte()? != ENCODING_GORILLA {
            return None;
        }
        let samples = u16::try_from(payload.varint()?)
            .ok()
            .filter(|&samples| samples > 0)?;
        let start = unzigzag(payload.varint()?);
        let end = start.checked_add_unsigned(payload.varint()?)?;
        let length = payload.varint()?;
        let bytes = payload.take(length)?.into();
        chunks.push(Chunk {
            start,
            end,
            samples,
            bytes,
        });
    }
    Some(chunks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stonechat_model::STALE_NAN;

    use super::super::frame::{FRAME_BACK_BYTES, FRAME_FRONT_BYTES};
    use super::*;
    use crate::chunk::ChunkBuilder;

    fn payload(record: &[u8]) -> &[u8] {
        &record[FRAME_FRONT_BYTES..record.len() - FRAME_BACK_BYTES]
    }

    fn bits(samples: &[Sample]) -> Vec<(LogId, i64, u64)> {
        samples
            .iter()
            .map(|sample| (sample.id, sample.timestamp, sample.value.to_bits()))
            .collect()
    }

    fn check_samples(timestamp: i64, shared: &[Sample], stamped: &[Sample]) -> usize {
        let mut record = Vec::new();
        put_samples(&mut record, timestamp, shared, stamped).unwrap();
        let Some(Logged::Samples(read)) = Logged::decode(Kind::Samples, payload(&record)) else {
            panic!("not read: {record:x?}");
        };
        assert_eq!(bits(&read), bits(&[shared, stamped].concat()));
        record.len()
    }

    #[test]
    fn a_scrape_of_small_counters_takes_a_byte_or_two_a_sample() {
        let shared: Vec<_> = (0..500)
            .map(|n| Sample {
                id: LogId(1000 + n),
                timestamp: 1_700_000_000_000,
                value: n as f64,
            })
            .collect();
        assert!(check_samples(1_700_000_000_000, &shared, &[]) < 1000);
    }

    #[test]
    fn series_and_chunks_come_back() {
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a\u{1f600}")]).unwrap();
        let empty = Labels::default();
        let series = [(LogId(7), &labels), (LogId(u64::MAX), &empty)];
        let mut record = Vec::new();
        put_series(&mut record, series.into_iter()).unwrap();
        let read = Logged::decode(Kind::Series, payload(&record));
        let owned = series.map(|(id, labels)| (id, labels.clone())).to_vec();
        assert_eq!(read, Some(Logged::Series(owned)));

        let mut builder = ChunkBuilder::default();
        builder.push(i64::MIN, 1.0);
        builder.push(i64::MAX, STALE_NAN);
        let chunks = vec![builder.chunk().unwrap()];
        let mut record = Vec::new();
        put_chunks(&mut record, LogId(7), &chunks).unwrap();
        let read = Logged::decode(Kind::Chunks, payload(&record));
        assert_eq!(read, Some(Logged::Chunks(LogId(7), chunks)));
    }

    #[test]
    fn a_cut_or_longer_payload_is_malformed() {
        let sample = |id, timestamp, value| Sample {
            id: LogId(id),
            timestamp,
            value,
        };
        let mut record = Vec::new();
        put_samples(&mut record, 5, &[sample(1, 5, 0.5)], &[sample(2, 9, 300.0)]).unwrap();
        let whole = payload(&record);
        for length in 0..whole.len() {
            assert_eq!(Logged::decode(Kind::Samples, &whole[..length]), None);
        }
        let longer = [whole, &[0]].concat();
        assert_eq!(Logged::decode(Kind::Samples, &longer), None);
    }

    fn any_sample() -> impl Strategy<Value = Sample> {
        let id = prop_oneof![0_u64..50, any::<u64>()];
        let value = prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            any::<i64>().prop_map(|number| number as f64),
            (-1000_i32..1000).prop_map(|number| f64::from(number) / 4.0),
            Just(-0.0),
            Just(9_007_199_254_740_993.0),
            Just(9_007_199_254_740_991.0),
        ];
        (id, any::<i64>(), value).prop_map(|(id, timestamp, value)| Sample {
            id: LogId(id),
            timestamp,
            value,
        })
    }

    fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
        proptest::collection::vec(any_sample(), 0..40)
    }

    proptest! {
        #[test]
        fn samples_come_back(timestamp in any::<i64>(), mut shared in any_samples(), stamped in any_samples()) {
            for sample in &mut shared {
                sample.timestamp = timestamp;
            }
            check_samples(timestamp, &shared, &stamped);
        }

        #[test]
        fn any_payload_ends_without_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            for kind in [Kind::Series, Kind::Samples, Kind::Chunks, Kind::End] {
                let _ = Logged::decode(kind, &payload);
            }
        }
    }
}
