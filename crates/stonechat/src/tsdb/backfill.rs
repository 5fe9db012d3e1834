//! `stonechat tsdb backfill`: recording rules over the past.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stonechat_model::{Labels, METRIC_NAME, TimeRange, Timestamp, duration};
use stonechat_promql::{Cancel, Engine, EngineOptions, Steps, Value};
use stonechat_rules::config::{GroupDefaults, load};
use stonechat_rules::{Group, Rule, RuleKind};
use stonechat_tsdb::Store;

use super::progress::Progress;
use super::sink::{Sink, Totals};
use super::window::windows;
use super::{moment, shown};

/// So much time is evaluated at once.
const WINDOW: Duration = Duration::from_hours(2);

#[derive(Debug, clap::Args)]
pub(super) struct BackfillArgs {
    /// Files with rules.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The first moment: RFC 3339, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    start: Timestamp,
    /// The last moment; now by default.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    end: Option<Timestamp>,
    /// How often groups are evaluated that do not say it themselves.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration::parse)]
    interval: Duration,
}

pub(super) fn run(store: &Store, args: &BackfillArgs) -> Result<()> {
    let defaults = GroupDefaults {
        interval: args.interval,
        ..GroupDefaults::default()
    };
    let mut groups = Vec::new();
    for file in &args.files {
        groups.extend(load(file, defaults)?);
    }
    let end = args.end.unwrap_or_else(Timestamp::now);
    if end < args.start {
        bail!(
            "--end {} is before --start {}",
            shown(end),
            shown(args.start)
        );
    }
    let range = TimeRange {
        start: args.start,
        end,
    };
    let engine = Engine::new(EngineOptions {
        subquery_step: args.interval,
        ..EngineOptions::default()
    });
    let windows = windows(range, WINDOW);
    let mut progress = Progress::new("evaluating", (windows.len() * groups.len()) as u64);
    let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
    for window in windows {
        for group in &groups {
            for rule in group
                .rules
                .iter()
                .filter(|rule| matches!(rule.kind, RuleKind::Recording))
            {
                let told = || format!("{} in group {}", rule.name, group.name);
                let found = evaluate((store, &engine), group, rule, window).with_context(told)?;
                totals.entry(rule.name.clone()).or_default().add(found);
            }
            progress.step();
        }
    }
    drop(progress);
    if totals.is_empty() {
        println!("there are no recording rules");
    }
    for (name, totals) in totals {
        println!("{name}: {totals}");
    }
    Ok(())
}

/// One rule over a window, at whole multiples of the group's interval.
fn evaluate(
    (store, engine): (&Store, &Engine),
    group: &Group,
    rule: &Rule,
    window: TimeRange,
) -> Result<Totals> {
    let step = i64::try_from(group.interval.as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    let first = window.start.millis().div_euclid(step) * step;
    let first = if first < window.start.millis() {
        first + step
    } else {
        first
    };
    if first > window.end.millis() {
        return Ok(Totals::default());
    }
    let steps = Steps {
        start: Timestamp::from_millis(first),
        end: window.end,
        step: group.interval,
    };
    let answer = engine.range(store, &rule.query.expr, steps, &Cancel::new())?;
    let mut sink = Sink::new(store);
    if let Value::Matrix(matrix) = answer.value {
        for series in matrix {
            sink.add(&recorded(rule, &series.labels)?, &series.points)?;
        }
    }
    sink.flush()?;
    Ok(sink.totals)
}

/// The labels of a result under the rule's name, with the rule's labels.
fn recorded(rule: &Rule, labels: &Labels) -> Result<Labels> {
    let mut builder = labels.to_builder();
    builder.set(METRIC_NAME, &rule.name);
    for (name, text) in &rule.labels {
        builder.set(name, text.written());
    }
    Ok(builder.build()?)
}
