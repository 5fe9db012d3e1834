//! What a recording rule does with a result.

use hashbrown::HashSet;
use stonechat_model::{Labels, LabelsError, METRIC_NAME};

use super::{Round, RuleCell, RuleError};

impl RuleCell {
    /// The number of samples that were stored.
    pub(super) fn evaluate_recording(&self, round: &Round<'_>) -> Result<usize, RuleError> {
        let Round {
            group, workshop, ..
        } = *round;
        let at = round.at();
        let vector = workshop.source.vector(&self.rule.query.expr, at)?;
        let samples: Vec<(Labels, f64)> = vector
            .into_iter()
            .map(|(labels, value)| Ok((self.recorded(&labels)?, value)))
            .collect::<Result<_, LabelsError>>()?;
        let distinct: HashSet<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
        if distinct.len() < samples.len() {
            return Err(RuleError::SameLabels);
        }
        if group.limit > 0 && samples.len() > group.limit {
            return Err(RuleError::Limit {
                limit: group.limit,
                series: samples.len(),
            });
        }
        self.write(workshop, &samples, at)
    }

    /// The labels of a series of the result under the rule's name, with the rule's labels.
    fn recorded(&self, labels: &Labels) -> Result<Labels, LabelsError> {
        let mut builder = labels.to_builder();
        builder.set(METRIC_NAME, &self.rule.name);
        for (name, text) in &self.rule.labels {
            builder.set(name, text.written());
        }
        builder.build()
    }
}
