//! What a rule is: read from a file, checked, and never changed.

use std::collections::BTreeMap;
use std::time::Duration;

use stonechat_promql::Expr;

use crate::missing::MissingData;
use crate::text::Text;

/// Rules that are evaluated one after the other, at the same moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The file it was read from. File and name together are its identity.
    pub file: String,
    /// Its name, of which a file has only one.
    pub name: String,
    /// Time between two evaluations.
    pub interval: Duration,
    /// How far behind the clock its queries look, for samples that arrive late.
    pub query_offset: Duration,
    /// The most alerts or series that one of its rules may give; zero for no limit.
    pub limit: usize,
    /// The rules in order.
    pub rules: Vec<Rule>,
}

/// An alerting or a recording rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Name of the alert, or of the series that is recorded.
    pub name: String,
    /// What is evaluated.
    pub query: Query,
    /// Labels that it adds, of the group and its own. An alerting rule's are templates.
    pub labels: Vec<(String, Text)>,
    /// What it does with the result.
    pub kind: RuleKind,
}

/// An expression, and how it prints.
#[derive(Debug, Clone)]
pub struct Query {
    /// The expression as Prometheus prints it.
    pub text: String,
    /// Its tree.
    pub expr: Expr,
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// What a rule does with the result of its query.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// Writes it under a new name.
    Recording,
    /// Raises an alert for each series in it.
    Alerting(Box<Alerting>),
}

/// What only alerting rules have.
#[derive(Debug, Clone, PartialEq)]
pub struct Alerting {
    /// `for`: how long the result has to be there before the alert fires.
    pub hold: Duration,
    /// `keep_firing_for`: how long the alert fires on after the result is gone.
    pub keep_firing: Duration,
    /// Texts for people.
    pub annotations: Vec<(String, Text)>,
    /// What it means that there is no data.
    pub missing: MissingData,
    /// What it looks at, where that matters.
    pub data: Option<Query>,
}

impl Rule {
    /// Labels as they are written in the file.
    #[must_use]
    pub fn labels_written(&self) -> BTreeMap<String, String> {
        written(&self.labels)
    }

    /// The part of an alerting rule, if it is one.
    #[must_use]
    pub fn alerting(&self) -> Option<&Alerting> {
        match &self.kind {
            RuleKind::Recording => None,
            RuleKind::Alerting(alerting) => Some(alerting),
        }
    }

    /// True when the other rule carries on this one's alerts and series, although its expression or texts differ.
    pub(crate) fn continues(&self, other: &Self) -> bool {
        self.name == other.name
            && self.labels == other.labels
            && self.alerting().is_some() == other.alerting().is_some()
    }
}

impl Alerting {
    /// Annotations as they are written in the file.
    #[must_use]
    pub fn annotations_written(&self) -> BTreeMap<String, String> {
        written(&self.annotations)
    }
}

fn written(texts: &[(String, Text)]) -> BTreeMap<String, String> {
    texts
        .iter()
        .map(|(name, text)| (name.clone(), text.written().to_owned()))
        .collect()
}
