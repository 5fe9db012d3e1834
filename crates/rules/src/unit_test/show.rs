//! Failures as promtool shows them.

use std::collections::BTreeMap;

use stonechat_model::Labels;

/// A firing alert, or one that should fire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShownAlert {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
}

/// All labels with their names, the metric's among them.
pub(super) fn label_set(labels: &Labels) -> String {
    pairs(labels.iter())
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let shown: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", shown.join(", "))
}

pub(super) fn alerts(alerts: &[ShownAlert]) -> String {
    if alerts.is_empty() {
        return "[]".to_owned();
    }
    let shown = alerts.iter().enumerate().map(|(index, alert)| {
        let annotations = alert
            .annotations
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        format!(
            "            {index}:\n              Labels:{}\n              Annotations:{}",
            label_set(&alert.labels),
            pairs(annotations)
        )
    });
    let shown: Vec<String> = shown.collect();
    format!("[\n{}\n            ]", shown.join(",\n"))
}

pub(super) fn samples(samples: &[(Labels, f64)]) -> String {
    if samples.is_empty() {
        return "nil".to_owned();
    }
    let shown = samples
        .iter()
        .map(|(labels, value)| format!("{} {}", label_set(labels), number(*value)));
    shown.collect::<Vec<_>>().join(", ")
}

/// A number as Go writes it with an exponent: `2.5E+00`.
fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let shown = format!("{value:E}");
    match shown.split_once('E') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}E{sign}{exponent:0>2}")
        }
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_go() {
        for (value, shown) in [
            (1.0, "1E+00"),
            (0.0, "0E+00"),
            (2.999_999_999_999_999_6, "2.9999999999999996E+00"),
            (0.05, "5E-02"),
            (-1.5e120, "-1.5E+120"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
