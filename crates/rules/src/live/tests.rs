//! Groups through time: what they store, tell and remember.

use std::sync::Arc;

use stonechat_model::Queryable;
use stonechat_promql::{Cancel, Engine};

use super::LiveGroup;
use crate::alerts::AlertState;
use crate::evaluate::{RuleHealth, Workshop};
use crate::source::EngineSource;
use crate::status::RuleStatus;
use crate::testing::{Bench, at, groups, labels};

fn live(rules: &str) -> LiveGroup {
    LiveGroup::new(groups(rules).remove(0), true)
}

/// Evaluates the group at each of these seconds.
fn run(group: &LiveGroup, workshop: &Workshop, seconds: &[i64]) {
    for second in seconds {
        group.evaluate(workshop, None, at(*second), &|| false);
    }
}

fn rule(group: &LiveGroup) -> RuleStatus {
    group.status().rules.remove(0)
}

#[test]
fn a_recording_rule_stores_its_result_under_its_name() {
    let bench = Bench::new();
    let group = live(
        "  - {record: 'job:up:sum', expr: 'sum by (job) (up)', labels: {team: im, gone: ''}}\n",
    );
    bench.results.set(
        "sum by (job) (up)",
        &[("x{job=\"a\", gone=\"1\"}", 2.0), ("{job=\"b\"}", 0.0)],
    );
    run(&group, &bench.workshop(), &[10, 20]);
    assert_eq!(
        bench.store.shown(at(0)),
        "job:up:sum{job=\"a\", team=\"im\"} 2@10 2@20\njob:up:sum{job=\"b\", team=\"im\"} 0@10 0@20"
    );
    assert_eq!(rule(&group).health, RuleHealth::Good);
    assert_eq!(group.status().last_evaluation, Some(at(20)));
}

#[test]
fn a_series_that_is_no_longer_in_the_result_ends() {
    let bench = Bench::new();
    let (group, workshop) = (live("  - {record: r, expr: x}\n"), bench.workshop());
    bench
        .results
        .set("x", &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    run(&group, &workshop, &[10]);
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    run(&group, &workshop, &[20, 30]);
    assert_eq!(
        bench.store.shown(at(0)),
        "r{i=\"1\"} 1@10 1@20 1@30\nr{i=\"2\"} 1@10 stale@20"
    );
}

#[test]
fn a_failed_recording_leaves_its_series_open() {
    let bench = Bench::new();
    let (group, workshop) = (live("  - {record: r, expr: x}\n"), bench.workshop());
    bench.results.set("x", &[("{}", 1.0)]);
    run(&group, &workshop, &[10]);
    bench.results.fail("x");
    run(&group, &workshop, &[20]);
    assert_eq!(
        rule(&group).last_error.as_deref(),
        Some("query timed out in expression evaluation")
    );
    bench.results.set("x", &[("{}", 2.0)]);
    run(&group, &workshop, &[30]);
    assert_eq!(bench.store.shown(at(0)), "r 1@10 2@30");
    assert_eq!(
        (rule(&group).health, rule(&group).last_error),
        (RuleHealth::Good, None)
    );
}

#[test]
fn results_that_become_the_same_series_are_refused() {
    let bench = Bench::new();
    let group = live("  - {record: r, expr: x, labels: {i: same}}\n");
    bench
        .results
        .set("x", &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    run(&group, &bench.workshop(), &[10]);
    assert_eq!(
        rule(&group).last_error.as_deref(),
        Some("vector contains metrics with the same labelset after applying rule labels")
    );
    assert_eq!(bench.store.shown(at(0)), "");
}

#[test]
fn a_group_limits_the_series_of_a_rule() {
    let bench = Bench::new();
    let mut definition = groups("  - {record: r, expr: x}\n").remove(0);
    definition.limit = 1;
    let group = LiveGroup::new(definition, true);
    bench
        .results
        .set("x", &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    run(&group, &bench.workshop(), &[10]);
    assert_eq!(
        rule(&group).last_error.as_deref(),
        Some("exceeded limit of 1 with 2 series")
    );
}

#[test]
fn a_query_offset_looks_back_and_stamps_back() {
    let bench = Bench::new();
    let mut definition =
        groups("  - {record: r, expr: time()}\n  - {alert: A, expr: time()}\n").remove(0);
    definition.query_offset = std::time::Duration::from_secs(4);
    let group = LiveGroup::new(definition, true);
    run(&group, &bench.workshop(), &[10]);
    assert_eq!(
        bench.store.shown(at(0)),
        "ALERTS_FOR_STATE{alertname=\"A\"} 10@6\nALERTS{alertname=\"A\", alertstate=\"firing\"} 1@6\nr 6@6"
    );
}

#[test]
fn a_series_that_the_store_has_forgotten_is_asked_for_again() {
    let bench = Bench::new();
    let (group, workshop) = (live("  - {record: r, expr: x}\n"), bench.workshop());
    bench.results.set("x", &[("{}", 1.0)]);
    run(&group, &workshop, &[10]);
    bench.store.forget();
    run(&group, &workshop, &[20]);
    assert_eq!(bench.store.shown(at(0)), "r 1@10\nr 1@20");
}

#[test]
fn a_full_store_takes_what_it_has_room_for() {
    let bench = Bench::new();
    *bench.store.series_max.lock() = Some(1);
    let group = live("  - {record: r, expr: x}\n");
    bench
        .results
        .set("x", &[("x{i=\"1\"}", 1.0), ("x{i=\"2\"}", 1.0)]);
    run(&group, &bench.workshop(), &[10]);
    assert_eq!(bench.store.shown(at(0)), "r{i=\"1\"} 1@10");
    assert_eq!(
        rule(&group).last_error.as_deref(),
        Some("the limit of 1 series is reached")
    );
}

const DOWN: &str = "  - alert: Down
    expr: up == 0
    for: 20s
    labels: {severity: '{{ if eq $labels.job \"a\" }}critical{{ end }}', team: im}
    annotations: {summary: '{{ $labels.job }} is {{ $value }}', who: '{{ $externalLabels.system }}'}
";

#[test]
fn an_alert_is_stored_told_and_shown() {
    let bench = Bench::new();
    let (group, workshop) = (live(DOWN), bench.workshop());
    *workshop.external_labels.lock() = labels("{system=\"chat\"}");
    bench.results.set("up == 0", &[("up{job=\"a\"}", 0.0)]);
    run(&group, &workshop, &[10, 20]);
    assert_eq!(bench.sink.take(), [""; 0]);
    run(&group, &workshop, &[30]);
    let told = bench.sink.0.lock()[0].clone();
    assert_eq!(told.annotations["summary"], "a is 0");
    assert_eq!(told.annotations["who"], "chat");
    assert_eq!(
        told.generator_url,
        "http://monitor:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    );
    assert_eq!(
        bench.sink.take(),
        [
            "{alertname=\"Down\", job=\"a\", severity=\"critical\", system=\"chat\", team=\"im\"} 30..270"
        ]
    );
    bench.results.set("up == 0", &[]);
    run(&group, &workshop, &[40]);
    assert_eq!(
        bench.store.shown(at(0)),
        "ALERTS_FOR_STATE{alertname=\"Down\", job=\"a\", severity=\"critical\", team=\"im\"} 10@10 10@20 10@30 stale@40
ALERTS{alertname=\"Down\", alertstate=\"firing\", job=\"a\", severity=\"critical\", team=\"im\"} 1@30 stale@40
ALERTS{alertname=\"Down\", alertstate=\"pending\", job=\"a\", severity=\"critical\", team=\"im\"} 1@10 1@20 stale@30"
    );
    assert_eq!(
        bench.sink.take(),
        [
            "{alertname=\"Down\", job=\"a\", severity=\"critical\", system=\"chat\", team=\"im\"} 30..40"
        ]
    );
}

#[test]
fn a_failed_query_is_not_a_recovery() {
    let bench = Bench::new();
    let (group, workshop) = (live("  - {alert: A, expr: x}\n"), bench.workshop());
    bench.results.set("x", &[("x", 1.0)]);
    run(&group, &workshop, &[10]);
    assert_eq!(bench.sink.take(), ["{alertname=\"A\"} 10..250"]);
    bench.results.fail("x");
    run(&group, &workshop, &[20, 30, 40, 50, 60, 70, 80]);
    // Whoever was told hears in time that it goes on.
    assert_eq!(bench.sink.take(), ["{alertname=\"A\"} 10..320"]);
    let status = rule(&group);
    let alerting = status.alerting.unwrap();
    assert_eq!(
        (status.health, alerting.state),
        (RuleHealth::Bad, AlertState::Firing)
    );
    assert_eq!(alerting.alerts[0].active_at, at(10));
    assert!(
        bench
            .store
            .shown(at(80))
            .contains("alertstate=\"firing\"} 1@80")
    );
    bench.results.set("x", &[]);
    run(&group, &workshop, &[90]);
    assert_eq!(bench.sink.take(), ["{alertname=\"A\"} 10..90"]);
}

#[test]
fn a_template_that_fails_leaves_its_error_in_the_text() {
    let bench = Bench::new();
    let group = live("  - {alert: A, expr: x, annotations: {s: '{{ $labels.a.b }}'}}\n");
    bench.results.set("x", &[("x{a=\"1\"}", 1.0)]);
    run(&group, &bench.workshop(), &[10]);
    let alert = rule(&group).alerting.unwrap().alerts.remove(0);
    assert!(
        alert.annotations["s"].starts_with("<error expanding template: "),
        "{:?}",
        alert.annotations
    );
}

#[test]
fn texts_may_ask_queries() {
    let bench = Bench::new();
    let group = live(
        "  - {alert: A, expr: x, annotations: {s: '{{ query \"y\" | first | value }} {{ len (query \"z\") }}'}}\n",
    );
    bench.results.set("x", &[("x", 1.0)]);
    bench.results.set("y", &[("y", 7.5)]);
    bench.results.set("z", &[]);
    run(&group, &bench.workshop(), &[10]);
    assert_eq!(
        rule(&group).alerting.unwrap().alerts[0].annotations["s"],
        "7.5 0"
    );
}

/// How alerts stand: `labels state`, sorted, with what is said of missing data.
fn standing(group: &LiveGroup) -> Vec<String> {
    let alerts = rule(group).alerting.unwrap().alerts;
    let shown = alerts.iter().map(|alert| {
        let said = alert.annotations.get("stonechat_missing_data");
        let said = said.map_or(String::new(), |said| format!(" ({said})"));
        format!("{} {}{said}", alert.labels, alert.state.as_str())
    });
    shown.collect()
}

/// A second, the series that there are then with their values, and how alerts stand.
type MissingStep<'a> = (i64, &'a [(&'a str, f64)], &'a [&'a str]);

/// A rule `x > 5` with `for: 20s` that takes missing data so; steps of a second, the series of `x` with their values, and how
/// alerts then stand.
fn check_missing(policy: &str, steps: &[MissingStep<'_>]) {
    let bench = Bench::new();
    let rules = format!(
        "  - {{alert: A, expr: x > 5, for: 20s, annotations: {{stonechat_missing_data: {policy}}}}}\n"
    );
    let (group, workshop) = (live(&rules), bench.workshop());
    for (second, data, expected) in steps {
        let bad: Vec<_> = data
            .iter()
            .copied()
            .filter(|(_, value)| *value > 5.0)
            .collect();
        bench.results.set("x", data);
        bench.results.set("x > 5", &bad);
        run(&group, &workshop, &[*second]);
        assert_eq!(rule(&group).last_error, None);
        assert_eq!(standing(&group), *expected, "at {second}");
    }
}

#[test]
fn missing_data_ends_an_alert_unless_the_rule_says_otherwise() {
    check_missing(
        "resolve",
        &[
            (
                0,
                &[("{i=\"1\"}", 9.0)],
                &["{alertname=\"A\", i=\"1\"} pending"],
            ),
            (
                20,
                &[("{i=\"1\"}", 9.0)],
                &["{alertname=\"A\", i=\"1\"} firing"],
            ),
            (30, &[], &[]),
        ],
    );
}

#[test]
fn an_alert_is_kept_while_its_data_is_missing() {
    check_missing(
        "keep",
        &[
            (
                0,
                &[("{i=\"1\"}", 9.0)],
                &["{alertname=\"A\", i=\"1\"} pending"],
            ),
            (10, &[], &["{alertname=\"A\", i=\"1\"} pending"]),
            // It does not ripen unseen.
            (30, &[], &["{alertname=\"A\", i=\"1\"} pending"]),
            (
                40,
                &[("{i=\"1\"}", 9.0)],
                &["{alertname=\"A\", i=\"1\"} firing"],
            ),
            (
                50,
                &[("{i=\"2\"}", 1.0)],
                &["{alertname=\"A\", i=\"1\"} firing"],
            ),
            (60, &[("{i=\"1\"}", 1.0)], &[]),
            (70, &[], &[]),
        ],
    );
}

#[test]
fn missing_data_is_an_alert_where_the_rule_says_so() {
    let missed = "{alertname=\"A\", i=\"1\"}";
    let pending = format!("{missed} pending (there is no data)");
    let firing = format!("{missed} firing (there is no data)");
    check_missing(
        "alert",
        &[
            (0, &[("{i=\"1\"}", 1.0), ("{i=\"2\"}", 1.0)], &[]),
            (10, &[("{i=\"2\"}", 1.0)], &[pending.as_str()]),
            (30, &[("{i=\"2\"}", 1.0)], &[firing.as_str()]),
            (40, &[("{i=\"1\"}", 1.0), ("{i=\"2\"}", 1.0)], &[]),
            (
                50,
                &[("{i=\"1\"}", 9.0), ("{i=\"2\"}", 1.0)],
                &["{alertname=\"A\", i=\"1\"} pending"],
            ),
        ],
    );
    // Nothing at all, from the beginning.
    check_missing(
        "alert",
        &[
            (0, &[], &["{alertname=\"A\"} pending (there is no data)"]),
            (20, &[], &["{alertname=\"A\"} firing (there is no data)"]),
            (30, &[("{i=\"1\"}", 1.0)], &[]),
        ],
    );
}

/// A second process with the same store: evaluated at these seconds, restored after the second of them.
fn restarted(bench: &Bench, rules: &str, seconds: [i64; 2]) -> LiveGroup {
    let group = LiveGroup::new(groups(rules).remove(0), false);
    let workshop = bench.workshop();
    run(&group, &workshop, &seconds);
    assert!(group.wants_restore());
    group.restore(&workshop, at(seconds[1]));
    assert!(!group.wants_restore());
    group
}

const FOR_15_MINUTES: &str = "  - {alert: A, expr: x, for: 15m, labels: {a: '{{ $labels.i }}'}}\n";

#[test]
fn a_restart_in_the_middle_of_for_goes_on_with_it() {
    let bench = Bench::new();
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    run(&live(FOR_15_MINUTES), &bench.workshop(), &[0, 100, 200]);
    let group = restarted(&bench, FOR_15_MINUTES, [300, 310]);
    // 200 of 900 seconds had passed, 700 are left.
    run(&group, &bench.workshop(), &[1000]);
    assert_eq!(rule(&group).alerting.unwrap().state, AlertState::Pending);
    run(&group, &bench.workshop(), &[1010]);
    assert_eq!(rule(&group).alerting.unwrap().state, AlertState::Firing);
    // Nothing was written while the old samples were still needed.
    assert!(
        bench
            .store
            .shown(at(201))
            .starts_with("ALERTS_FOR_STATE{a=\"1\", alertname=\"A\", i=\"1\"} 110@1000")
    );
}

#[test]
fn a_restart_while_an_alert_fires_is_not_heard() {
    let bench = Bench::new();
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    run(&live(FOR_15_MINUTES), &bench.workshop(), &[0, 450, 900]);
    assert_eq!(
        bench.sink.take(),
        ["{a=\"1\", alertname=\"A\", i=\"1\"} 900..1140"]
    );
    let group = restarted(&bench, FOR_15_MINUTES, [960, 970]);
    assert_eq!(bench.sink.take(), [""; 0]);
    run(&group, &bench.workshop(), &[980]);
    assert_eq!(
        bench.sink.take(),
        ["{a=\"1\", alertname=\"A\", i=\"1\"} 900..1220"]
    );
}

#[test]
fn after_too_long_an_outage_for_begins_again() {
    let bench = Bench::new();
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    run(&live(FOR_15_MINUTES), &bench.workshop(), &[0, 800]);
    let group = restarted(&bench, FOR_15_MINUTES, [4500, 4510]);
    assert_eq!(rule(&group).alerting.unwrap().alerts[0].active_at, at(4500));
}

#[test]
fn an_alert_that_ended_before_the_restart_begins_anew() {
    let bench = Bench::new();
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    let (group, workshop) = (live(FOR_15_MINUTES), bench.workshop());
    run(&group, &workshop, &[0, 100]);
    bench.results.set("x", &[]);
    run(&group, &workshop, &[110]);
    bench.results.set("x", &[("x{i=\"1\"}", 1.0)]);
    let group = restarted(&bench, FOR_15_MINUTES, [200, 210]);
    assert_eq!(rule(&group).alerting.unwrap().alerts[0].active_at, at(200));
}

/// The group after a reload with other rules.
fn reloaded(old: &LiveGroup, rules: &str) -> LiveGroup {
    let group = LiveGroup::continuing(groups(rules).remove(0), old);
    group.adopt_orphans(old);
    group
}

#[test]
fn a_reload_that_changes_texts_keeps_a_firing_alert() {
    let bench = Bench::new();
    let workshop = bench.workshop();
    bench.results.set("x", &[("x", 1.0)]);
    bench.results.set("x > 0", &[("x", 1.0)]);
    let old = live("  - {alert: A, expr: x, for: 10s}\n");
    run(&old, &workshop, &[10, 20]);
    assert_eq!(bench.sink.take(), ["{alertname=\"A\"} 20..260"]);
    let group = reloaded(
        &old,
        "  - {record: r, expr: x}\n  - {alert: A, expr: x > 0, for: 10s, annotations: {s: new}}\n",
    );
    run(&group, &workshop, &[30]);
    // It is not told again before its time.
    assert_eq!(bench.sink.take(), [""; 0]);
    let alerting = group.status().rules.remove(1).alerting.unwrap();
    assert_eq!(
        (alerting.alerts[0].active_at, alerting.state),
        (at(10), AlertState::Firing)
    );
    assert_eq!(alerting.alerts[0].annotations["s"], "new");
}

#[test]
fn a_reload_that_leaves_a_rule_alone_keeps_all_of_it() {
    let bench = Bench::new();
    bench.results.set("x", &[("x", 1.0)]);
    let old = live("  - {alert: A, expr: x}\n");
    run(&old, &bench.workshop(), &[10]);
    let group = reloaded(&old, "  - {record: r, expr: x}\n  - {alert: A, expr: x}\n");
    let status = group.status();
    assert_eq!(status.last_evaluation, Some(at(10)));
    assert_eq!(
        (status.rules[0].health, status.rules[1].health),
        (RuleHealth::Unknown, RuleHealth::Good)
    );
    assert_eq!(status.rules[1].last_evaluation, Some(at(10)));
}

#[test]
fn a_reload_that_removes_a_rule_ends_its_series() {
    let bench = Bench::new();
    let workshop = bench.workshop();
    bench.results.set("x", &[("x", 1.0)]);
    let old =
        live("  - {record: r, expr: x}\n  - {record: r, expr: x}\n  - {record: s, expr: x}\n");
    run(&old, &workshop, &[10]);
    // The same rule stood there twice; the first continues, and goes on writing.
    let group = reloaded(&old, "  - {record: r, expr: x}\n");
    run(&group, &workshop, &[20, 30]);
    assert_eq!(
        bench.store.shown(at(0)),
        "r 1@10 1@20 1@30\ns 1@10 stale@20"
    );
}

#[test]
fn a_stopped_group_ends_after_the_rule_at_hand() {
    let bench = Bench::new();
    let group = live("  - {record: r, expr: x}\n  - {record: s, expr: x}\n");
    bench.results.set("x", &[("x", 1.0)]);
    let asked = std::cell::Cell::new(0);
    group.evaluate(&bench.workshop(), None, at(10), &|| {
        asked.set(asked.get() + 1);
        asked.get() > 1
    });
    assert_eq!(bench.store.shown(at(0)), "r 1@10");
}

#[test]
fn the_engine_reads_what_rules_before_wrote() {
    let bench = Bench::new();
    let mut workshop = bench.workshop();
    workshop.source = Box::new(EngineSource {
        engine: Engine::default(),
        queryable: Arc::clone(&bench.store) as Arc<dyn Queryable>,
        cancel: Cancel::new(),
    });
    bench
        .store
        .put(&labels("lag{queue=\"push\"}"), &[(0, 100.0), (60, 400.0)]);
    let group = live(
        "  - {record: 'lag:doubled', expr: lag * 2}
  - {alert: Backlog, expr: 'lag:doubled > 500', annotations: {s: '{{ $labels.queue }}: {{ $value }} of {{ query \"sum(lag)\" | first | value }}'}}
  - {record: answer, expr: '42'}
  - {alert: Text, expr: '\"text\"'}
",
    );
    run(&group, &workshop, &[10, 70]);
    assert_eq!(
        bench.store.shown(at(1)),
        "ALERTS_FOR_STATE{alertname=\"Backlog\", queue=\"push\"} 70@70
ALERTS{alertname=\"Backlog\", alertstate=\"firing\", queue=\"push\"} 1@70
answer 42@10 42@70
lag:doubled{queue=\"push\"} 200@10 800@70
lag{queue=\"push\"} 400@60"
    );
    let status = group.status();
    let alert = &status.rules[1].alerting.as_ref().unwrap().alerts[0];
    assert_eq!(alert.annotations["s"], "push: 800 of 400");
    assert_eq!(
        status.rules[3].last_error.as_deref(),
        Some("rule result is not a vector or scalar")
    );
}
