//! An entry of `relabel_configs` or `metric_relabel_configs`.

use std::path::Path;

use serde::Deserialize;
use stonechat_model::yaml::{Spanned, problem_at};
use stonechat_model::{Problem, Problems, is_label_name, nearest};

use crate::relabel::{Action, Pattern, Rule};

/// A relabelling rule as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RelabelConfig {
    /// Labels whose values are joined and matched.
    pub source_labels: Option<Vec<String>>,
    /// What stands between the joined values; `;` unless given.
    pub separator: Option<String>,
    /// What has to match the whole of the joined values; everything unless given.
    pub regex: Option<Spanned<String>>,
    /// For `hashmod`.
    pub modulus: Option<u64>,
    /// The label that is set or compared.
    pub target_label: Option<String>,
    /// What it is set to; `$1` unless given.
    pub replacement: Option<String>,
    /// What is done; `replace` unless given.
    pub action: Option<Spanned<String>>,
}

/// The file that is being checked.
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn problem<T>(&self, value: &Spanned<T>, message: impl Into<String>) -> Problem {
        problem_at(self.file, self.text, value, message)
    }
}

/// Checks the rules of a list.
pub(super) fn compile_all(
    source: &Source<'_>,
    rules: &[RelabelConfig],
    job: &Spanned<String>,
    problems: &mut Problems,
) -> Vec<Rule> {
    let compiled = rules.iter().filter_map(|rule| {
        let rule = compile(source, rule, job);
        problems.take(rule)
    });
    compiled.collect()
}

/// Checks one rule. A mistake that has no place of its own is shown at the action, or else at the job.
fn compile(
    source: &Source<'_>,
    rule: &RelabelConfig,
    job: &Spanned<String>,
) -> Result<Rule, Problem> {
    let action = match &rule.action {
        None => Action::Replace,
        Some(written) => {
            Action::from_name(&written.value.to_ascii_lowercase()).ok_or_else(|| {
                let problem = source.problem(
                    written,
                    format!("unknown relabelling action `{}`", written.value),
                );
                match nearest(&written.value, Action::ALL.map(Action::name)) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                }
            })?
        }
    };
    let wrong = |message: String| source.problem(rule.action.as_ref().unwrap_or(job), message);
    check_fields(rule, action).map_err(wrong)?;
    let regex = match &rule.regex {
        None => Pattern::any(),
        Some(regex) => {
            Pattern::new(&regex.value).map_err(|error| source.problem(regex, error.to_string()))?
        }
    };
    Ok(Rule {
        source_labels: rule.source_labels.clone().unwrap_or_default(),
        separator: rule.separator.clone().unwrap_or_else(|| ";".to_owned()),
        regex,
        modulus: rule.modulus.unwrap_or_default(),
        target_label: rule.target_label.clone().unwrap_or_default(),
        replacement: rule.replacement.clone().unwrap_or_else(|| "$1".to_owned()),
        action,
    })
}

/// Which fields an action needs, and which it cannot use.
fn check_fields(rule: &RelabelConfig, action: Action) -> Result<(), String> {
    use Action::{
        DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace,
        Uppercase,
    };
    let name = action.name();
    let replacement = rule.replacement.as_deref().filter(|text| *text != "$1");
    let separator = rule.separator.as_deref().filter(|text| *text != ";");
    let regex = rule
        .regex
        .as_ref()
        .filter(|regex| regex.value != "(.*)")
        .is_some();
    let modulus = rule.modulus.unwrap_or_default() != 0;
    let target = rule.target_label.as_deref().unwrap_or_default();
    if action == HashMod && !modulus {
        return Err("the action `hashmod` needs a `modulus` above 0".to_owned());
    }
    let needs_target = matches!(
        action,
        Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual
    );
    if needs_target && !is_label_name(target) {
        return Err(format!("the action `{name}` needs a `target_label`"));
    }
    let cannot_replace = matches!(action, Lowercase | Uppercase | KeepEqual | DropEqual);
    if cannot_replace && replacement.is_some() {
        return Err(format!(
            "the action `{name}` has no use for a `replacement`"
        ));
    }
    if action == LabelMap && replacement == Some("") {
        return Err("the action `labelmap` needs a `replacement` that is no empty name".to_owned());
    }
    let only_equal = matches!(action, KeepEqual | DropEqual);
    if only_equal && (regex || modulus || separator.is_some()) {
        return Err(format!(
            "the action `{name}` takes only `source_labels` and `target_label`"
        ));
    }
    let only_regex = matches!(action, LabelDrop | LabelKeep);
    let others = modulus
        || separator.is_some()
        || replacement.is_some()
        || !target.is_empty()
        || rule.source_labels.is_some();
    if only_regex && others {
        return Err(format!("the action `{name}` takes only a `regex`"));
    }
    Ok(())
}
