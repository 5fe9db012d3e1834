//! When the counting of samples began, relative to each: `requests_total{path="/"}@st -1m+0sx3`.

use stonechat_model::{Labels, duration};

use super::points::{parse_labels, repetition, series_length};

/// When the counting of each sample of a series began, in milliseconds after the sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StartSeries {
    pub labels: Labels,
    /// None where nothing is said.
    pub offsets: Vec<Option<i64>>,
}

/// Reads such a line; nothing when it is a line of samples.
pub(super) fn parse_line(line: &str) -> Result<Option<StartSeries>, String> {
    let (series, items) = line.split_at(series_length(line)?);
    // Without braces the marker stands within the name.
    let (series, items) = match (series.strip_suffix("@st"), items.strip_prefix("@st")) {
        (Some(series), _) => (series, items),
        (None, Some(items)) => (series, items),
        (None, None) => return Ok(None),
    };
    let mut offsets = Vec::new();
    for item in items.split_whitespace() {
        expand(item, &mut offsets).ok_or_else(|| format!("{item:?} is no start of counting"))?;
    }
    Ok(Some(StartSeries {
        labels: parse_labels(series)?,
        offsets,
    }))
}

/// `_`, `_x3`, `-1m`, `-1mx3`, `-1m+30sx3`.
fn expand(item: &str, offsets: &mut Vec<Option<i64>>) -> Option<()> {
    let (what, times) = repetition(item)?;
    if what == "_" {
        offsets.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
        return Some(());
    }
    let operator = (1..what.len()).find(|&at| matches!(what.as_bytes()[at], b'+' | b'-'));
    let (first, step) = match operator {
        Some(operator) => {
            let (first, step) = what.split_at(operator);
            (millis(first)?, millis(step)?)
        }
        None => (millis(what)?, 0),
    };
    let mut offset = first;
    for _ in 0..=times.unwrap_or(0) {
        offsets.push(Some(offset));
        offset = offset.checked_add(step)?;
    }
    Some(())
}

/// A duration with an optional sign.
fn millis(text: &str) -> Option<i64> {
    let (sign, length) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let length = duration::parse(length).ok()?;
    Some(sign * i64::try_from(length.as_millis()).ok()?)
}
