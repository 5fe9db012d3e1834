//! Series as scripts write them: `name{label="value"} 1 2+3x4 _ stale`.

use stonechat_model::{Labels, METRIC_NAME, MatchOp, STALE_NAN, parse_float};

use super::histogram_notation::{self, WrittenHistogram};
use crate::parser::parse_series;

/// What stands at one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Point {
    Missing,
    Float(f64),
    Histogram(Box<WrittenHistogram>),
}

/// A series and its points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PointSeries {
    pub labels: Labels,
    pub points: Vec<Point>,
}

/// The most points that one line may stand for.
const POINTS_MAX: usize = 1_000_000;

/// Reads a line of a series with its points.
pub(super) fn parse_line(line: &str) -> Result<PointSeries, String> {
    let (series, points) = line.split_at(series_length(line)?);
    Ok(PointSeries {
        labels: parse_labels(series)?,
        points: parse_points(points)?,
    })
}

/// Where the series ends and its points begin.
pub(super) fn series_length(line: &str) -> Result<usize, String> {
    let name = line
        .find(|c: char| c == '{' || c.is_whitespace())
        .unwrap_or(line.len());
    let rest = &line[name..];
    let blank = rest.len() - rest.trim_start().len();
    if !rest[blank..].starts_with('{') || rest[blank..].starts_with("{{") {
        return Ok(name);
    }
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in line.char_indices().skip_while(|(at, _)| *at < name + blank) {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(open), '\\') if open != '`' => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '}') => return Ok(index + 1),
            _ => {}
        }
    }
    Err("the braces of the series are not closed".to_owned())
}

pub(super) fn parse_labels(series: &str) -> Result<Labels, String> {
    let selector = parse_series(series).map_err(|error| error.to_string())?;
    let other = selector
        .matchers
        .iter()
        .find(|matcher| matcher.op() != MatchOp::Equal);
    if let Some(matcher) = other {
        return Err(format!("{matcher} does not name one value"));
    }
    let name = selector
        .name
        .iter()
        .map(|name| (METRIC_NAME, name.as_str()));
    let labels = selector.matchers.iter().map(|m| (m.name(), m.value()));
    Labels::from_pairs(name.chain(labels)).map_err(|error| error.to_string())
}

fn parse_points(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (item, behind) = rest.split_at(item_length(rest));
        expand(item, &mut points).ok_or_else(|| format!("{item:?} is no point"))?;
        if points.len() > POINTS_MAX {
            return Err(format!("more than {POINTS_MAX} points"));
        }
        rest = behind.trim_start();
    }
    Ok(points)
}

/// Up to the next blank that is not within a histogram.
fn item_length(text: &str) -> usize {
    let mut depth = 0_u32;
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            blank if blank.is_whitespace() && depth == 0 => return index,
            _ => {}
        }
    }
    text.len()
}

/// Adds what an item stands for: `1`, `1x3`, `1+2x3`, `_x4`, `stale`, `{{count:1}}x3`.
fn expand(item: &str, points: &mut Vec<Point>) -> Option<()> {
    let (what, times) = repetition(item)?;
    let repeated = |point| std::iter::repeat_n(point, times.unwrap_or(0) + 1);
    match what {
        "_" => points.extend(std::iter::repeat_n(Point::Missing, times.unwrap_or(1))),
        "stale" => points.extend(repeated(Point::Float(STALE_NAN))),
        histogram if histogram.starts_with("{{") => {
            let all = histogram_notation::expand(histogram, times.unwrap_or(0))?;
            points.extend(all.into_iter().map(|one| Point::Histogram(Box::new(one))));
        }
        number => {
            let (mut value, step) = value_and_step(number)?;
            for _ in 0..=times.unwrap_or(0) {
                points.push(Point::Float(value));
                value += step;
            }
        }
    }
    Some(())
}

/// What is repeated, and how often if that is said: `5x3`.
pub(super) fn repetition(item: &str) -> Option<(&str, Option<usize>)> {
    match item.rsplit_once('x') {
        Some((what, times)) if times.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((what, Some(times.parse::<usize>().ok()?.min(POINTS_MAX))))
        }
        _ => Some((item, None)),
    }
}

/// `5`, `-5+2`, `1e-3-0.5`.
fn value_and_step(text: &str) -> Option<(f64, f64)> {
    let bytes = text.as_bytes();
    let operator = (1..bytes.len())
        .find(|&at| matches!(bytes[at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E'));
    let Some(operator) = operator else {
        return Some((parse_float(text)?, 0.0));
    };
    let (value, step) = text.split_at(operator);
    Some((parse_float(value)?, parse_float(step)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_expanded() {
        let floats = |text: &str| -> Vec<f64> {
            let value = |point: &Point| match point {
                Point::Float(value) => *value,
                Point::Missing => -1000.0,
                Point::Histogram(_) => -2000.0,
            };
            parse_points(text).unwrap().iter().map(value).collect()
        };
        for (text, expected) in [
            ("1 2", &[1.0, 2.0][..]),
            ("1x2", &[1.0; 3]),
            ("1+2x2", &[1.0, 3.0, 5.0]),
            ("10-3x2", &[10.0, 7.0, 4.0]),
            ("-1e-1+1e1x1", &[-0.1, 9.9]),
            ("0x3", &[0.0; 4]),
            ("_ 1 _x2", &[-1000.0, 1.0, -1000.0, -1000.0]),
            ("Inf -Inf", &[f64::INFINITY, f64::NEG_INFINITY]),
            (
                "{{count:1 sum:2}} {{count:1}}+{{count:2}}x1 3",
                &[-2000.0, -2000.0, -2000.0, 3.0],
            ),
        ] {
            assert_eq!(floats(text), expected, "{text}");
        }
        assert!(parse_points("1 b").is_err() && parse_points("1+x2").is_err());
    }

    #[test]
    fn series_may_have_any_form() {
        for (line, labels) in [
            ("up 1", "up"),
            ("up{a=\"b c\"} 1", "up{a=\"b c\"}"),
            ("up {a='}'} 1", "up{a=\"}\"}"),
            ("{} 1", "{}"),
            ("{a=\"b\"} 1", "{a=\"b\"}"),
            ("{\"x.y\", \"l 1\"=\"v\"} 1", "x.y{l 1=\"v\"}"),
            ("a:b:{c=`\\`} 1", "a:b:{c=\"\\\\\"}"),
        ] {
            let series = parse_line(line).unwrap();
            assert_eq!(series.labels.to_string(), labels, "{line}");
            assert_eq!(series.points, [Point::Float(1.0)], "{line}");
        }
        assert!(parse_line("up{a=~\"b\"} 1").is_err() && parse_line("up{a=\"b 1").is_err());
    }
}
