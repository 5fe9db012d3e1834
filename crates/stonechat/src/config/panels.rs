//! Expressions of a dashboard's panels.

use std::path::Path;

use anyhow::{Context, Result};
use regex::{Captures, Regex};
use serde_json::Value;
use stonechat_model::yaml;
use stonechat_rules::VARIABLE;

/// An expression of a panel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PanelExpr {
    /// What the panel is called.
    pub(crate) title: String,
    /// The expression, with a word in the place of each variable.
    pub(crate) expr: String,
    /// The expression as it stands there.
    pub(crate) written: String,
}

/// How Grafana writes a variable: `$name`, `${name:format}`, `[[name]]`.
const WRITTEN: &str = r"\$\{(\w+)(?:[.:][^}]*)?\}|\$(\w+)|\[\[(\w+)(?::\w+)?\]\]";

/// What a duration of Grafana's own is taken for. Which it is makes no difference to what series there are.
const SOME_TIME: &str = "5m";

/// Every expression for Prometheus of the dashboard in a file.
pub(crate) fn expressions(file: &str) -> Result<Vec<PanelExpr>> {
    let text = yaml::read_text(Path::new(file))?;
    let dashboard: Value = serde_json::from_str(&text).with_context(|| file.to_owned())?;
    let variables = Regex::new(WRITTEN).context("the expression for variables")?;
    let mut found = Vec::new();
    panels(&dashboard, &variables, &mut found);
    Ok(found)
}

/// Adds those of the panels of a dashboard or a row.
fn panels(parent: &Value, variables: &Regex, found: &mut Vec<PanelExpr>) {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for panel in list(parent, "panels") {
        let title = panel["title"].as_str().unwrap_or("a panel without a title");
        for target in list(&panel, "targets") {
            let kind = [&target, &panel].map(|part| part["datasource"]["type"].as_str());
            let kind = kind.into_iter().flatten().next().unwrap_or("prometheus");
            let Some(expr) = target["expr"].as_str() else {
                continue;
            };
            // Other stores call theirs `expr` too.
            if kind == "prometheus" && !expr.trim().is_empty() {
                found.push(PanelExpr {
                    title: title.to_owned(),
                    expr: without_variables(expr, variables),
                    written: expr.to_owned(),
                });
            }
        }
        panels(&panel, variables, found);
    }
}

/// The expression with a word or a time in the place of each variable.
fn without_variables(expr: &str, variables: &Regex) -> String {
    let replaced = variables.replace_all(expr, |captures: &Captures<'_>| {
        let mut names = captures.iter().skip(1).flatten();
        let name = names.next().map_or("", |name| name.as_str());
        match name {
            "__rate_interval" | "__interval" | "__range" => SOME_TIME.to_owned(),
            "__range_s" | "__range_ms" | "__interval_ms" | "__from" | "__to" => "300".to_owned(),
            // Behind a bracket or a colon stands a time, before an upper bound too.
            _ if is_duration(expr, captures) => SOME_TIME.to_owned(),
            _ => VARIABLE.to_owned(),
        }
    });
    replaced.into_owned()
}

/// True for `[$window]` and `[1h:$step]`.
fn is_duration(expr: &str, captures: &Captures<'_>) -> bool {
    let Some(whole) = captures.get(0) else {
        return false;
    };
    let (before, after) = (&expr[..whole.start()], &expr[whole.end()..]);
    before.trim_end().ends_with(['[', ':']) && after.trim_start().starts_with([']', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_words_and_times() {
        let variables = Regex::new(WRITTEN).unwrap();
        for (expr, expected) in [
            (
                "rate(x{a=~\"$a\",b=\"${b:regex}\",c=\"[[c]]\"}[$__rate_interval])",
                "rate(x{a=~\"__variable__\",b=\"__variable__\",c=\"__variable__\"}[5m])",
            ),
            ("max_over_time(x[$window:$step])", "max_over_time(x[5m:5m])"),
            ("x[${__range}]", "x[5m]"),
            ("x / $__range_s", "x / 300"),
            ("x{a=~\"a|b$\"}", "x{a=~\"a|b$\"}"),
        ] {
            assert_eq!(without_variables(expr, &variables), expected);
        }
    }

    #[test]
    fn panels_in_rows_count_and_other_stores_do_not() {
        let text = r#"{"panels": [
            {"title": "Row", "panels": [{"title": "In", "targets": [{"expr": "up"}, {"expr": " "}]}]},
            {"title": "Logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{job=\"a\"}"}]},
            {"targets": [{"datasource": {"type": "prometheus"}, "expr": "x"}, {"rawSql": "select 1"}]}]}"#;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("d.json");
        std::fs::write(&file, text).unwrap();
        let found = expressions(&file.display().to_string()).unwrap();
        let found: Vec<_> = found.iter().map(|one| (&*one.title, &*one.expr)).collect();
        assert_eq!(found, [("In", "up"), ("a panel without a title", "x")]);
    }
}
