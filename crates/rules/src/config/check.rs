//! What types alone do not say.

use std::path::Path;

use stonechat_model::yaml::{Spanned, problem_at};
use stonechat_model::{METRIC_NAME, Problem, Problems, is_label_name};

use super::raw::{self, Texts};
use super::{GroupDefaults, place};
use crate::missing::{ANNOTATION, MissingData, data_of};
use crate::rule::{Alerting, Group, Query, Rule, RuleKind};
use crate::text::Text;

pub(super) fn groups(
    file: &Path,
    text: &str,
    raw: &raw::File,
    defaults: GroupDefaults,
) -> Result<Vec<Group>, Problems> {
    let mut checker = Checker {
        file,
        text,
        context: String::new(),
        problems: Problems::default(),
    };
    let mut groups: Vec<Group> = Vec::with_capacity(raw.groups.len());
    for written in &raw.groups {
        checker.group_name(written, &groups);
        groups.push(checker.group(written, defaults));
    }
    checker.problems.or(groups)
}

struct Checker<'a> {
    file: &'a Path,
    text: &'a str,
    /// In front of each message: `group "chat", rule 1, "ServiceDown": `.
    context: String,
    problems: Problems,
}

impl Checker<'_> {
    fn refuse<T>(&mut self, at: &Spanned<T>, message: impl AsRef<str>) {
        let message = format!("{}{}", self.context, message.as_ref());
        self.problems
            .0
            .push(problem_at(self.file, self.text, at, message));
    }

    /// A problem at a byte inside a text.
    fn refuse_inside(&mut self, at: &Spanned<String>, offset: usize, message: impl AsRef<str>) {
        match place::inside(self.text, at, offset) {
            Some(place) => {
                let message = format!("{}{}", self.context, message.as_ref());
                self.problems
                    .0
                    .push(Problem::at(self.file, self.text, place, message));
            }
            None => self.refuse(at, message),
        }
    }

    fn group_name(&mut self, written: &raw::Group, before: &[Group]) {
        self.context.clear();
        let name = &written.name.value;
        if name.is_empty() {
            self.refuse(&written.name, "the name of a group must not be empty");
        }
        if before.iter().any(|group| group.name == *name) {
            self.refuse(
                &written.name,
                format!("groupname: {name:?} is repeated in the same file"),
            );
        }
    }

    fn group(&mut self, written: &raw::Group, defaults: GroupDefaults) -> Group {
        self.context = format!("group {:?}: ", written.name.value);
        self.label_names(&written.labels);
        let interval = written
            .interval
            .map(|interval| interval.0)
            .filter(|interval| !interval.is_zero());
        let rules = written.rules.iter().enumerate();
        Group {
            file: self.file.display().to_string(),
            name: written.name.value.clone(),
            interval: interval.unwrap_or(defaults.interval),
            query_offset: written
                .query_offset
                .map_or(defaults.query_offset, |offset| offset.0),
            // As in Prometheus, what is below zero is no limit either.
            limit: written
                .limit
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(0),
            rules: rules
                .filter_map(|(index, rule)| self.rule(written, index, rule))
                .collect(),
        }
    }

    /// The rule, unless something is wrong with it.
    fn rule(
        &mut self,
        group: &raw::Group,
        index: usize,
        written: &Spanned<raw::Rule>,
    ) -> Option<Rule> {
        let rule = &written.value;
        let given = |name: &Option<Spanned<String>>| {
            name.as_ref()
                .map(|name| name.value.clone())
                .filter(|name| !name.is_empty())
        };
        let (record, alert) = (given(&rule.record), given(&rule.alert));
        let name = alert.clone().or_else(|| record.clone()).unwrap_or_default();
        self.context = format!(
            "group {:?}, rule {}, {name:?}: ",
            group.name.value,
            index + 1
        );
        let before = self.problems.0.len();
        match (&record, &alert) {
            (Some(_), Some(_)) => {
                self.refuse(written, "only one of 'record' and 'alert' must be set");
            }
            (None, None) => self.refuse(written, "one of 'record' or 'alert' must be set"),
            (Some(_), None) => self.recording(rule),
            (None, Some(_)) => {}
        }
        let query = self.query(written);
        self.label_names(&rule.labels);
        self.annotation_names(&rule.annotations);
        let is_alert = alert.is_some();
        let labels = self.texts(
            "label",
            is_alert,
            &name,
            merged(&group.labels, &rule.labels),
        );
        let annotations = self.texts(
            "annotation",
            is_alert,
            &name,
            rule.annotations.iter().collect(),
        );
        let missing = self.missing(rule);
        let kind = if is_alert {
            let duration = |field: &Option<Spanned<stonechat_model::duration::ConfigDuration>>| {
                field
                    .as_ref()
                    .map(|field| field.value.0)
                    .unwrap_or_default()
            };
            let (hold, keep_firing) = (duration(&rule.hold), duration(&rule.keep_firing_for));
            RuleKind::Alerting(Box::new(Alerting {
                hold,
                keep_firing,
                annotations,
                missing,
                data: match (missing, &query) {
                    (MissingData::Resolve, _) | (_, None) => None,
                    (MissingData::Keep | MissingData::Alert, Some(query)) => {
                        Some(data_of(&query.expr))
                    }
                },
            }))
        } else {
            RuleKind::Recording
        };
        let rule = Rule {
            name,
            query: query?,
            labels,
            kind,
        };
        (self.problems.0.len() == before).then_some(rule)
    }

    /// What our annotation says about missing data.
    fn missing(&mut self, rule: &raw::Rule) -> MissingData {
        let Some(written) = rule.annotations.get(ANNOTATION) else {
            return MissingData::Resolve;
        };
        MissingData::parse(&written.value).unwrap_or_else(|| {
            let message = format!("{ANNOTATION} is one of resolve, keep and alert");
            self.refuse(written, message);
            MissingData::Resolve
        })
    }

    /// What a recording rule must not have, and what its name must not be.
    fn recording(&mut self, rule: &raw::Rule) {
        if let Some(hold) = rule.hold.as_ref().filter(|hold| !hold.value.0.is_zero()) {
            self.refuse(hold, "invalid field 'for' in recording rule");
        }
        if let Some(keep) = rule
            .keep_firing_for
            .as_ref()
            .filter(|keep| !keep.value.0.is_zero())
        {
            self.refuse(keep, "invalid field 'keep_firing_for' in recording rule");
        }
        if let Some(annotation) = rule.annotations.values().next() {
            self.refuse(annotation, "invalid field 'annotations' in recording rule");
        }
        if let Some(record) = rule
            .record
            .as_ref()
            .filter(|record| record.value.contains(['{', '}']))
        {
            let name = &record.value;
            self.refuse(
                record,
                format!("braces present in the recording rule name; should it be in expr?: {name}"),
            );
        }
    }

    fn query(&mut self, written: &Spanned<raw::Rule>) -> Option<Query> {
        let Some(expr) = written
            .value
            .expr
            .as_ref()
            .filter(|expr| !expr.value.is_empty())
        else {
            self.refuse(written, "field 'expr' must be set in rule");
            return None;
        };
        match stonechat_promql::parse(&expr.value) {
            Ok(tree) => Some(Query {
                text: tree.to_string(),
                expr: tree,
            }),
            Err(error) => {
                let message = format!("could not parse expression: {}", error.message());
                self.refuse_inside(expr, error.span().range().start, message);
                None
            }
        }
    }

    fn label_names(&mut self, labels: &Texts) {
        for (name, value) in labels {
            if !is_label_name(name) || name == METRIC_NAME {
                self.refuse(value, format!("invalid label name: {name}"));
            }
        }
    }

    fn annotation_names(&mut self, annotations: &Texts) {
        for (name, value) in annotations {
            if !is_label_name(name) {
                self.refuse(value, format!("invalid annotation name: {name}"));
            }
        }
    }

    /// Labels or annotations; those of an alert are read as templates.
    fn texts(
        &mut self,
        kind: &str,
        is_alert: bool,
        rule: &str,
        written: Vec<(&String, &Spanned<String>)>,
    ) -> Vec<(String, Text)> {
        let mut texts = Vec::with_capacity(written.len());
        for (name, value) in written {
            if !is_alert {
                texts.push((name.clone(), Text::plain(&value.value)));
                continue;
            }
            match Text::template(rule, &value.value) {
                Ok(text) => texts.push((name.clone(), text)),
                Err(error) => {
                    let offset = error.place.map_or(0, |place| offset(&value.value, place));
                    self.refuse_inside(
                        value,
                        offset,
                        format!("{kind} {name:?}: {}", error.message),
                    );
                }
            }
        }
        texts
    }
}

/// The byte of a text at a template's place.
fn offset(text: &str, place: stonechat_template::Place) -> usize {
    let lines: usize = text
        .split_inclusive('\n')
        .take(place.line - 1)
        .map(str::len)
        .sum();
    lines + place.column
}

/// Labels of the group, with those of the rule over them.
fn merged<'a>(group: &'a Texts, rule: &'a Texts) -> Vec<(&'a String, &'a Spanned<String>)> {
    let mut labels: std::collections::BTreeMap<_, _> = group.iter().collect();
    labels.extend(rule);
    labels.into_iter().collect()
}
