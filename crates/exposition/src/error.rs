//! What is wrong with a page, and where.

/// A page that cannot be read. Nothing behind the place is looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else stands where the grammar wants one particular thing.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What belongs there.
        expected: &'static str,
        /// What stands there, cut to a few characters.
        found: String,
    },
    /// The value is no floating-point number.
    #[error("{0:?} is not a number")]
    Number(String),
    /// The time is no number, or not a finite one.
    #[error("{0:?} is not a timestamp")]
    Timestamp(String),
    /// The format knows no such type.
    #[error("unknown metric type {0:?}")]
    Type(String),
    /// OpenMetrics wants the unit as the last part of the name.
    #[error("unit {unit:?} is not the last part of the metric name {family:?}")]
    Unit {
        /// The unit.
        unit: String,
        /// The family's name.
        family: String,
    },
    /// A text has bytes that are no UTF-8.
    #[error("the {0} is not UTF-8")]
    NotUtf8(&'static str),
    /// A name in braces although one stands before them, or two names in braces.
    #[error("the metric name is given twice")]
    NameTwice,
    /// Neither before nor within the braces stands a metric name.
    #[error("the metric name is missing")]
    NoName,
    /// A label name is the empty string.
    #[error("a label name is empty")]
    EmptyLabelName,
    /// The answer was probably cut off: an OpenMetrics page ends with `# EOF`.
    #[error("the page does not end with # EOF")]
    NoEof,
    /// OpenMetrics allows nothing behind `# EOF`.
    #[error("there is text after # EOF")]
    AfterEof,
}

/// A mistake at an offset of the page; becomes a [`ParseError`] once the line is counted.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: ParseErrorKind,
}

impl Fault {
    pub(crate) fn new(at: usize, kind: ParseErrorKind) -> Self {
        Self { at, kind }
    }

    /// Lines are counted only here, because a good page needs no line numbers.
    pub(crate) fn locate(self, page: &[u8]) -> ParseError {
        let before = &page[..self.at.min(page.len())];
        ParseError {
            line: memchr::memchr_iter(b'\n', before).count() + 1,
            kind: self.kind,
        }
    }
}

/// How many bytes of a bad text are shown.
const SHOWN_BYTES: usize = 40;

/// A piece of the page for an error: short, and readable whatever its bytes are.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(SHOWN_BYTES)];
    String::from_utf8_lossy(cut).into_owned()
}
