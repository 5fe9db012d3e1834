//! Values to bytes.

use std::io;

use pco::{ChunkConfig, DeltaSpec, ModeSpec, standalone};
use stonechat_model::Histogram;

use super::numbers::Numbers;
use super::{Form, INTEGER_STREAMS, LEVELS, ordered};
use crate::bytes::{put_varint, zigzag};
use crate::histogram::put_histogram;
use crate::packing;

/// How hard `pco` tries. Its own default, 8, looks for more classes of numbers than a page has.
const LEVEL: usize = 6;

/// Which samples of which series a part is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The series.
    pub ordinal: u32,
    /// Its timestamps.
    pub grid: u32,
    /// The first of them.
    pub start: u32,
}

/// Collects parts of neighbouring series and compresses them. Kept from page to page for its memory.
#[derive(Debug, Default)]
pub(crate) struct PageBuilder {
    parts: u32,
    samples: usize,
    last: Place,
    first_ordinal: u32,
    /// What stands before the streams.
    front: Vec<u8>,
    integers: [Vec<i64>; INTEGER_STREAMS],
    bits: Vec<u64>,
    histograms: Vec<u8>,
    numbers: Numbers,
    differences: Vec<i64>,
    before: Before,
}

/// The differences of the part before, and for which part they may stand in.
#[derive(Debug, Default)]
struct Before {
    place: Place,
    scale: u8,
    differences: Vec<i64>,
}

impl PageBuilder {
    /// Samples so far.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The first and the last series.
    pub fn ordinals(&self) -> (u32, u32) {
        (self.first_ordinal, self.last.ordinal)
    }

    /// Adds floats; there is at least one.
    pub fn push(&mut self, place: Place, values: &[f64]) {
        self.begin_part(place, values.len());
        let first = values[0].to_bits();
        if values.iter().all(|value| value.to_bits() == first) {
            self.front.push(Form::Constant.byte(0, 0));
            self.front.extend(first.to_le_bytes());
            self.before.differences.clear();
        } else if self.numbers.take(values) {
            self.push_numbers(place);
        } else {
            self.front.push(Form::Bits.byte(0, 0));
            self.bits
                .extend(values.iter().map(|value| ordered(value.to_bits())));
            self.before.differences.clear();
        }
    }

    /// Adds histograms; there is at least one.
    pub fn push_histograms<'a>(
        &mut self,
        place: Place,
        histograms: impl ExactSizeIterator<Item = &'a Histogram>,
    ) {
        self.begin_part(place, histograms.len());
        self.front.push(Form::Histograms.byte(0, 0));
        self.before.differences.clear();
        let mut last = None;
        for histogram in histograms {
            put_histogram(&mut self.histograms, histogram, last);
            last = Some(histogram);
        }
    }

    fn begin_part(&mut self, place: Place, samples: usize) {
        if self.parts == 0 {
            self.first_ordinal = place.ordinal;
            self.last = Place {
                ordinal: place.ordinal,
                ..Place::default()
            };
        }
        put_varint(
            &mut self.front,
            u64::from(place.ordinal - self.last.ordinal),
        );
        put_varint(
            &mut self.front,
            zigzag(i64::from(place.grid) - i64::from(self.last.grid)),
        );
        put_varint(&mut self.front, u64::from(place.start));
        put_varint(&mut self.front, samples as u64);
        self.last = place;
        self.parts += 1;
        self.samples += samples;
    }

    fn push_numbers(&mut self, place: Place) {
        let (numbers, scale) = (&self.numbers.numbers, self.numbers.scale);
        self.differences.clear();
        self.differences
            .extend(numbers.windows(2).map(|pair| pair[1] - pair[0]));
        let comparable = self.before.differences.len() == self.differences.len()
            && self.before.scale == scale
            && (self.before.place.grid, self.before.place.start) == (place.grid, place.start);
        let pairs = || self.differences.iter().zip(&self.before.differences);
        let lowest = numbers.iter().copied().min().unwrap_or(0);
        let by_difference: u64 = self.differences.iter().map(|&number| width(number)).sum();
        let by_level: u64 = numbers[1..]
            .iter()
            .map(|&number| width(number - lowest) - u64::from(number > lowest))
            .sum();
        let predicted: u64 = match comparable {
            true => pairs().map(|(own, before)| width(own - before)).sum(),
            false => u64::MAX,
        };
        let count = self.differences.len() as u64;
        if by_level < by_difference.min(predicted) {
            self.front.push(Form::Levels.byte(0, scale));
            put_varint(&mut self.front, zigzag(lowest));
            let levels = numbers.iter().map(|number| number - lowest);
            self.integers[LEVELS].extend(levels);
        } else {
            let shorter = by_difference.min(predicted);
            // Streams for a mean of at most 1.5, 3 and 4.5 bits, and for more.
            let stream = (2 * shorter / (3 * count).max(1)).min(LEVELS as u64 - 1) as usize;
            if predicted < by_difference {
                self.front.push(Form::Predicted.byte(stream, scale));
                self.integers[stream].extend(pairs().map(|(own, before)| own - before));
            } else {
                self.front.push(Form::Differences.byte(stream, scale));
                self.integers[stream].extend_from_slice(&self.differences);
            }
            put_varint(&mut self.front, zigzag(numbers[0]));
        }
        put_varint(&mut self.front, self.numbers.exceptions.len() as u64);
        for &(place, bits) in &self.numbers.exceptions {
            put_varint(&mut self.front, place as u64);
            self.front.extend(bits.to_le_bytes());
        }
        self.before.place = place;
        self.before.scale = scale;
        std::mem::swap(&mut self.before.differences, &mut self.differences);
    }

    /// Appends the page to `payload` and begins the next.
    pub fn finish(&mut self, payload: &mut Vec<u8>) -> io::Result<()> {
        put_varint(payload, u64::from(self.first_ordinal));
        put_varint(payload, u64::from(self.parts));
        put_packed(payload, &self.front)?;
        let plain = ChunkConfig::default()
            .with_compression_level(LEVEL)
            .with_mode_spec(ModeSpec::Classic)
            .with_delta_spec(DeltaSpec::NoOp);
        for stream in &mut self.integers {
            put_stream(payload, stream, &plain)?;
            stream.clear();
        }
        let rising = plain.with_delta_spec(DeltaSpec::TryConsecutive(1));
        put_stream(payload, &self.bits, &rising)?;
        put_packed(payload, &self.histograms)?;
        self.bits.clear();
        self.histograms.clear();
        self.front.clear();
        self.before.differences.clear();
        (self.parts, self.samples) = (0, 0);
        Ok(())
    }
}

/// Bits of a number near zero, with its sign.
fn width(number: i64) -> u64 {
    u64::from(64 - zigzag(number).leading_zeros())
}

/// Appends bytes compressed by zstd, behind both lengths.
fn put_packed(payload: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    put_varint(payload, bytes.len() as u64);
    if !bytes.is_empty() {
        let packed = packing::compress(bytes, 1)?;
        put_varint(payload, packed.len() as u64);
        payload.extend_from_slice(&packed);
    }
    Ok(())
}

/// Appends numbers compressed by `pco`, behind their length in bytes.
fn put_stream<T: pco::data_types::Number>(
    payload: &mut Vec<u8>,
    numbers: &[T],
    config: &ChunkConfig,
) -> io::Result<()> {
    if numbers.is_empty() {
        payload.push(0);
        return Ok(());
    }
    let packed = standalone::simple_compress(numbers, config).map_err(io::Error::other)?;
    put_varint(payload, packed.len() as u64);
    payload.extend_from_slice(&packed);
    Ok(())
}
