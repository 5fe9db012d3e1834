//! `sql.yml`: our own format.

mod file; // as it is written
mod metrics; // what rows become
mod queries; // what is asked, and when
mod sources; // where
mod tls; // certificates

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use stonechat_model::yaml;

use self::file::File;
use super::check::Check;
use crate::plan::{Plan, Source};

/// The keys by which the format is recognised.
pub(super) const KEYS: [&str; 3] = ["sources", "queries", "include"];

/// Checks a file of our own format and the files that it includes.
pub(super) fn plan(check: &mut Check<'_>, text: &str) -> Option<Plan> {
    let main: File = check.read(text)?;
    let included = included(check, &main);
    let mut found: BTreeMap<String, Option<Arc<Source>>> = BTreeMap::new();
    found.extend(sources::sources(check, &main));
    for (path, text, file) in &included {
        found.extend(sources::sources(&mut check.other(path, text), file));
    }
    let mut plan = Plan::default();
    plan.queries.extend(queries::queries(check, &main, &found));
    for (path, text, file) in &included {
        let mut check = check.other(path, text);
        plan.queries
            .extend(queries::queries(&mut check, file, &found));
    }
    plan.sources = found
        .into_iter()
        .filter_map(|(name, source)| Some((name, source?)))
        .collect();
    Some(plan)
}

/// The files that `include` names, each once and in the order of their names.
fn included(check: &mut Check<'_>, main: &File) -> Vec<(PathBuf, String, File)> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for pattern in main.include.iter().flatten() {
        for path in check.files(pattern) {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for path in paths {
        let text = match yaml::read_text(&path) {
            Ok(text) => text,
            Err(problem) => {
                check.report.problems.0.push(problem);
                continue;
            }
        };
        let mut inner = check.other(&path, &text);
        let Some(file) = inner.read::<File>(&text) else {
            continue;
        };
        if let Some(pattern) = file.include.iter().flatten().next() {
            let message = "a file that is included cannot include others";
            inner.at_with_help(pattern, message, "name it in the first file");
        }
        files.push((path, text, file));
    }
    files
}
