//! Metrics, labels and values that were never seen.

use stonechat_model::{METRIC_NAME, MatchOp, Matcher, QueryableError, nearest};
use stonechat_promql::ast::{Span, VectorSelector};

use super::{Linter, Need, Remark};

/// What stands for a variable of a dashboard. A condition with it in its value may mean anything.
pub const VARIABLE: &str = "__variable__";

/// Series that come and go with alerts.
const OF_ALERTS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// How many values a remark names.
const NAMED_MAX: usize = 5;

/// The conditions whose meaning is known.
pub(super) fn closed(selector: &VectorSelector) -> Vec<Matcher> {
    let mut matchers = selector.all_matchers();
    matchers.retain(|matcher| !matcher.value().contains(VARIABLE));
    matchers
}

/// The metric, when there is only one that it can be.
pub(super) fn metric(selector: &VectorSelector) -> Option<&str> {
    selector.name.as_deref().or_else(|| {
        let mut named = selector.matchers.iter();
        let name =
            named.find(|matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal);
        name.map(Matcher::value)
    })
}

impl Linter<'_> {
    /// What a selector asks for in vain.
    pub(super) fn selector(
        &self,
        selector: &VectorSelector,
        span: Span,
        need: Need,
    ) -> Result<Option<Remark>, QueryableError> {
        let matchers = closed(selector);
        let name = metric(selector);
        if name.is_some_and(|name| self.recorded.contains(name) || OF_ALERTS.contains(&name)) {
            return Ok(None);
        }
        if matchers.is_empty() || self.is_seen(&matchers)? {
            return Ok(None);
        }
        let missing = |message, help| Remark {
            span,
            message,
            help,
            missing: true,
        };
        if let Some(name) = name {
            let names = self.names()?;
            if !name.contains(VARIABLE) && names.iter().all(|known| known != name) {
                let near = nearest(name, names.iter().map(String::as_str));
                let help = near.map(|near| format!("did you mean {near}?"));
                return Ok(Some(missing(format!("there is no series {name}"), help)));
            }
        }
        if need == Need::Metric {
            return Ok(None);
        }
        let (named, others): (Vec<_>, Vec<_>) = matchers
            .into_iter()
            .partition(|matcher| matcher.name() == METRIC_NAME);
        let of = name.unwrap_or("any series");
        for matcher in &others {
            if let Some((message, help)) = self.condition(matcher, &named, of)? {
                return Ok(Some(missing(message, help)));
            }
        }
        let message = format!("no series of {of} fulfils all of these conditions together");
        Ok(Some(missing(message, None)))
    }

    /// Why one condition by itself is fulfilled by no series.
    fn condition(
        &self,
        matcher: &Matcher,
        named: &[Matcher],
        of: &str,
    ) -> Result<Option<(String, Option<String>)>, QueryableError> {
        let label = matcher.name();
        let sets = [named.to_vec()];
        let values = self.known.label_values(label, &sets, self.range)?;
        if matcher.matches_empty() || values.iter().any(|value| matcher.matches(value)) {
            return Ok(None);
        }
        if values.is_empty() {
            let labels = self.known.label_names(&sets, self.range)?;
            let mut labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            labels.retain(|name| *name != METRIC_NAME);
            let help = match nearest(label, labels.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("its labels are {}", listed(&labels)),
            };
            return Ok(Some((format!("{of} has no label {label}"), Some(help))));
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let help = match nearest(matcher.value(), values.iter().copied()) {
            Some(near) if matcher.op() == MatchOp::Equal => format!("did you mean {near:?}?"),
            _ => format!("it was {}", listed(&values)),
        };
        let message = format!("the label {label} of {of} was never {matcher}");
        Ok(Some((message, Some(help))))
    }

    fn is_seen(&self, matchers: &[Matcher]) -> Result<bool, QueryableError> {
        let sets = [matchers.to_vec()];
        let names = self.known.label_names(&sets, self.range)?;
        Ok(!names.is_empty())
    }
}

/// The first of some words, and how many more there are.
fn listed(words: &[&str]) -> String {
    let shown: Vec<&str> = words.iter().take(NAMED_MAX).copied().collect();
    let mut text = shown.join(", ");
    if words.len() > NAMED_MAX {
        text.push_str(&format!(" and {} more", words.len() - NAMED_MAX));
    }
    text
}
