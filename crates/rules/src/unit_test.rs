//! Unit tests of rules, in the files that `promtool test rules` reads.
//!
//! A file names rule files and gives series; the rules are evaluated over them with the state machine that runs in
//! earnest, and alerts and values are compared with what is expected. Failures are told in promtool's words.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/>.

mod file; // the file as it is written
mod group; // one test of a file
mod show; // failures as promtool shows them
mod store; // series in memory that rules can read and write

use std::path::{Path, PathBuf};

use regex::Regex;
use stonechat_model::yaml;

use self::file::TestFile;
use self::group::Setting;

/// What came of one file: nothing, or every failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitTestReport {
    /// Failures as promtool shows them; none when all is as expected.
    pub failures: Vec<String>,
    /// What is no failure, but may surprise.
    pub warnings: Vec<String>,
}

/// Runs the tests of a file whose names match `only`, or all.
#[must_use]
pub fn run_unit_tests(path: &Path, only: Option<&Regex>) -> UnitTestReport {
    let mut report = UnitTestReport::default();
    match run(path, only, &mut report.warnings) {
        Ok(failures) => report.failures = failures,
        Err(failure) => report.failures.push(failure),
    }
    report
}

fn run(
    path: &Path,
    only: Option<&Regex>,
    warnings: &mut Vec<String>,
) -> Result<Vec<String>, String> {
    let text = yaml::read_text(path).map_err(|problem| problem.to_string())?;
    let file: TestFile = yaml::parse(path, &text).map_err(|problem| problem.to_string())?;
    let mut order: Vec<&str> = Vec::new();
    for name in &file.group_eval_order {
        if order.contains(&name.as_str()) {
            return Err(format!("group name repeated in evaluation order: {name}"));
        }
        order.push(name);
    }
    let setting = Setting {
        interval: file
            .evaluation_interval
            .map_or(group::MINUTE, |interval| interval.0),
        order,
        fuzzy: file.fuzzy_compare,
        rule_files: rule_files(path, &file.rule_files, warnings)?,
    };
    let chosen = file
        .tests
        .iter()
        .filter(|test| only.is_none_or(|only| only.is_match(&test.name)));
    Ok(chosen.flat_map(|test| group::run(test, &setting)).collect())
}

/// The files that patterns mean, counted from the test's own folder.
fn rule_files(
    path: &Path,
    patterns: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<PathBuf>, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Vec::new();
    for pattern in patterns {
        let pattern = folder.join(pattern).to_string_lossy().into_owned();
        let found = glob::glob(&pattern).map_err(|error| format!("{pattern}: {error}"))?;
        let before = files.len();
        for file in found {
            files.push(file.map_err(|error| error.to_string())?);
        }
        if files.len() == before {
            warnings.push(format!("no file match pattern {pattern}"));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
