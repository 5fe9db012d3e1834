//! The same series and rules through promtool, where it is installed.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use stonechat_model::{Queryable, STALE_NAN};
use stonechat_promql::{Cancel, Engine};

use super::LiveGroup;
use crate::source::{EngineSource, Source as _};
use crate::testing::{Bench, at, groups, labels};

/// One letter a minute: a value, `_` for no sample, `x` for the end of the series.
const SERIES: [(&str, &str); 3] = [
    (
        "v{i=\"steady\"}",
        "0011111111111111111111111111111111111111",
    ),
    ("v{i=\"flaps\"}", "0101101110111101111101111110000000000000"),
    ("v{i=\"gaps\"}", "011__11_____111x__11x11________111111111"),
];

const RULES: &str = "  - {alert: Now, expr: v > 0}
  - {alert: After, expr: v > 0, for: 3m}
  - {alert: Kept, expr: v > 0, keep_firing_for: 4m}
  - {alert: Both, expr: v > 0, for: 2m, keep_firing_for: 2m, labels: {level: '{{ $value }}'}}
  - {record: 'v:sum', expr: sum(v)}
  - {alert: Sum, expr: 'v:sum > 1', for: 1m, labels: {i: all}}
";

const ASKED: [&str; 3] = ["ALERTS", "ALERTS_FOR_STATE", "v:sum"];

fn promtool() -> Option<PathBuf> {
    let installed = std::env::var_os("HOME")
        .map(|home| PathBuf::from(home).join(".cache/peers/root/usr/bin/promtool"));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join("promtool"));
    installed
        .into_iter()
        .chain(on_path)
        .find(|file| file.is_file())
}

/// The letters as promtool reads them.
fn values(letters: &str) -> String {
    let words = letters.chars().map(|letter| {
        if letter == 'x' {
            "stale".to_owned()
        } else {
            letter.to_string()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn samples(letters: &str) -> Vec<(i64, f64)> {
    let minutes = letters.chars().zip((0_i64..).map(|minute| minute * 60));
    let value = |letter: char| match letter {
        'x' => Some(STALE_NAN),
        letter => letter.to_digit(10).map(f64::from),
    };
    minutes
        .filter_map(|(letter, seconds)| Some((seconds, value(letter)?)))
        .collect()
}

/// What our rules leave behind, asked after each minute, as expectations of promtool's tests.
fn expectations() -> String {
    let bench = Bench::new();
    let engine = || EngineSource {
        engine: Engine::default(),
        queryable: Arc::clone(&bench.store) as Arc<dyn Queryable>,
        cancel: Cancel::new(),
    };
    let mut workshop = bench.workshop();
    workshop.source = Box::new(engine());
    for (series, letters) in SERIES {
        bench.store.put(&labels(series), &samples(letters));
    }
    let mut groups = groups(RULES);
    let group = LiveGroup::new(groups.remove(0), true);
    let mut text = String::new();
    for minute in 0..40 {
        group.evaluate(&workshop, None, at(minute * 60), &|| false);
        for asked in ASKED {
            let expr = stonechat_promql::parse(asked).unwrap();
            let _ = writeln!(
                text,
                "  - expr: {asked}\n    eval_time: {minute}m\n    exp_samples:"
            );
            for (labels, value) in engine().vector(&expr, at(minute * 60)).unwrap() {
                let _ = writeln!(text, "    - {{labels: '{labels}', value: {value}}}");
            }
        }
    }
    text
}

#[test]
fn promtool_agrees() {
    let Some(promtool) = promtool() else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut test = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n".to_owned();
    for (series, letters) in SERIES {
        let _ = writeln!(
            test,
            "  - {{series: '{series}', values: '{}'}}",
            values(letters)
        );
    }
    test += &format!("  promql_expr_test:\n{}", expectations());
    let rules = format!("groups:\n- name: g\n  interval: 1m\n  rules:\n{RULES}");
    std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
    std::fs::write(folder.path().join("test.yml"), test).unwrap();
    let output = Command::new(promtool)
        .args(["test", "rules", "test.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
