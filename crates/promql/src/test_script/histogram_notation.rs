//! Native histograms as scripts write them: `{{schema:1 sum:-0.3 count:3 buckets:[5 10 7] offset:-3}}`.

use std::fmt::Write as _;

use stonechat_model::{
    BucketSpan, Buckets, Histogram, HistogramSum, ResetHint, format_general, parse_float,
};

/// A histogram of a script.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct WrittenHistogram {
    pub histogram: Histogram,
    /// It says what is known of the counter before it.
    pub names_hint: bool,
}

/// `{{...}}`, `{{...}}+{{...}}` or `{{...}}-{{...}}`, and as many more as `times` says.
pub(super) fn expand(text: &str, times: usize) -> Option<Vec<WrittenHistogram>> {
    let end = text.find("}}")? + 2;
    let (first, rest) = text.split_at(end);
    let first = parse(first)?;
    let mut all = vec![first];
    let (sign, step) = match rest.chars().next() {
        None => (1.0, None),
        Some('+') => (1.0, Some(parse(&rest[1..])?)),
        Some('-') => (-1.0, Some(parse(&rest[1..])?)),
        Some(_) => return None,
    };
    for _ in 0..times {
        let mut next = all.last()?.clone();
        if let Some(step) = &step {
            let mut sum = HistogramSum::new(&next.histogram);
            let added = if sign > 0.0 {
                sum.add(&step.histogram)
            } else {
                sum.sub(&step.histogram)
            };
            added.ok()?;
            next.histogram = sum.finish();
            next.names_hint = false;
        }
        all.push(next);
    }
    Some(all)
}

fn parse(text: &str) -> Option<WrittenHistogram> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let mut written = WrittenHistogram::default();
    let (mut offset, mut negative_offset) = (0, 0);
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once(':')?;
        let behind = behind.trim_start();
        let end = if behind.starts_with('[') {
            behind.find(']')? + 1
        } else {
            behind.find(char::is_whitespace).unwrap_or(behind.len())
        };
        let (value, behind) = behind.split_at(end);
        let histogram = &mut written.histogram;
        match name.trim() {
            "schema" => histogram.schema = value.parse().ok()?,
            "sum" => histogram.sum = number(value)?,
            "count" => histogram.count = number(value)?,
            "z_bucket" => histogram.zero_count = number(value)?,
            "z_bucket_w" => histogram.zero_threshold = number(value)?,
            "custom_values" => histogram.custom_values = numbers(value)?.into(),
            "buckets" => histogram.positive.counts = numbers(value)?,
            "offset" => offset = value.parse().ok()?,
            "n_buckets" => histogram.negative.counts = numbers(value)?,
            "n_offset" => negative_offset = value.parse().ok()?,
            "counter_reset_hint" => {
                histogram.reset_hint = hint(value)?;
                written.names_hint = true;
            }
            _ => return None,
        }
        rest = behind.trim_start();
    }
    span(&mut written.histogram.positive, offset)?;
    span(&mut written.histogram.negative, negative_offset)?;
    Some(written)
}

/// All buckets stand side by side.
fn span(buckets: &mut Buckets, offset: i32) -> Option<()> {
    if !buckets.counts.is_empty() {
        let length = u32::try_from(buckets.counts.len()).ok()?;
        buckets.spans.push(BucketSpan { offset, length });
    }
    Some(())
}

fn number(text: &str) -> Option<f64> {
    parse_float(text)
}

fn numbers(text: &str) -> Option<Vec<f64>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.split_whitespace().map(number).collect()
}

fn hint(text: &str) -> Option<ResetHint> {
    Some(match text {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        _ => return None,
    })
}

/// A histogram in this notation, for messages.
pub(super) fn notation(histogram: &Histogram) -> String {
    let mut text = format!("{{{{schema:{}", histogram.schema);
    let mut add = |name: &str, value: f64| {
        if value != 0.0 {
            // Writing to a String cannot fail.
            let _ = write!(text, " {name}:{}", format_general(value));
        }
    };
    add("count", histogram.count);
    add("sum", histogram.sum);
    add("z_bucket", histogram.zero_count);
    add("z_bucket_w", histogram.zero_threshold);
    if !histogram.custom_values.is_empty() {
        let _ = write!(text, " custom_values:{:?}", histogram.custom_values);
    }
    let _ = write!(text, " counter_reset_hint:{:?}", histogram.reset_hint);
    for (name, buckets) in [
        ("buckets", &histogram.positive),
        ("n_buckets", &histogram.negative),
    ] {
        let _ = write!(text, " {name}:{:?}", buckets.iter().collect::<Vec<_>>());
    }
    text + "}}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_any_order() {
        let all = expand(
            "{{buckets:[5 10 7] schema:1 sum:-0.3 offset:-3 count:3 counter_reset_hint:gauge}}",
            0,
        )
        .unwrap();
        let histogram = &all[0].histogram;
        assert_eq!((histogram.schema, histogram.count), (1, 3.0));
        assert_eq!(histogram.positive.iter().next(), Some((-3, 5.0)));
        assert!(all[0].names_hint);
        assert_eq!(expand("{{colour:red}}", 0), None);
    }

    #[test]
    fn sequences_add_up() {
        let all = expand("{{count:1 buckets:[1]}}+{{count:2 buckets:[0 2]}}", 2).unwrap();
        let counts: Vec<f64> = all.iter().map(|one| one.histogram.count).collect();
        assert_eq!(counts, [1.0, 3.0, 5.0]);
        assert_eq!(all[2].histogram.positive.counts, [1.0, 4.0]);
    }
}
