//! OpenMetrics, line by line.
//!
//! Stricter than the text format (one space exactly where one belongs, an end mark), and as lenient as Prometheus where
//! Prometheus is: values are not checked against types, and families may come in pieces.

use stonechat_model::{MetricType, Timestamp};

use crate::cursor::{Cursor, Grammar};
use crate::entries::Series;
use crate::entry::{Entry, Exemplar, Sample};
use crate::error::{Fault, ParseErrorKind, shown};
use crate::number;
use crate::series::Escaped;

const SERIES: Grammar = Grammar {
    blanks: false,
    breaks: false,
    zeros: true,
    loose_commas: false,
    name_in_braces: true,
};

const EXEMPLAR: Grammar = Grammar {
    zeros: false,
    name_in_braces: false,
    ..SERIES
};

/// Steps to the next series or gives the next metadata; `None` at the end mark.
pub(crate) fn next<'a>(
    cursor: &mut Cursor<'a>,
    kind: &mut MetricType,
) -> Result<Option<Entry<'a>>, Fault> {
    match cursor.peek() {
        None => Err(Fault::new(cursor.at, ParseErrorKind::NoEof)),
        Some(b'#') => {
            let entry = comment(cursor)?;
            if let Some(Entry::Type {
                kind: announced, ..
            }) = entry
            {
                *kind = announced;
            }
            Ok(entry)
        }
        Some(_) => {
            let series = series(cursor)?;
            finish(cursor, series, *kind).map(|sample| Some(Entry::Sample(sample)))
        }
    }
}

/// Steps over name and labels.
fn series(cursor: &mut Cursor<'_>) -> Result<Series, Fault> {
    let start = cursor.at;
    let named = cursor.metric_name();
    if cursor.take(b'{') {
        match (named, cursor.labels(SERIES, |_, _| {})?) {
            (true, Some(_)) => return Err(Fault::new(start, ParseErrorKind::NameTwice)),
            (false, None) => return Err(Fault::new(start, ParseErrorKind::NoName)),
            _ => {}
        }
    } else if !named {
        return Err(cursor.unexpected("a metric name, `{` or `# `"));
    }
    Ok(Series {
        start,
        end: cursor.at,
        is_expected: false,
    })
}

/// Reads what follows the series: the value, perhaps a time, perhaps an exemplar.
pub(crate) fn finish<'a>(
    cursor: &mut Cursor<'a>,
    series: Series,
    kind: MetricType,
) -> Result<Sample<'a>, Fault> {
    let value = value(cursor, "a space and a value after the series")?;
    let mut timestamp = None;
    if !at_exemplar(cursor) && cursor.peek() != Some(b'\n') {
        timestamp = Some(seconds(cursor)?);
    }
    let exemplar = if at_exemplar(cursor) {
        Some(exemplar(cursor)?)
    } else {
        None
    };
    end_of_line(cursor)?;
    Ok(Sample {
        series: &cursor.page[series.start..series.end],
        value,
        timestamp,
        exemplar,
        kind,
        is_expected: series.is_expected,
        at: series.start,
    })
}

const EXEMPLAR_OPENING: &[u8] = b" # {";

fn at_exemplar(cursor: &Cursor<'_>) -> bool {
    cursor.rest().starts_with(EXEMPLAR_OPENING)
}

fn exemplar<'a>(cursor: &mut Cursor<'a>) -> Result<Exemplar<'a>, Fault> {
    cursor.at += EXEMPLAR_OPENING.len();
    let start = cursor.at;
    cursor.labels(EXEMPLAR, |_, _| {})?;
    let labels = &cursor.page[start..cursor.at];
    let value = value(cursor, "a space and a value after the exemplar's labels")?;
    let timestamp = match cursor.peek() {
        Some(b' ') => Some(seconds(cursor)?),
        _ => None,
    };
    Ok(Exemplar {
        labels,
        value,
        timestamp,
    })
}

/// The text behind exactly one space, up to the next space or the end of the line.
fn token<'a>(cursor: &mut Cursor<'a>, expected: &'static str) -> Result<&'a [u8], Fault> {
    if cursor.at >= cursor.page.len() {
        return Err(Fault::new(cursor.at, ParseErrorKind::NoEof));
    }
    let mark = cursor.at;
    if cursor.take(b' ') {
        let start = cursor.at;
        while cursor
            .peek()
            .is_some_and(|byte| !matches!(byte, b' ' | b'\n' | 0))
        {
            cursor.at += 1;
        }
        if cursor.at > start {
            return Ok(&cursor.page[start..cursor.at]);
        }
    }
    cursor.at = mark;
    Err(cursor.unexpected(expected))
}

fn value(cursor: &mut Cursor<'_>, expected: &'static str) -> Result<f64, Fault> {
    let text = token(cursor, expected)?;
    number::value(text).ok_or_else(|| Fault::new(cursor.at, ParseErrorKind::Number(shown(text))))
}

fn seconds(cursor: &mut Cursor<'_>) -> Result<Timestamp, Fault> {
    let text = token(cursor, "a timestamp, an exemplar or the end of the line")?;
    number::seconds_to_millis(text)
        .map(Timestamp::from_millis)
        .ok_or_else(|| Fault::new(cursor.at, ParseErrorKind::Timestamp(shown(text))))
}

fn end_of_line(cursor: &mut Cursor<'_>) -> Result<(), Fault> {
    if cursor.take(b'\n') {
        Ok(())
    } else if cursor.at >= cursor.page.len() {
        Err(Fault::new(cursor.at, ParseErrorKind::NoEof))
    } else {
        Err(cursor.unexpected("the end of the line"))
    }
}

#[derive(Clone, Copy)]
enum Keyword {
    Help,
    Type,
    Unit,
}

/// Reads a line that begins with `#`; `None` for the end mark.
fn comment<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Entry<'a>>, Fault> {
    let rest = cursor.rest();
    if rest.starts_with(b"# EOF") {
        cursor.at += 5;
        cursor.take(b'\n');
        return if cursor.at == cursor.page.len() {
            Ok(None)
        } else {
            Err(Fault::new(cursor.at, ParseErrorKind::AfterEof))
        };
    }
    let keyword = match rest.get(..7) {
        Some(b"# HELP ") => Keyword::Help,
        Some(b"# TYPE ") => Keyword::Type,
        Some(b"# UNIT ") => Keyword::Unit,
        _ => return Err(cursor.unexpected("`# HELP `, `# TYPE `, `# UNIT ` or `# EOF`")),
    };
    cursor.at += 7;
    metadata(cursor, keyword).map(Some)
}

/// Reads name and text of a metadata line.
fn metadata<'a>(cursor: &mut Cursor<'a>, keyword: Keyword) -> Result<Entry<'a>, Fault> {
    let start = cursor.at;
    let family = if cursor.metric_name() {
        start..cursor.at
    } else {
        cursor
            .quoted_name(true)
            .ok_or_else(|| cursor.unexpected("a metric name"))?
    };
    let escaped = |raw| Escaped { raw, quotes: true };
    let family = escaped(&cursor.page[family]);
    let start = cursor.at;
    if !cursor.take(b' ') {
        return Err(cursor.unexpected("a space and a text after the metric name"));
    }
    let raw = cursor.line_rest();
    if !cursor.take(b'\n') {
        return Err(Fault::new(cursor.at, ParseErrorKind::NoEof));
    }
    match keyword {
        Keyword::Help if std::str::from_utf8(raw).is_err() => {
            Err(Fault::new(start, ParseErrorKind::NotUtf8("help text")))
        }
        Keyword::Help => Ok(Entry::Help {
            family,
            text: escaped(raw),
        }),
        Keyword::Type => type_of(raw)
            .map(|kind| Entry::Type { family, kind })
            .ok_or_else(|| Fault::new(start, ParseErrorKind::Type(shown(raw)))),
        Keyword::Unit if is_unit_of(raw, family.raw) => Ok(Entry::Unit {
            family,
            unit: escaped(raw),
        }),
        Keyword::Unit => Err(Fault::new(
            start,
            ParseErrorKind::Unit {
                unit: shown(raw),
                family: shown(family.raw),
            },
        )),
    }
}

/// A unit is the last part of the name, or empty.
fn is_unit_of(unit: &[u8], family: &[u8]) -> bool {
    unit.is_empty()
        || family
            .strip_suffix(unit)
            .is_some_and(|front| front.ends_with(b"_"))
}

fn type_of(text: &[u8]) -> Option<MetricType> {
    Some(match text {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"histogram" => MetricType::Histogram,
        b"gaugehistogram" => MetricType::GaugeHistogram,
        b"summary" => MetricType::Summary,
        b"info" => MetricType::Info,
        b"stateset" => MetricType::StateSet,
        b"unknown" => MetricType::Unknown,
        _ => return None,
    })
}
