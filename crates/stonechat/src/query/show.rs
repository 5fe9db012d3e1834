//! Answers as a table, or as small charts.

use anyhow::{Result, bail};
use serde_json::Value as Json;
use stonechat_model::format_float;
use stonechat_promql::{Answer, Value};

/// Most lines that are shown.
const LINES_MAX: usize = 200;
/// Columns of a chart.
const CHART_COLUMNS: usize = 60;

/// A series with what stands behind it in its line.
type Line = (String, String);

/// An answer of the evaluator.
pub(super) fn answer(answer: &Answer) -> String {
    let lines: Vec<Line> = match &answer.value {
        Value::Scalar(point) => vec![(String::new(), format_float(point.value))],
        Value::String(text) => vec![(String::new(), text.clone())],
        Value::Vector(samples) => samples
            .iter()
            .map(|sample| {
                let value = match &sample.histogram {
                    Some(histogram) => histogram.to_string(),
                    None => format_float(sample.point.value),
                };
                (name(&sample.labels.to_string()), value)
            })
            .collect(),
        Value::Matrix(all) => all
            .iter()
            .map(|series| {
                (
                    name(&series.labels.to_string()),
                    chart(&series.points.values),
                )
            })
            .collect(),
    };
    let remarks = answer.warnings.iter().chain(&answer.infos);
    draw(&lines, remarks.map(ToString::to_string))
}

/// An answer of a server.
pub(super) fn remote(answer: &Json) -> Result<String> {
    let result = &answer["data"]["result"];
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let empty = Vec::new();
    let series = result.as_array().unwrap_or(&empty);
    let lines: Vec<Line> = match answer["data"]["resultType"].as_str() {
        Some("scalar" | "string") => vec![(String::new(), text(&result[1]))],
        Some("vector") => series
            .iter()
            .map(|sample| {
                let value = match &sample["histogram"] {
                    Json::Null => text(&sample["value"][1]),
                    histogram => histogram[1].to_string(),
                };
                (labels(&sample["metric"]), value)
            })
            .collect(),
        Some("matrix") => series
            .iter()
            .map(|series| {
                let points = series["values"].as_array().unwrap_or(&empty);
                let values = points
                    .iter()
                    .filter_map(|point| point[1].as_str()?.parse().ok());
                (
                    labels(&series["metric"]),
                    chart(&values.collect::<Vec<f64>>()),
                )
            })
            .collect(),
        _ => bail!("the server's answer is of a kind that is not known"),
    };
    let remarks = [&answer["warnings"], &answer["infos"]];
    let remarks = remarks.into_iter().filter_map(Json::as_array).flatten();
    Ok(draw(&lines, remarks.map(text)))
}

/// `name{label="value"}` of a JSON object.
fn labels(metric: &Json) -> String {
    let empty = serde_json::Map::new();
    let metric = metric.as_object().unwrap_or(&empty);
    let own = metric.get("__name__").and_then(Json::as_str);
    let others: Vec<String> = metric
        .iter()
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match (own, others.is_empty()) {
        (Some(own), true) => own.to_owned(),
        (own, _) => format!("{}{{{}}}", own.unwrap_or_default(), others.join(", ")),
    }
}

fn name(labels: &str) -> String {
    if labels.is_empty() {
        "{}".to_owned()
    } else {
        labels.to_owned()
    }
}

/// Lines with the values side by side, then the remarks.
fn draw(lines: &[Line], remarks: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    if lines.is_empty() {
        text.push_str("no series\n");
    }
    let shown = &lines[..lines.len().min(LINES_MAX)];
    let width = shown.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    for (name, value) in shown {
        if width == 0 {
            text.push_str(&format!("{value}\n"));
        } else {
            text.push_str(&format!("{name:<width$}  {value}\n"));
        }
    }
    if lines.len() > LINES_MAX {
        text.push_str(&format!("… and {} more\n", lines.len() - LINES_MAX));
    }
    for remark in remarks {
        text.push_str(&format!("{remark}\n"));
    }
    text
}

/// `▁▂▅█ 0.1 … 4, last 3`.
fn chart(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (least, most) = (
        finite().fold(f64::INFINITY, f64::min),
        finite().fold(f64::NEG_INFINITY, f64::max),
    );
    let Some(last) = values.last() else {
        return String::new();
    };
    let per_column = values.len().div_ceil(CHART_COLUMNS).max(1);
    let bars: String = values
        .chunks(per_column)
        .map(|chunk| chunk[chunk.len() - 1])
        .map(|value| {
            if !value.is_finite() {
                return ' ';
            }
            let share = (value - least) / (most - least);
            let bar = BARS
                .iter()
                .zip(1_u8..)
                .find(|(_, above)| share * 8.0 < f64::from(*above));
            bar.map_or(
                if share.is_nan() { BARS[0] } else { BARS[7] },
                |(bar, _)| *bar,
            )
        })
        .collect();
    let [least, most, last] = [least, most, *last].map(short);
    format!("{bars}  {least} … {most}, last {last}")
}

/// A number that fits into a line.
fn short(value: f64) -> String {
    if value.is_finite() && value.fract() != 0.0 {
        let digits = format!("{value:.4}");
        return digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned();
    }
    format_float(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_rise_with_their_values() {
        assert_eq!(chart(&[0.0, 1.0, 2.0, 4.0]), "▁▃▅█  0 … 4, last 4");
        assert_eq!(chart(&[3.0, 3.0]), "▁▁  3 … 3, last 3");
        assert_eq!(chart(&[]), "");
    }

    #[test]
    fn answers_of_servers_become_lines() {
        let answer = serde_json::json!({"status": "success", "warnings": ["careful"], "data": {
            "resultType": "vector",
            "result": [{"metric": {"__name__": "up", "job": "a"}, "value": [1, "1"]},
                       {"metric": {}, "value": [1, "2.5"]}],
        }});
        assert_eq!(
            remote(&answer).unwrap(),
            "up{job=\"a\"}  1\n{}           2.5\ncareful\n"
        );
    }
}
