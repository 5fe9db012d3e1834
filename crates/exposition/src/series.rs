//! From the text of a series to its labels. Only series that are new to a cache come here.

use std::borrow::Cow;

use stonechat_model::MetricType;

use crate::cursor::{Cursor, Grammar};
use crate::error::ParseErrorKind;
use crate::number::canonical_bound;

/// Names and values in the order in which they are written, the metric name first.
pub type LabelPairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A text in which a backslash may stand before `n`, `\` and, except in help texts of the text format, `"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) quotes: bool,
}

impl<'a> Escaped<'a> {
    /// The text as it is written.
    #[must_use]
    pub fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The text as it is meant. Bytes that are no UTF-8 become the replacement character.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        match String::from_utf8_lossy(self.raw) {
            Cow::Borrowed(text) => unescape(text, self.quotes),
            Cow::Owned(text) => Cow::Owned(unescape(&text, self.quotes).into_owned()),
        }
    }
}

/// What both formats together allow: the text of a series was checked against its own format before.
const EITHER: Grammar = Grammar {
    blanks: true,
    breaks: true,
    zeros: true,
    loose_commas: true,
    name_in_braces: true,
};

/// Reads the text of a series, which a [`Sample`](crate::Sample) gave, into labels with the metric name as `__name__`.
///
/// As in Prometheus a label that has an empty value anywhere in the series counts as absent, and the bounds of
/// buckets (`le`) and quantiles are written one way: `le="1"` becomes `le="1.0"`. Whether a name is given twice
/// is not looked at here, because the labels of the target may yet replace it.
///
/// # Errors
/// When a quoted name is empty or no UTF-8, or the text is no series.
pub fn read_labels(series: &[u8], kind: MetricType) -> Result<LabelPairs<'_>, ParseErrorKind> {
    let mut cursor = Cursor {
        page: series,
        at: 0,
    };
    let bare = cursor.metric_name().then(|| &series[..cursor.at]);
    cursor.blanks();
    let mut pairs = LabelPairs::new();
    let mut quoted = None;
    if cursor.take(b'{') {
        (pairs, quoted) = read_braces(&mut cursor, EITHER)?;
    }
    let name = bare
        .or(quoted.map(|name| &series[name]))
        .filter(|name| !name.is_empty())
        .ok_or(ParseErrorKind::NoName)?;
    pairs.insert(
        0,
        (
            Cow::Borrowed(stonechat_model::METRIC_NAME),
            text_of(name, "metric name")?,
        ),
    );
    if let Some(bound) = bound_label(kind) {
        for (name, value) in &mut pairs {
            if name == bound
                && let Some(canonical) = canonical_bound(value)
            {
                *value = Cow::Owned(canonical);
            }
        }
    }
    drop_empty(&mut pairs);
    // Labels named `__name__` without a value take the metric's name with them.
    if pairs
        .first()
        .is_none_or(|(name, _)| name != stonechat_model::METRIC_NAME)
    {
        return Err(ParseErrorKind::NoName);
    }
    Ok(pairs)
}

/// Reads the labels of an exemplar.
pub(crate) fn read_exemplar_labels(labels: &[u8]) -> Result<LabelPairs<'_>, ParseErrorKind> {
    let mut cursor = Cursor {
        page: labels,
        at: 0,
    };
    let exemplar = Grammar {
        name_in_braces: false,
        ..EITHER
    };
    read_braces(&mut cursor, exemplar).map(|(pairs, _)| pairs)
}

type Braces<'a> = (LabelPairs<'a>, Option<std::ops::Range<usize>>);

fn read_braces<'a>(
    cursor: &mut Cursor<'a>,
    grammar: Grammar,
) -> Result<Braces<'a>, ParseErrorKind> {
    let page = cursor.page;
    let mut pairs = LabelPairs::new();
    let mut wrong = None;
    let name = cursor.labels(grammar, |name, value| {
        let name = text_of(&page[name], "label name");
        let value = text_of(&page[value], "label value");
        match (name, value) {
            (Ok(name), Ok(_)) if name.is_empty() => wrong = Some(ParseErrorKind::EmptyLabelName),
            (Ok(name), Ok(value)) => pairs.push((name, value)),
            (Err(kind), _) | (_, Err(kind)) => wrong = Some(kind),
        }
    });
    let name = name.map_err(|fault| fault.kind)?;
    wrong.map_or(Ok((pairs, name)), Err)
}

fn text_of<'a>(raw: &'a [u8], what: &'static str) -> Result<Cow<'a, str>, ParseErrorKind> {
    let text = std::str::from_utf8(raw).map_err(|_| ParseErrorKind::NotUtf8(what))?;
    Ok(unescape(text, true))
}

/// The label whose value is a number, for types that have one.
fn bound_label(kind: MetricType) -> Option<&'static str> {
    match kind {
        MetricType::Histogram => Some("le"),
        MetricType::Summary => Some("quantile"),
        _ => None,
    }
}

fn drop_empty(pairs: &mut LabelPairs<'_>) {
    let empty: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(name, _)| name.clone().into_owned())
        .collect();
    if !empty.is_empty() {
        pairs.retain(|(name, _)| !empty.iter().any(|gone| gone == name));
    }
}

fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let meant = match rest.bytes().next() {
            Some(b'n') => '\n',
            Some(b'\\') => '\\',
            Some(b'"') if quotes => '"',
            // A backslash before anything else is just a backslash.
            _ => {
                plain.push('\\');
                continue;
            }
        };
        plain.push(meant);
        rest = &rest[1..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}
