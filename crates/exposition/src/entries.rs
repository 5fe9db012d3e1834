//! A page as a sequence of entries.

use stonechat_model::MetricType;

use crate::cursor::{Cursor, continues_name};
use crate::entry::{Entry, Sample};
use crate::error::{Fault, ParseError, ParseErrorKind};
use crate::format::Format;
use crate::series::LabelPairs;
use crate::{openmetrics, text};

/// Where the text of a series stands in the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It was compared as a whole, not taken apart.
    pub(crate) is_expected: bool,
}

/// The entries of a page, borrowed from it. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    cursor: Cursor<'a>,
    format: Format,
    kind: MetricType,
    ended: bool,
}

impl<'a> Entries<'a> {
    /// Starts at the beginning of a page. An empty page is good in both formats, because Prometheus takes it so.
    #[must_use]
    pub fn new(page: &'a [u8], format: Format) -> Self {
        Self {
            cursor: Cursor { page, at: 0 },
            format,
            kind: MetricType::Unknown,
            ended: page.is_empty(),
        }
    }

    /// The next entry, quicker when it is a sample of the series `expected`: its text is then compared instead of taken apart.
    ///
    /// `expected` has to be the text of a series from an earlier page of the same format, such as a cache keeps; pages
    /// repeat their series in the same order. [`Sample::is_expected`] tells whether it came; when something else comes,
    /// this is [`next`](Iterator::next).
    pub fn next_expecting(&mut self, expected: &[u8]) -> Option<Result<Entry<'a>, ParseError>> {
        if self.ended || !self.is_next(expected) {
            return self.next();
        }
        let start = self.cursor.at;
        self.cursor.at += expected.len();
        let series = Series {
            start,
            end: self.cursor.at,
            is_expected: true,
        };
        let sample = match self.format {
            Format::Text => text::finish(&mut self.cursor, series, self.kind),
            Format::OpenMetrics => openmetrics::finish(&mut self.cursor, series, self.kind),
        };
        self.hand_out(sample.map(|sample| Some(Entry::Sample(sample))))
    }

    /// True when the page goes on with exactly the series `expected`.
    fn is_next(&self, expected: &[u8]) -> bool {
        let rest = self.cursor.rest();
        if expected.is_empty() || !rest.starts_with(expected) {
            return false;
        }
        if expected.ends_with(b"}") {
            return true;
        }
        // A name without labels: the name in the page may be longer, or labels may follow.
        let behind = &rest[expected.len()..];
        let next = behind
            .iter()
            .find(|byte| self.format == Format::OpenMetrics || !matches!(byte, b' ' | b'\t'));
        !behind.first().is_some_and(|byte| continues_name(*byte)) && next != Some(&b'{')
    }

    fn hand_out(
        &mut self,
        outcome: Result<Option<Entry<'a>>, Fault>,
    ) -> Option<Result<Entry<'a>, ParseError>> {
        self.ended = !matches!(outcome, Ok(Some(_)));
        match outcome {
            Ok(entry) => entry.map(Ok),
            Err(fault) => Some(Err(fault.locate(self.cursor.page))),
        }
    }

    /// The labels of a sample of this page, as [`Sample::labels`], with the line in the error.
    ///
    /// # Errors
    /// When a quoted name is empty or no UTF-8.
    pub fn labels(&self, sample: &Sample<'a>) -> Result<LabelPairs<'a>, ParseError> {
        sample.labels().map_err(|kind| self.error_at(sample, kind))
    }

    /// An error at the line of a sample of this page.
    #[must_use]
    pub fn error_at(&self, sample: &Sample<'a>, kind: ParseErrorKind) -> ParseError {
        Fault::new(sample.at, kind).locate(self.cursor.page)
    }

    /// The line of a sample of this page, from 1.
    #[must_use]
    pub fn line_of(&self, sample: &Sample<'a>) -> usize {
        self.error_at(sample, ParseErrorKind::NoName).line
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let outcome = match self.format {
            Format::Text => text::next(&mut self.cursor, &mut self.kind),
            Format::OpenMetrics => openmetrics::next(&mut self.cursor, &mut self.kind),
        };
        self.hand_out(outcome)
    }
}

impl std::iter::FusedIterator for Entries<'_> {}
