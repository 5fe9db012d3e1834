//! Where a part of an expression stands.

use std::ops::Range;

/// A range of bytes in the text of a query, with the line and column of its beginning, so that a message can name the
/// place without the text at hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
    /// Line of the first byte, from 1. Zero means that there is no text.
    pub line: u32,
    /// Column of the first byte, from 1, counted in bytes as Prometheus does.
    pub column: u32,
}

impl Span {
    /// The bytes as a range, to cut the part out of the text.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the beginning of this span to the end of another.
    #[must_use]
    pub const fn to(self, end: Self) -> Self {
        Self {
            end: end.end,
            ..self
        }
    }
}
