//! The text format, line by line.
//!
//! It accepts what Prometheus' own reader accepts, which is more than the format's description allows: blanks in most
//! places, labels without commas, no line break at the end, line breaks in label values. A zero byte at the
//! beginning of a line ends the page. In one thing it follows the description and not Prometheus, which takes blanks at the
//! beginning of a line into the metric's name.

use stonechat_model::{MetricType, Timestamp};

use crate::cursor::{Cursor, Grammar};
use crate::entries::Series;
use crate::entry::{Entry, Sample};
use crate::error::{Fault, ParseErrorKind, shown};
use crate::number;
use crate::series::Escaped;

const SERIES: Grammar = Grammar {
    blanks: true,
    breaks: true,
    zeros: true,
    loose_commas: true,
    name_in_braces: true,
};

/// Steps to the next series or gives the next metadata; `None` at the end.
pub(crate) fn next<'a>(
    cursor: &mut Cursor<'a>,
    kind: &mut MetricType,
) -> Result<Option<Entry<'a>>, Fault> {
    loop {
        cursor.blanks();
        match cursor.peek() {
            None | Some(0) => return Ok(None),
            Some(b'\n') => cursor.at += 1,
            Some(b'#') => match comment(cursor)? {
                Comment::Ended => return Ok(None),
                Comment::Skipped => {}
                Comment::Metadata(entry) => {
                    if let Entry::Type {
                        kind: announced, ..
                    } = entry
                    {
                        *kind = announced;
                    }
                    return Ok(Some(entry));
                }
            },
            Some(_) => {
                let series = series(cursor)?;
                return finish(cursor, series, *kind).map(|sample| Some(Entry::Sample(sample)));
            }
        }
    }
}

/// Steps over name and labels.
fn series(cursor: &mut Cursor<'_>) -> Result<Series, Fault> {
    let start = cursor.at;
    let named = cursor.metric_name();
    let mut end = cursor.at;
    cursor.blanks();
    if cursor.take(b'{') {
        let in_braces = cursor.labels(SERIES, |_, _| {})?;
        end = cursor.at;
        match (named, in_braces) {
            (true, Some(_)) => return Err(Fault::new(start, ParseErrorKind::NameTwice)),
            (false, None) => return Err(Fault::new(start, ParseErrorKind::NoName)),
            _ => {}
        }
    } else if !named {
        return Err(cursor.unexpected("a metric name, `{` or `#`"));
    }
    Ok(Series {
        start,
        end,
        is_expected: false,
    })
}

/// Reads what follows the series: the value and perhaps a time.
pub(crate) fn finish<'a>(
    cursor: &mut Cursor<'a>,
    series: Series,
    kind: MetricType,
) -> Result<Sample<'a>, Fault> {
    cursor.blanks();
    let start = cursor.at;
    while cursor
        .peek()
        .is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'{' | 0))
    {
        cursor.at += 1;
    }
    let text = &cursor.page[start..cursor.at];
    if text.is_empty() {
        return Err(cursor.unexpected("a value after the series"));
    }
    let value = number::value(text)
        .ok_or_else(|| Fault::new(start, ParseErrorKind::Number(shown(text))))?;
    cursor.blanks();
    let timestamp = match cursor.peek() {
        Some(b'0'..=b'9') => Some(timestamp(cursor)?),
        _ => None,
    };
    if cursor.peek().is_some() && !cursor.take(b'\n') {
        let expected = if timestamp.is_some() {
            "the end of the line after the timestamp"
        } else {
            "a timestamp or the end of the line"
        };
        return Err(cursor.unexpected(expected));
    }
    Ok(Sample {
        series: &cursor.page[series.start..series.end],
        value,
        timestamp,
        exemplar: None,
        kind,
        is_expected: series.is_expected,
        at: series.start,
    })
}

/// Milliseconds since the epoch: digits only.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
    let start = cursor.at;
    while matches!(cursor.peek(), Some(b'0'..=b'9')) {
        cursor.at += 1;
    }
    let text = &cursor.page[start..cursor.at];
    let millis = number::digits(text).and_then(|millis| i64::try_from(millis).ok());
    let millis = millis.ok_or_else(|| Fault::new(start, ParseErrorKind::Timestamp(shown(text))))?;
    cursor.blanks();
    Ok(Timestamp::from_millis(millis))
}

enum Comment<'a> {
    /// Only a remark.
    Skipped,
    /// A zero byte in a remark ends the page.
    Ended,
    Metadata(Entry<'a>),
}

/// Reads a line that begins with `#`.
fn comment<'a>(cursor: &mut Cursor<'a>) -> Result<Comment<'a>, Fault> {
    cursor.at += 1;
    if !matches!(cursor.peek(), Some(b' ' | b'\t')) {
        return Ok(if cursor.line_rest().contains(&0) {
            Comment::Ended
        } else {
            Comment::Skipped
        });
    }
    cursor.blanks();
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let rest = cursor.rest();
    let is_help = rest.starts_with(b"HELP") && is_blank(rest.get(4));
    let is_type = rest.starts_with(b"TYPE") && is_blank(rest.get(4));
    if is_help || is_type {
        cursor.at += 4;
        cursor.blanks();
        return metadata(cursor, is_help).map(Comment::Metadata);
    }
    if cursor.peek() == Some(0) {
        return Ok(Comment::Ended);
    }
    cursor.line_rest();
    Ok(Comment::Skipped)
}

/// Reads name and text of `# HELP` or `# TYPE`.
fn metadata<'a>(cursor: &mut Cursor<'a>, is_help: bool) -> Result<Entry<'a>, Fault> {
    let start = cursor.at;
    let family = if cursor.metric_name() {
        start..cursor.at
    } else {
        cursor.quoted_name(true).ok_or_else(|| {
            cursor.unexpected(if is_help {
                "a metric name after HELP"
            } else {
                "a metric name after TYPE"
            })
        })?
    };
    let family = Escaped {
        raw: &cursor.page[family],
        quotes: true,
    };
    if cursor.peek() == Some(0) {
        return Err(cursor.unexpected("a text after the metric name"));
    }
    let start = cursor.at;
    let line = cursor.line_rest();
    let is_empty = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
    // One byte separates name and text, whatever it is.
    let raw = if is_empty { &[] } else { &line[1..] };
    if !is_help {
        let kind =
            type_of(raw).ok_or_else(|| Fault::new(start, ParseErrorKind::Type(shown(raw))))?;
        return Ok(Entry::Type { family, kind });
    }
    if std::str::from_utf8(raw).is_err() {
        return Err(Fault::new(start, ParseErrorKind::NotUtf8("help text")));
    }
    let text = Escaped { raw, quotes: false };
    Ok(Entry::Help { family, text })
}

fn type_of(text: &[u8]) -> Option<MetricType> {
    Some(match text {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"histogram" => MetricType::Histogram,
        b"summary" => MetricType::Summary,
        b"untyped" => MetricType::Unknown,
        _ => return None,
    })
}
