//! A folder as it stands in the repository.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use stonechat_model::yaml;
use stonechat_promql::ast::{ExprKind, Grouping};
use stonechat_promql::{Expr, parse};
use stonechat_rules::config::{GroupDefaults, load};
use stonechat_rules::{Group, Rule};

/// The files of one system.
pub struct Folder {
    path: PathBuf,
    groups: Vec<Group>,
    pub panels: Vec<Panel>,
}

/// One panel of a dashboard that asks for something.
pub struct Panel {
    dashboard: String,
    title: String,
    pub description: String,
    pub has_unit: bool,
    pub queries: Vec<Query>,
    /// The limits from which it has another colour.
    pub thresholds: Vec<f64>,
    pub data_sources: Vec<String>,
}

/// An expression as a dashboard has it, with variables.
pub struct Query {
    pub text: String,
}

impl Query {
    /// The expression as Grafana sends it when everything is chosen.
    pub fn filled(&self) -> String {
        let filled = self.text.replace("$__rate_interval", "1m");
        ["instance", "service"]
            .iter()
            .fold(filled, |text, variable| {
                text.replace(&format!("${variable}"), ".*")
            })
    }

    pub fn expr(&self) -> Expr {
        let filled = self.filled();
        assert!(
            !filled.contains('$'),
            "a variable of another name: {filled}"
        );
        parse(&filled).unwrap_or_else(|error| panic!("{error}: {filled}"))
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:?}", self.dashboard, self.title)
    }
}

impl Folder {
    /// Reads `monitoring/NAME`.
    pub fn read(name: &str) -> Self {
        let path = repository().join("monitoring").join(name);
        let rules = files(&path.join("prometheus/rules"), "yml");
        let groups = rules.iter().flat_map(|file| {
            load(file, GroupDefaults::default()).unwrap_or_else(|problems| panic!("{problems}"))
        });
        let dashboards = files(&path.join("grafana/dashboards"), "json");
        Self {
            groups: groups.collect(),
            panels: dashboards.iter().flat_map(|file| panels(file)).collect(),
            path,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// The alerts that the unit tests see firing, or quiet.
    pub fn tested(&self, fires: bool) -> BTreeSet<String> {
        let mut tested = BTreeSet::new();
        for file in self.unit_tests() {
            let read: UnitTests = yaml::read(&file).unwrap_or_else(|problem| panic!("{problem}"));
            let cases = read.tests.into_iter().flat_map(|test| test.alert_rule_test);
            let wanted = cases.filter(|case| case.exp_alerts.is_empty() != fires);
            tested.extend(wanted.map(|case| case.alertname));
        }
        tested
    }

    pub fn unit_tests(&self) -> Vec<PathBuf> {
        files(&self.path.join("prometheus/tests"), "yml")
    }
}

/// The part of a file of unit tests that is looked at.
#[derive(Deserialize)]
struct UnitTests {
    tests: Vec<UnitTest>,
}

#[derive(Deserialize)]
struct UnitTest {
    alert_rule_test: Vec<AlertCase>,
}

#[derive(Deserialize)]
struct AlertCase {
    alertname: String,
    #[serde(default)]
    exp_alerts: Vec<serde::de::IgnoredAny>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// The panels of a dashboard that ask for something; rows only divide it.
fn panels(file: &Path) -> Vec<Panel> {
    let text = fs::read_to_string(file).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let all = dashboard["panels"].as_array().unwrap().iter();
    let asking = all.filter(|panel| panel["type"] != "row");
    let title = dashboard["title"].as_str().unwrap();
    asking.map(|value| panel(title, value)).collect()
}

fn panel(dashboard: &str, value: &Value) -> Panel {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let targets = value["targets"].as_array().unwrap();
    let sources = targets.iter().chain([value]);
    let overrides = value["fieldConfig"]["overrides"].as_array().unwrap();
    let properties = overrides
        .iter()
        .flat_map(|one| one["properties"].as_array().unwrap());
    let defaults = &value["fieldConfig"]["defaults"];
    let mut thresholds = steps(&defaults["thresholds"]);
    let mut units = vec![&defaults["unit"], &value["options"]["yAxis"]["unit"]];
    for property in properties {
        match property["id"].as_str() {
            Some("thresholds") => thresholds.extend(steps(&property["value"])),
            Some("unit") => units.push(&property["value"]),
            _ => {}
        }
    }
    Panel {
        dashboard: dashboard.to_owned(),
        title: text(&value["title"]),
        description: text(&value["description"]),
        has_unit: units.iter().any(|unit| unit.is_string()),
        queries: targets
            .iter()
            .map(|target| Query {
                text: text(&target["expr"]),
            })
            .collect(),
        thresholds,
        data_sources: sources.map(|one| text(&one["datasource"]["uid"])).collect(),
    }
}

fn steps(thresholds: &Value) -> Vec<f64> {
    let steps = thresholds["steps"].as_array().into_iter().flatten();
    steps.filter_map(|step| step["value"].as_f64()).collect()
}

/// The labels by which an expression groups, if it does.
pub fn grouping(expr: &Expr) -> Option<&[String]> {
    match &expr.kind {
        ExprKind::Aggregation(aggregation) => match &aggregation.grouping {
            Grouping::By(labels) => Some(labels),
            _ => None,
        },
        _ => None,
    }
}

/// What the comparisons in an expression look at: an alert that works has values there all the time.
pub fn compared(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    expr.walk(&mut |part| {
        if let ExprKind::Binary(binary) = &part.kind
            && binary.op.is_comparison()
        {
            found.push(&*binary.left);
        }
    });
    // Of comparisons within comparisons the innermost.
    found.retain(|left| !has_comparison(left));
    found
}

fn has_comparison(expr: &Expr) -> bool {
    let mut has = false;
    expr.walk(&mut |part| {
        has |= matches!(&part.kind, ExprKind::Binary(binary) if binary.op.is_comparison());
    });
    has
}
