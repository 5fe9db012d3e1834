//! One test of a file: its series, the rules over them, and what is expected.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Alert, AlertSink, Labels, Timestamp, duration};
use stonechat_promql::test_script::series_line;
use stonechat_promql::{Cancel, Engine, EngineOptions};

use super::file::{AlertTest, ExpectedSample, ExprTest, Test};
use super::show::{self, ShownAlert};
use super::store::TestStore;
use crate::alerts::{AlertState, Tolerance};
use crate::config::{GroupDefaults, load};
use crate::evaluate::Workshop;
use crate::live::LiveGroup;
use crate::source::EngineSource;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// What holds for all tests of a file.
pub(super) struct Setting<'a> {
    pub interval: Duration,
    pub order: Vec<&'a str>,
    pub fuzzy: bool,
    pub rule_files: Vec<PathBuf>,
}

/// Takes alerts and tells nobody.
struct Nobody;

impl AlertSink for Nobody {
    fn put(&self, _alerts: Vec<Alert>) {}
}

/// Runs one test; gives every failure.
pub(super) fn run(test: &Test, setting: &Setting<'_>) -> Vec<String> {
    match Bench::new(test, setting) {
        Ok(bench) => bench.run(),
        Err(failures) => failures,
    }
}

struct Bench<'a> {
    test: &'a Test,
    setting: &'a Setting<'a>,
    start: Timestamp,
    groups: Vec<LiveGroup>,
    workshop: Workshop,
}

impl<'a> Bench<'a> {
    fn new(test: &'a Test, setting: &'a Setting<'a>) -> Result<Self, Vec<String>> {
        let start = test
            .start_timestamp
            .map_or(Timestamp::from_millis(0), |start| start.0);
        let step = test.interval.map_or(MINUTE, |interval| interval.0);
        let store = Arc::new(TestStore::default());
        for input in &test.input_series {
            let line = format!("{} {}", input.series, input.values);
            let (labels, values) = series_line(&line)
                .map_err(|error| vec![format!("series {:?}: {error}", input.series)])?;
            let mut at = start;
            for value in values {
                if let Some(value) = value {
                    store.insert(&labels, at, value);
                }
                at = at.plus(step);
            }
        }
        let external =
            Labels::from_pairs(&test.external_labels).map_err(|error| vec![error.to_string()])?;
        Ok(Self {
            test,
            setting,
            start,
            groups: groups(setting, step)?,
            workshop: workshop(test, setting.interval, store, external),
        })
    }

    fn run(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if let Some(nameless) = self
            .test
            .alert_rule_test
            .iter()
            .find(|alert| alert.alertname.is_empty())
        {
            let time = duration::format(nameless.eval_time.0);
            let name = match self.test.name.as_str() {
                "" => String::new(),
                name => format!(" (in TestGroup {name})"),
            };
            return vec![format!(
                "an item under alert_rule_test misses required attribute alertname at eval_time {time}{name}"
            )];
        }
        let alerts = self.test.alert_rule_test.iter().map(|test| test.eval_time);
        let last = alerts
            .chain(self.test.promql_expr_test.iter().map(|test| test.eval_time))
            .max();
        let mut passed = Duration::ZERO;
        while passed <= last.unwrap_or_default().0 {
            let errors = self.evaluate(passed);
            if !errors.is_empty() {
                failures.extend(errors);
                return failures;
            }
            self.check_alerts(passed, &mut failures);
            passed += self.setting.interval;
        }
        failures.extend(
            self.test
                .promql_expr_test
                .iter()
                .filter_map(|test| self.check_expr(test)),
        );
        failures
    }

    /// Evaluates all groups; gives the errors of their rules.
    fn evaluate(&self, passed: Duration) -> Vec<String> {
        let now = self.start.plus(passed);
        let mut errors = Vec::new();
        for group in &self.groups {
            group.evaluate(&self.workshop, None, now, &|| false);
            for cell in &group.cells {
                if let Some(error) = &cell.last.lock().error {
                    let time = duration::format(passed);
                    errors.push(format!(
                        "    rule: {}, time: {time}, err: {error}",
                        cell.rule.name
                    ));
                }
            }
        }
        errors
    }

    /// Compares the alerts of this evaluation with what is expected until the next.
    fn check_alerts(&self, passed: Duration, failures: &mut Vec<String>) {
        let until = passed + self.setting.interval;
        let tests = self.test.alert_rule_test.iter();
        let mut due: Vec<&AlertTest> = tests
            .filter(|test| (passed..until).contains(&test.eval_time.0))
            .collect();
        due.sort_by_key(|test| test.eval_time);
        for test in due {
            let mut expected: Vec<ShownAlert> = test
                .exp_alerts
                .iter()
                .map(|alert| {
                    let mut labels = alert.exp_labels.clone();
                    labels.insert("alertname".to_owned(), test.alertname.clone());
                    ShownAlert {
                        labels: Labels::from_pairs(&labels).unwrap_or_default(),
                        annotations: alert.exp_annotations.clone(),
                    }
                })
                .collect();
            let mut got = self.firing(test);
            expected.sort();
            got.sort();
            if expected != got {
                let name = match self.test.name.as_str() {
                    "" => String::new(),
                    name => format!("    name: {name},\n"),
                };
                let group = match test.groupname.as_str() {
                    "" => String::new(),
                    group => format!("groupname: {group}, "),
                };
                failures.push(format!(
                    "{name}    {group}alertname: {}, time: {}, \n        exp:{}, \n        got:{}",
                    test.alertname,
                    duration::format(test.eval_time.0),
                    show::alerts(&expected),
                    show::alerts(&got)
                ));
            }
        }
    }

    fn firing(&self, test: &AlertTest) -> Vec<ShownAlert> {
        let groups = self.groups.iter();
        let groups = groups
            .filter(|group| test.groupname.is_empty() || group.definition.name == test.groupname);
        let cells = groups.flat_map(|group| &group.cells);
        let mut firing = Vec::new();
        for cell in
            cells.filter(|cell| cell.rule.name == test.alertname && cell.rule.alerting().is_some())
        {
            let alerts = cell.alerts.lock();
            let alerts = alerts.pending_and_firing();
            firing.extend(
                alerts
                    .filter(|(_, alert)| alert.state == AlertState::Firing)
                    .map(|(labels, alert)| ShownAlert {
                        labels: labels.clone(),
                        annotations: (*alert.annotations).clone(),
                    }),
            );
        }
        firing
    }

    /// What is wrong with the result of an expression.
    fn check_expr(&self, test: &ExprTest) -> Option<String> {
        let head = format!(
            "    expr: {:?}, time: {},",
            test.expr,
            duration::format(test.eval_time.0)
        );
        let got = stonechat_promql::parse(&test.expr)
            .map_err(|error| error.to_string())
            .and_then(|expr| {
                let at = self.start.plus(test.eval_time.0);
                self.workshop
                    .source
                    .vector(&expr, at)
                    .map_err(|error| error.to_string())
            });
        let expected: Result<Vec<(Labels, f64)>, String> =
            test.exp_samples.iter().map(expected_sample).collect();
        let (mut got, mut expected) = match (got, expected) {
            (Ok(got), Ok(expected)) => (got, expected),
            (Err(error), _) | (_, Err(error)) => return Some(format!("{head} err: {error}")),
        };
        got.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        let same = got.len() == expected.len()
            && got
                .iter()
                .zip(&expected)
                .all(|(got, expected)| got.0 == expected.0 && self.same(got.1, expected.1));
        (!same).then(|| {
            format!(
                "{head}\n        exp: {}\n        got: {}",
                show::samples(&expected),
                show::samples(&got)
            )
        })
    }

    fn same(&self, a: f64, b: f64) -> bool {
        a == b || (self.setting.fuzzy && (a.next_up() == b || a.next_down() == b))
    }
}

fn expected_sample(sample: &ExpectedSample) -> Result<(Labels, f64), String> {
    if !sample.histogram.is_empty() {
        return Err("native histograms are not evaluated yet".to_owned());
    }
    if sample.labels.is_empty() {
        return Ok((Labels::default(), sample.value));
    }
    let (labels, _) = series_line(&sample.labels)
        .map_err(|error| format!("labels {:?}: {error}", sample.labels))?;
    Ok((labels, sample.value))
}

/// The groups of all rule files, those that are named in the order first.
fn groups(setting: &Setting<'_>, step: Duration) -> Result<Vec<LiveGroup>, Vec<String>> {
    let defaults = GroupDefaults {
        interval: step,
        query_offset: Duration::ZERO,
    };
    let (mut groups, mut failures) = (Vec::new(), Vec::new());
    for file in &setting.rule_files {
        match load(file, defaults) {
            Ok(loaded) => groups.extend(loaded),
            Err(problems) => failures.push(problems.to_string()),
        }
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    let place: BTreeMap<&str, usize> = setting
        .order
        .iter()
        .enumerate()
        .map(|(place, name)| (*name, place))
        .collect();
    // As in promtool: a group that is not named counts as the first.
    groups.sort_by_key(|group| place.get(group.name.as_str()).copied().unwrap_or(0));
    Ok(groups
        .into_iter()
        .map(|group| LiveGroup::new(group, true))
        .collect())
}

fn workshop(
    test: &Test,
    interval: Duration,
    store: Arc<TestStore>,
    external_labels: Labels,
) -> Workshop {
    let engine = Engine::new(EngineOptions {
        subquery_step: interval,
        ..EngineOptions::default()
    });
    Workshop {
        source: Box::new(EngineSource {
            engine,
            queryable: Arc::clone(&store) as _,
            cancel: Cancel::new(),
        }),
        queryable: Arc::clone(&store) as _,
        appender: store,
        sink: Arc::new(Nobody),
        external_url: test.external_url.trim_end_matches('/').to_owned(),
        external_labels: parking_lot::Mutex::new(external_labels),
        resend_delay: MINUTE,
        outage_tolerance: Duration::ZERO,
        tolerance: Tolerance {
            grace: Duration::ZERO,
        },
        settle: Duration::ZERO,
        state: None,
    }
}
