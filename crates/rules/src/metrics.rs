//! What the rules count about themselves.

use std::time::Duration;

use stonechat_metrics::{Counter, Family, Gauge, Histogram, RegisterError, Registry, buckets};
use stonechat_model::Timestamp;

use crate::evaluate::Evaluated;
use crate::rule::Group;

/// The most groups that are told apart.
const GROUPS_MAX: usize = 1000;

/// The metrics of all groups. Cloning gives the same ones.
#[derive(Clone)]
pub struct RuleMetrics {
    evaluations_total: Family<Counter, 1>,
    evaluation_failures_total: Family<Counter, 1>,
    evaluation_duration_seconds: Histogram,
    group_duration_seconds: Histogram,
    group: GroupMetrics,
    alerts_sent_total: Counter,
    samples_total: Counter,
    text_failures_total: Counter,
}

/// What is told apart by group, besides evaluations.
#[derive(Clone)]
struct GroupMetrics {
    iterations_total: Family<Counter, 1>,
    iterations_missed_total: Family<Counter, 1>,
    interval_seconds: Family<Gauge, 1>,
    rules: Family<Gauge, 1>,
    last_duration_seconds: Family<Gauge, 1>,
    last_evaluation_timestamp_seconds: Family<Gauge, 1>,
}

impl RuleMetrics {
    /// Registers the metrics; their names begin with `stonechat_rules_`.
    ///
    /// # Errors
    /// When other metrics have these names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let rules = registry.namespace("stonechat_rules");
        let counter = |name, help| rules.counter(name, help).register();
        let seconds = |name, help| {
            let histogram = rules.histogram(name, help).unit("seconds");
            histogram
                .buckets(buckets::SECONDS_FAST.iter().copied())
                .register()
        };
        Ok(Self {
            evaluations_total: counters(&rules, "evaluations_total", "Evaluations of rules.")?,
            evaluation_failures_total: counters(
                &rules,
                "evaluation_failures_total",
                "Evaluations of rules that failed.",
            )?,
            evaluation_duration_seconds: seconds(
                "evaluation_duration_seconds",
                "Time to evaluate a rule and store its result.",
            )?,
            group_duration_seconds: seconds(
                "group_duration_seconds",
                "Time to evaluate all rules of a group.",
            )?,
            group: GroupMetrics::register(&rules)?,
            alerts_sent_total: counter(
                "alerts_sent_total",
                "Alerts handed to notification, repetitions included.",
            )?,
            samples_total: counter("samples_total", "Samples that rules gave to the store.")?,
            text_failures_total: counter(
                "text_failures_total",
                "Labels and annotations of alerts whose template failed.",
            )?,
        })
    }

    pub(crate) fn started(&self, group: &Group) {
        let key = key(group);
        self.group
            .interval_seconds
            .with([&*key])
            .set(group.interval.as_secs_f64());
        self.group.rules.with([&*key]).set(f64::from(
            u32::try_from(group.rules.len()).unwrap_or(u32::MAX),
        ));
        // A counter that nobody has seen at zero hides its first increase.
        for family in [
            &self.evaluations_total,
            &self.evaluation_failures_total,
            &self.group.iterations_total,
            &self.group.iterations_missed_total,
        ] {
            family.with([&*key]).inc_by(0);
        }
    }

    pub(crate) fn removed(&self, group: &Group) {
        let key = key(group);
        for family in [
            &self.evaluations_total,
            &self.evaluation_failures_total,
            &self.group.iterations_total,
            &self.group.iterations_missed_total,
        ] {
            family.remove([&*key]);
        }
        for family in [
            &self.group.interval_seconds,
            &self.group.rules,
            &self.group.last_duration_seconds,
            &self.group.last_evaluation_timestamp_seconds,
        ] {
            family.remove([&*key]);
        }
    }

    pub(crate) fn evaluated(&self, group: &Group, evaluated: Evaluated) {
        let key = key(group);
        self.evaluations_total.with([&*key]).inc();
        if evaluated.failed {
            self.evaluation_failures_total.with([&*key]).inc();
        }
        self.evaluation_duration_seconds
            .observe_duration(evaluated.took);
        self.samples_total
            .inc_by(u64::try_from(evaluated.samples).unwrap_or(u64::MAX));
        self.text_failures_total
            .inc_by(u64::try_from(evaluated.bad_texts).unwrap_or(u64::MAX));
        self.alerts_sent_total
            .inc_by(u64::try_from(evaluated.sent).unwrap_or(u64::MAX));
    }

    pub(crate) fn iterated(&self, group: &Group, took: Duration, at: Timestamp) {
        let key = key(group);
        self.group_duration_seconds.observe_duration(took);
        self.group
            .last_duration_seconds
            .with([&*key])
            .set(took.as_secs_f64());
        self.group
            .last_evaluation_timestamp_seconds
            .with([&*key])
            .set(at.seconds());
    }

    pub(crate) fn scheduled(&self, group: &Group, missed: u64) {
        let key = key(group);
        self.group.iterations_total.with([&*key]).inc_by(missed + 1);
        self.group
            .iterations_missed_total
            .with([&*key])
            .inc_by(missed);
    }
}

impl GroupMetrics {
    fn register(rules: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            iterations_total: counters(
                rules,
                "group_iterations_total",
                "Moments at which a group was to be evaluated.",
            )?,
            iterations_missed_total: counters(
                rules,
                "group_iterations_missed_total",
                "Moments that passed without an evaluation because the one before was too slow.",
            )?,
            interval_seconds: gauges(
                rules,
                "group_interval_seconds",
                "Time between two evaluations of a group.",
            )?,
            rules: gauges(rules, "group_rules", "Rules in a group.")?,
            last_duration_seconds: gauges(
                rules,
                "group_last_duration_seconds",
                "Duration of the last evaluation of a group.",
            )?,
            last_evaluation_timestamp_seconds: gauges(
                rules,
                "group_last_evaluation_timestamp_seconds",
                "Moment of the last evaluation of a group, in seconds since 1970.",
            )?,
        })
    }
}

fn counters(rules: &Registry, name: &str, help: &str) -> Result<Family<Counter, 1>, RegisterError> {
    let counters = rules.counter(name, help).labels(["rule_group"]);
    counters.series_max(GROUPS_MAX).register()
}

fn gauges(rules: &Registry, name: &str, help: &str) -> Result<Family<Gauge, 1>, RegisterError> {
    let gauges = rules.gauge(name, help).labels(["rule_group"]);
    gauges.series_max(GROUPS_MAX).register()
}

/// Names of groups are unique only within a file.
fn key(group: &Group) -> String {
    format!("{};{}", group.file, group.name)
}
