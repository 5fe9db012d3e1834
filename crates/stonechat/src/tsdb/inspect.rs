//! `stonechat tsdb inspect`: what the series are made of, and what grows.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use anyhow::Result;
use stonechat_model::{Labels, METRIC_NAME, Queryable, TimeRange, Timestamp, duration};
use stonechat_tsdb::Store;

use super::shown;

pub(super) fn run(store: &Store, limit: usize, recent: Duration) -> Result<()> {
    let Some(range) = store.range() else {
        println!("there are no samples");
        return Ok(());
    };
    let series = store.series(&[], TimeRange::ALL)?;
    let stats = store.stats();
    let samples = stats.block_samples + store.recovery().samples;
    let bytes = stats.block_bytes + stats.log_bytes;
    println!(
        "{} series, {samples} samples in {bytes} bytes, from {} to {}",
        series.len(),
        shown(range.start),
        shown(range.end)
    );
    let names = counted(series.iter().map(Labels::metric_name));
    print_list("Series by metric", &names, limit);
    let pairs = || {
        series
            .iter()
            .flat_map(Labels::iter)
            .filter(|(name, _)| *name != METRIC_NAME)
    };
    let distinct: HashSet<(&str, &str)> = pairs().collect();
    let values = counted(distinct.iter().map(|(name, _)| *name));
    print_list("Values by label", &values, limit);
    let pairs: Vec<String> = pairs()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    print_list(
        "Series by label and value",
        &counted(pairs.iter().map(String::as_str)),
        limit,
    );
    grows(store, range, (limit, recent))
}

/// Metrics whose series began lately: what grows without an end is what has the most of them.
fn grows(store: &Store, range: TimeRange, (limit, recent): (usize, Duration)) -> Result<()> {
    let since = range.end.minus(recent);
    if since <= range.start {
        return Ok(());
    }
    let before = TimeRange {
        start: range.start,
        end: Timestamp::from_millis(since.millis() - 1),
    };
    let lately = TimeRange {
        start: since,
        end: range.end,
    };
    let before: HashSet<Labels> = store.series(&[], before)?.into_iter().collect();
    let lately = store.series(&[], lately)?;
    let new: Vec<&Labels> = lately
        .iter()
        .filter(|labels| !before.contains(*labels))
        .collect();
    let title = format!(
        "New series of the last {} by metric",
        duration::format(recent)
    );
    let names = counted(new.iter().map(|labels| labels.metric_name()));
    print_list(&title, &names, limit);
    Ok(())
}

/// How often each text is there, the most frequent first.
fn counted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    counts
}

fn print_list(title: &str, counts: &[(&str, usize)], limit: usize) {
    println!("\n{title}:");
    if counts.is_empty() {
        println!("       none");
    }
    for (text, count) in &counts[..counts.len().min(limit)] {
        println!("{count:>10}  {text}");
    }
    if counts.len() > limit {
        println!("            and {} more", counts.len() - limit);
    }
}
