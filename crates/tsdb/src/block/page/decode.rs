//! Bytes to values.

use std::ops::Range;
use std::sync::Arc;

use pco::standalone;
use stonechat_model::Histogram;

use super::encode::Place;
use super::{Form, INTEGER_STREAMS, LEVELS, PAGE_SAMPLES_MAX, numbers, unordered};
use crate::bytes::{Cursor, unzigzag};
use crate::histogram::take_histogram;
use crate::packing;

/// The most bytes that stand before the streams, or that histograms of a page take.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// The bytes are no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a page is malformed")]
pub(crate) struct PageError;

/// A page, decoded.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Ordered by series, and by time within a series.
    pub parts: Vec<Part>,
    floats: Vec<f64>,
    histograms: Vec<Arc<Histogram>>,
}

/// Samples of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which samples of which series.
    pub place: Place,
    /// How many.
    pub samples: u32,
    histograms: bool,
    /// Where its values are.
    from: u32,
}

/// The values of a part.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    Floats(&'a [f64]),
    Histograms(&'a [Arc<Histogram>]),
}

impl Page {
    /// The parts of a series.
    pub fn parts_of(&self, ordinal: u32) -> &[Part] {
        let from = self
            .parts
            .partition_point(|part| part.place.ordinal < ordinal);
        let rest = &self.parts[from..];
        &rest[..rest.partition_point(|part| part.place.ordinal == ordinal)]
    }

    /// The values of a part of this page.
    pub fn values(&self, part: &Part) -> Values<'_> {
        let range = part.from as usize..part.from as usize + part.samples as usize;
        if part.histograms {
            Values::Histograms(&self.histograms[range])
        } else {
            Values::Floats(&self.floats[range])
        }
    }

    /// Bytes of memory, about.
    pub fn heap_bytes(&self) -> usize {
        self.parts.len() * size_of::<Part>() + self.floats.len() * 8 + self.histograms.len() * 512
    }

    /// Reads a page.
    pub fn decode(payload: &[u8]) -> Result<Self, PageError> {
        decode(payload).ok_or(PageError)
    }
}

/// A part before its values are there.
struct Outline {
    part: Part,
    form: Form,
    stream: usize,
    scale: u8,
    first: u64,
    exceptions: Vec<(usize, u64)>,
}

fn decode(payload: &[u8]) -> Option<Page> {
    let mut cursor = Cursor(payload);
    let first_ordinal = u32::try_from(cursor.varint()?).ok()?;
    let parts = cursor.varint()?;
    let front = unpack(&mut cursor)?;
    let outlines = outlines(&front, first_ordinal, parts)?;
    let mut lengths = [0_usize; INTEGER_STREAMS];
    let mut bits = 0_usize;
    for outline in &outlines {
        let samples = outline.part.samples as usize;
        match outline.form {
            Form::Differences | Form::Predicted => lengths[outline.stream] += samples - 1,
            Form::Levels => lengths[LEVELS] += samples,
            Form::Bits => bits += samples,
            Form::Constant | Form::Histograms => {}
        }
    }
    let mut integers: [Vec<i64>; INTEGER_STREAMS] = Default::default();
    for (stream, length) in integers.iter_mut().zip(lengths) {
        *stream = take_stream(&mut cursor, length)?;
    }
    let bits: Vec<u64> = take_stream(&mut cursor, bits)?;
    let histograms = unpack(&mut cursor)?;
    if !cursor.is_empty() {
        return None;
    }
    let mut filling = Filling {
        page: Page::default(),
        integers: &integers,
        used: [0; INTEGER_STREAMS],
        bits: &bits,
        histograms: Cursor(&histograms),
        before: Vec::new(),
    };
    for outline in outlines {
        filling.part(outline)?;
    }
    Some(filling.page)
}

fn outlines(front: &[u8], first_ordinal: u32, parts: u64) -> Option<Vec<Outline>> {
    let mut cursor = Cursor(front);
    let mut outlines = Vec::new();
    let mut last = Place {
        ordinal: first_ordinal,
        ..Place::default()
    };
    let mut total = 0_u64;
    for _ in 0..parts {
        let ordinal = last
            .ordinal
            .checked_add(u32::try_from(cursor.varint()?).ok()?)?;
        let grid = i64::from(last.grid).checked_add(unzigzag(cursor.varint()?))?;
        let place = Place {
            ordinal,
            grid: u32::try_from(grid).ok()?,
            start: u32::try_from(cursor.varint()?).ok()?,
        };
        let samples = cursor.varint()?;
        total = total.checked_add(samples)?;
        if samples == 0 || total > PAGE_SAMPLES_MAX as u64 {
            return None;
        }
        let (form, stream, scale) = Form::of(cursor.byte()?)?;
        let first = match form {
            Form::Constant => cursor.i64()?.cast_unsigned(),
            Form::Differences | Form::Predicted | Form::Levels => cursor.varint()?,
            Form::Bits | Form::Histograms => 0,
        };
        let mut exceptions = Vec::new();
        if matches!(form, Form::Differences | Form::Predicted | Form::Levels) {
            for _ in 0..cursor.varint()? {
                let place = usize::try_from(cursor.varint()?).ok()?;
                exceptions.push((place, cursor.i64()?.cast_unsigned()));
            }
        }
        last = place;
        let part = Part {
            place,
            samples: samples as u32,
            histograms: form == Form::Histograms,
            from: 0,
        };
        outlines.push(Outline {
            part,
            form,
            stream,
            scale,
            first,
            exceptions,
        });
    }
    cursor.is_empty().then_some(outlines)
}

/// Turns outlines into parts, one after the other.
struct Filling<'a> {
    page: Page,
    integers: &'a [Vec<i64>; INTEGER_STREAMS],
    used: [usize; INTEGER_STREAMS],
    bits: &'a [u64],
    histograms: Cursor<'a>,
    /// Differences of the part before.
    before: Vec<i64>,
}

impl Filling<'_> {
    fn part(&mut self, outline: Outline) -> Option<()> {
        let mut part = outline.part;
        let samples = part.samples as usize;
        let from = self.page.floats.len();
        part.from = from as u32;
        let first = unzigzag(outline.first);
        match outline.form {
            Form::Constant => {
                let value = f64::from_bits(outline.first);
                self.page.floats.resize(from + samples, value);
            }
            Form::Bits => {
                let (own, rest) = self.bits.split_at_checked(samples)?;
                self.bits = rest;
                let values = own.iter().map(|&bits| f64::from_bits(unordered(bits)));
                self.page.floats.extend(values);
            }
            Form::Histograms => {
                part.from = self.page.histograms.len() as u32;
                self.take_histograms(samples)?;
            }
            Form::Levels => {
                let range = self.advance(LEVELS, samples)?;
                let levels = &self.integers[LEVELS][range];
                let numbers: Vec<i64> = levels
                    .iter()
                    .map(|level| first.wrapping_add(*level))
                    .collect();
                self.before.clear();
                self.before
                    .extend(numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
                self.put(numbers.into_iter(), outline.scale)?;
            }
            Form::Differences | Form::Predicted => {
                let range = self.advance(outline.stream, samples - 1)?;
                let own = &self.integers[outline.stream][range];
                if outline.form == Form::Differences {
                    self.before.clear();
                    self.before.extend_from_slice(own);
                } else if self.before.len() == own.len() {
                    for (before, own) in self.before.iter_mut().zip(own) {
                        *before = before.wrapping_add(*own);
                    }
                } else {
                    return None;
                }
                let mut number = first;
                let before = std::mem::take(&mut self.before);
                let rest = before.iter().map(|difference| {
                    number = number.wrapping_add(*difference);
                    number
                });
                self.put(std::iter::once(first).chain(rest), outline.scale)?;
                self.before = before;
            }
        }
        if matches!(outline.form, Form::Constant | Form::Bits | Form::Histograms) {
            self.before.clear();
        }
        let values = self.page.floats.get_mut(from..)?;
        for (place, bits) in outline.exceptions {
            *values.get_mut(place)? = f64::from_bits(bits);
        }
        self.page.parts.push(part);
        Some(())
    }

    fn take_histograms(&mut self, samples: usize) -> Option<()> {
        let mut last: Option<Arc<Histogram>> = None;
        for _ in 0..samples {
            let histogram = Arc::new(take_histogram(&mut self.histograms, last.as_deref())?);
            self.page.histograms.push(Arc::clone(&histogram));
            last = Some(histogram);
        }
        Some(())
    }

    fn advance(&mut self, stream: usize, count: usize) -> Option<Range<usize>> {
        let from = self.used[stream];
        let to = from.checked_add(count)?;
        self.used[stream] = to;
        (to <= self.integers[stream].len()).then_some(from..to)
    }

    fn put(&mut self, numbers: impl Iterator<Item = i64>, scale: u8) -> Option<()> {
        numbers::values(numbers, scale, &mut self.page.floats).then_some(())
    }
}

/// Bytes that were compressed by zstd.
fn unpack(cursor: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let length = cursor
        .varint()
        .filter(|&length| length <= UNPACKED_BYTES_MAX)?;
    if length == 0 {
        return Some(Vec::new());
    }
    let packed = cursor.varint()?;
    packing::decompress(cursor.take(packed)?, length)
}

/// Numbers that were compressed by `pco`, exactly so many.
fn take_stream<T: pco::data_types::Number>(
    cursor: &mut Cursor<'_>,
    count: usize,
) -> Option<Vec<T>> {
    let length = cursor.varint()?;
    let packed = cursor.take(length)?;
    if count == 0 || packed.is_empty() {
        return (count == 0 && packed.is_empty()).then(Vec::new);
    }
    let mut numbers = vec![T::default(); count];
    let progress = standalone::simple_decompress_into(packed, &mut numbers).ok()?;
    (progress.n_processed == count && progress.finished).then_some(numbers)
}
