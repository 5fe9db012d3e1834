//! The ready folders in `monitoring/`: each watches the example of its system, asks for nothing that the example does not
//! expose, and shows everything that it does.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
#![allow(
    clippy::duplicate_mod,
    reason = "each example brings what the examples share"
)]

mod folder;
mod live;
mod promtool;
#[path = "../support/mod.rs"]
mod support;
mod systems;

use std::collections::{BTreeMap, BTreeSet};

use folder::{Folder, Panel};
use stonechat_model::Matcher;
use stonechat_promql::Expr;
use stonechat_promql::ast::ExprKind;
use systems::System;

/// The labels that a server gives to every series of a target.
const OF_TARGETS: [&str; 2] = ["instance", "job"];

/// Families of every service; a folder may leave them out.
const OF_EVERY_SERVICE: [&str; 3] = ["process_", "tokio_", "stonechat_"];

/// The series that an expression may ask for, with their labels.
type Known = BTreeMap<String, BTreeSet<String>>;

fn set<'a>(labels: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    labels.into_iter().map(str::to_owned).collect()
}

/// What the example exposes, what the server adds, and what the folder's rules record.
fn known(system: &System, folder: &Folder) -> Known {
    let mut known: Known = system.exposed().into_iter().collect();
    known.insert("up".to_owned(), BTreeSet::new());
    let alerts = ["alertname", "alertstate", "severity"];
    known.insert("ALERTS".to_owned(), set(alerts));
    for labels in known.values_mut() {
        labels.extend(set(OF_TARGETS));
    }
    for rule in folder.rules().filter(|rule| rule.alerting().is_none()) {
        let labels = labels_below(&rule.query.expr, &known);
        known.insert(rule.name.clone(), labels);
    }
    known
}

/// The labels of all series that an expression asks for.
fn labels_below(expr: &Expr, known: &Known) -> BTreeSet<String> {
    let selectors = expr.selectors();
    let names = selectors.iter().filter_map(|one| one.name.as_ref());
    names
        .filter_map(|name| known.get(name))
        .flatten()
        .cloned()
        .collect()
}

/// Every name and label in an expression that nobody exposes.
fn unknown(expr: &Expr, known: &Known) -> Vec<String> {
    let mut found = Vec::new();
    for selector in expr.selectors() {
        let Some(labels) = selector.name.as_ref().and_then(|name| known.get(name)) else {
            found.push(format!("{:?}", selector.name));
            continue;
        };
        let conditions = selector.matchers.iter().map(Matcher::name);
        let wrong = conditions.filter(|label| *label != "__name__" && !labels.contains(*label));
        found.extend(wrong.map(|label| format!("{:?} has no label {label}", selector.name)));
    }
    expr.walk(&mut |part| {
        let Some(grouping) = folder::grouping(part) else {
            return;
        };
        let labels = labels_below(part, known);
        let wrong = grouping.iter().filter(|label| !labels.contains(*label));
        found.extend(wrong.map(|label| format!("nothing has the label {label} in: {part}")));
    });
    found
}

#[test]
fn expressions_ask_for_what_the_example_exposes() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let known = known(&system, &folder);
        for rule in folder.rules() {
            let wrong = unknown(&rule.query.expr, &known);
            assert!(
                wrong.is_empty(),
                "{}: {}: {wrong:#?}",
                system.name,
                rule.name
            );
        }
        for panel in &folder.panels {
            for query in &panel.queries {
                let wrong = unknown(&query.expr(), &known);
                assert!(wrong.is_empty(), "{panel}: {wrong:#?}");
            }
        }
    }
}

#[test]
fn everything_that_the_example_exposes_is_shown() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let of_rules = folder.rules().map(|rule| rule.query.expr.clone());
        let queries = folder.panels.iter().flat_map(|panel| &panel.queries);
        let asked: BTreeSet<String> = of_rules
            .chain(queries.map(folder::Query::expr))
            .flat_map(|expr| names(&expr))
            .collect();
        let families = system.families();
        let left_out: Vec<_> = families
            .iter()
            .filter(|family| {
                !OF_EVERY_SERVICE
                    .iter()
                    .any(|start| family.starts_with(start))
            })
            .filter(|family| !systems::series_of(family).any(|series| asked.contains(&series)))
            .collect();
        assert!(left_out.is_empty(), "{}: {left_out:?}", system.name);
    }
}

fn names(expr: &Expr) -> Vec<String> {
    let selectors = expr.selectors();
    let names = selectors.iter().filter_map(|one| one.name.clone());
    names.collect()
}

/// A person who reads a message at night learns what it is, how bad it is, and where to look first.
#[test]
fn alerts_say_what_is_wrong_and_where_to_look_first() {
    for system in systems::all() {
        for rule in Folder::read(system.name).rules() {
            let Some(alerting) = rule.alerting() else {
                continue;
            };
            let labels = rule.labels_written();
            let severity = labels.get("severity").map_or("none", String::as_str);
            assert!(["critical", "warning"].contains(&severity), "{}", rule.name);
            let texts = alerting.annotations_written();
            for name in ["summary", "description", "first_step"] {
                let text = texts.get(name).map_or("", String::as_str);
                assert!(text.len() > 15, "{} has no {name}", rule.name);
            }
            // `up` and `absent` have no value that would tell anything.
            let told = texts["summary"].contains("$value | humanize");
            let is_about_targets = rule.query.text.contains("up{");
            assert!(
                told || is_about_targets,
                "{} does not tell its value",
                rule.name
            );
        }
    }
}

/// Folders are loaded together with those of other systems: each selector says whose series it means.
#[test]
fn selectors_name_their_job() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let of_panels = folder.panels.iter().flat_map(|panel| &panel.queries);
        let queries = of_panels.map(folder::Query::expr);
        for expr in folder
            .rules()
            .map(|rule| rule.query.expr.clone())
            .chain(queries)
        {
            for selector in expr.selectors() {
                let job = selector
                    .matchers
                    .iter()
                    .find(|matcher| matcher.name() == "job");
                let job = job.map(Matcher::value);
                assert_eq!(job, Some(system.name), "{}: {expr}", system.name);
            }
        }
    }
}

#[test]
fn panels_turn_red_where_alerts_fire() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let alerts = folder.rules().filter(|rule| rule.alerting().is_some());
        let limits: Vec<f64> = alerts.flat_map(|rule| numbers(&rule.query.expr)).collect();
        for panel in folder.panels.iter().filter(|panel| !counts_alerts(panel)) {
            for threshold in &panel.thresholds {
                let fires = limits.iter().any(|limit| (limit - threshold).abs() < 1e-9);
                assert!(
                    fires,
                    "{panel}: no alert of {limits:?} fires at {threshold}"
                );
            }
        }
    }
}

fn counts_alerts(panel: &Panel) -> bool {
    panel
        .queries
        .iter()
        .any(|query| query.text.contains("ALERTS{"))
}

fn numbers(expr: &Expr) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if let ExprKind::Number(number) = &part.kind {
            found.push(number.value);
        }
    });
    found
}

#[test]
fn panels_are_complete() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        assert!(folder.panels.len() >= 15, "{}", system.name);
        for panel in &folder.panels {
            assert!(panel.description.len() > 10, "{panel} has no description");
            assert!(panel.has_unit, "{panel} has no unit");
            for source in &panel.data_sources {
                assert_eq!(source, "${datasource}", "{panel}");
            }
        }
    }
}

/// Each alert is seen firing and quiet in the unit tests, which `promtool` runs.
#[test]
fn each_alert_has_unit_tests_that_fire_and_that_do_not() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let alerts: BTreeSet<String> = folder
            .rules()
            .filter(|rule| rule.alerting().is_some())
            .map(|rule| rule.name.clone())
            .collect();
        for fires in [true, false] {
            let tested = folder.tested(fires);
            assert_eq!(tested, alerts, "{}, firing: {fires}", system.name);
        }
    }
}
