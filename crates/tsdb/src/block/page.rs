//! Pages: the values of neighbouring series of a block, compressed together.
//!
//! Values of a series are whole numbers, or become so when multiplied by a small power of ten, far more often than not.
//! Of whole numbers their differences are kept; where that is shorter, the differences to those of the series before,
//! which for the buckets of a histogram are mostly zero. What series of similar spread have left goes into one stream
//! of numbers, which `pco` compresses. Values that are no such numbers are kept as ordered bits. `docs/storage.md` draws it.

mod decode; // bytes to values
mod encode; // values to bytes
mod numbers; // values as whole numbers

pub(crate) use decode::{Page, Part, Values};
pub(crate) use encode::{PageBuilder, Place};

/// Streams of whole numbers in a page: differences by their size, and distances from the smallest.
const INTEGER_STREAMS: usize = 5;

/// The stream of distances from the smallest value.
const LEVELS: usize = 4;

/// The most samples in a page.
pub(crate) const PAGE_SAMPLES_MAX: usize = 1 << 20;

/// How the values of a part are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All values have the same bits.
    Constant,
    /// Differences from sample to sample.
    Differences,
    /// Differences, less those of the part before.
    Predicted,
    /// Distances from the smallest.
    Levels,
    /// Ordered bits.
    Bits,
    /// Native histograms.
    Histograms,
}

impl Form {
    const ALL: [Self; 6] = [
        Self::Constant,
        Self::Differences,
        Self::Predicted,
        Self::Levels,
        Self::Bits,
        Self::Histograms,
    ];

    /// With the stream in bits 3 and 4 and the power of ten in the bits above.
    fn byte(self, stream: usize, scale: u8) -> u8 {
        let form = Self::ALL.iter().position(|form| *form == self).unwrap_or(0);
        // Six forms, four streams of differences, five powers of ten.
        form as u8 | (stream as u8 & 3) << 3 | scale << 5
    }

    fn of(byte: u8) -> Option<(Self, usize, u8)> {
        let form = *Self::ALL.get(usize::from(byte & 7))?;
        Some((form, usize::from(byte >> 3 & 3), byte >> 5))
    }
}

/// Bits in the order of the values they stand for.
fn ordered(bits: u64) -> u64 {
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// The inverse of [`ordered`].
fn unordered(bits: u64) -> u64 {
    if bits >> 63 == 1 {
        bits & !(1 << 63)
    } else {
        !bits
    }
}

#[cfg(test)]
mod tests;
