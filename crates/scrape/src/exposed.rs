//! From the labels of a page to the labels that are stored. Pure; only series that are new come here.

use std::borrow::Cow;

use stonechat_exposition::LabelPairs;
use stonechat_model::{Labels, LabelsError, METRIC_NAME};

use crate::job::{Limits, ScrapeSettings};
use crate::relabel;
use crate::status::DropReason;

/// What a series on a page becomes.
#[derive(Debug, PartialEq)]
pub(crate) enum Stored {
    /// It is stored under these labels.
    As(Labels),
    /// It is not stored.
    Not(DropReason),
}

/// Why a series fails its whole page, as it does in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SeriesError {
    #[error("relabelling removed the metric name")]
    NoName,
    #[error(transparent)]
    Labels(#[from] LabelsError),
}

/// Joins the labels of a series with those of its target, relabels, and applies the limits.
pub(crate) fn stored_labels<'a>(
    mut pairs: LabelPairs<'a>,
    target: &'a Labels,
    settings: &ScrapeSettings,
) -> Result<Stored, SeriesError> {
    join(&mut pairs, target, settings.honor_labels);
    let mut labels = match Labels::from_pairs(pairs_of(&pairs)) {
        Err(LabelsError::TooLong { .. }) => return Ok(Stored::Not(DropReason::LabelLimit)),
        labels => labels?,
    };
    if !settings.metric_relabel.is_empty() {
        let mut draft = labels.to_builder();
        if !relabel::apply(&settings.metric_relabel, &mut draft)? {
            return Ok(Stored::Not(DropReason::Relabelled));
        }
        labels = draft.build()?;
    }
    if labels.is_empty() {
        return Ok(Stored::Not(DropReason::Relabelled));
    }
    if labels.get(METRIC_NAME).is_none() {
        return Err(SeriesError::NoName);
    }
    if exceeds(&labels, &settings.limits) {
        return Ok(Stored::Not(DropReason::LabelLimit));
    }
    Ok(Stored::As(labels))
}

fn pairs_of<'a>(pairs: &'a LabelPairs<'_>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let texts = pairs.iter();
    texts.map(|(name, value)| (name.as_ref(), value.as_ref()))
}

/// Where both have a label, the target's wins and the page's moves to `exported_…`, unless the page is honoured.
fn join<'a>(pairs: &mut LabelPairs<'a>, target: &'a Labels, honor: bool) {
    let mut moved = Vec::new();
    for (name, value) in target.iter() {
        let there = pairs.iter().position(|(candidate, _)| candidate == name);
        if let Some(there) = there {
            if honor {
                continue;
            }
            moved.push(pairs.swap_remove(there));
            pairs.retain(|(candidate, _)| candidate != name);
        }
        pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
    }
    // Short names first, so that the outcome does not depend on the order of the labels.
    moved.sort_by_key(|(name, _)| name.len());
    for (name, value) in moved {
        let mut name = name.into_owned();
        while pairs.iter().any(|(candidate, _)| *candidate == name) {
            name.insert_str(0, "exported_");
        }
        pairs.push((Cow::Owned(name), value));
    }
}

fn exceeds(labels: &Labels, limits: &Limits) -> bool {
    let above = |length: usize, limit: Option<usize>| limit.is_some_and(|limit| length > limit);
    if limits.labels.is_some() && above(labels.len(), limits.labels) {
        return true;
    }
    let (names, values) = (limits.label_name_bytes, limits.label_value_bytes);
    (names.is_some() || values.is_some())
        && labels
            .iter()
            .any(|(name, value)| above(name.len(), names) || above(value.len(), values))
}

/// The labels of a series about the scrape itself, such as `up`.
pub(crate) fn report_labels(name: &str, target: &Labels) -> Result<Labels, LabelsError> {
    let mut labels = target.to_builder();
    labels.set(METRIC_NAME, name);
    labels.build()
}
