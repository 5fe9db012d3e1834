//! Alerts whose data is missing.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use stonechat_model::{Labels, Timestamp};

use super::{Round, RuleCell, RuleError};
use crate::alerts::{Annotations, Observed};
use crate::missing::{ANNOTATION, MissingData};
use crate::rule::Alerting;

/// For how long the data of a series is missed.
const MISSED_FOR: Duration = Duration::from_hours(24);

/// The alerts for which there was data, and when there was the last time.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    at: HashMap<Labels, Timestamp>,
    /// Alerts from before a restart are among them.
    begun: bool,
}

/// What is to be known besides the result of a rule.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Alerts about which the result says nothing.
    pub unknown: Vec<Labels>,
    /// Alerts that are there because there is no data.
    pub raised: Vec<Observed>,
}

/// How a series becomes an alert.
pub(super) struct Wording<L, A> {
    pub labels: L,
    pub annotations: A,
}

impl RuleCell {
    /// Compares what the rule looks at with what it has looked at before.
    pub(super) fn missing<L, A>(
        &self,
        alerting: &Alerting,
        round: &Round<'_>,
        observed: &[Observed],
        wording: &Wording<L, A>,
    ) -> Result<Missing, RuleError>
    where
        L: Fn(&Labels, f64) -> Result<Labels, RuleError>,
        A: Fn(&Labels, f64) -> Annotations,
    {
        let Some(data) = &alerting.data else {
            return Ok(Missing::default());
        };
        let vector = round.workshop.source.vector(&data.expr, round.at())?;
        let there = vector
            .iter()
            .map(|(labels, value)| (wording.labels)(labels, *value));
        let mut there: HashSet<Labels> = there.collect::<Result<_, _>>()?;
        there.extend(observed.iter().map(|alert| alert.labels.clone()));
        let active: Vec<Labels> = {
            let alerts = self.alerts.lock();
            let active = alerts.pending_and_firing();
            active.map(|(labels, _)| labels.clone()).collect()
        };
        if alerting.missing == MissingData::Keep {
            let unknown = active.into_iter();
            return Ok(Missing {
                unknown: unknown.filter(|labels| !there.contains(labels)).collect(),
                raised: Vec::new(),
            });
        }
        let nothing = (wording.labels)(&Labels::default(), f64::NAN)?;
        let mut raised = self.seen.lock().missed(&there, active, round.now);
        // The alert that says that there is nothing at all is over as soon as there is something.
        raised.remove(&nothing);
        if there.is_empty() && raised.is_empty() {
            raised.insert(nothing);
        }
        let raised = raised.into_iter().map(|labels| {
            let mut annotations = (*(wording.annotations)(&labels, f64::NAN)).clone();
            annotations.insert(ANNOTATION.to_owned(), "there is no data".to_owned());
            Observed {
                labels,
                annotations: Arc::new(annotations),
                value: f64::NAN,
            }
        });
        Ok(Missing {
            unknown: Vec::new(),
            raised: raised.collect(),
        })
    }
}

impl Seen {
    /// What was there and is not there now.
    fn missed(
        &mut self,
        there: &HashSet<Labels>,
        active: Vec<Labels>,
        now: Timestamp,
    ) -> HashSet<Labels> {
        if !std::mem::replace(&mut self.begun, true) {
            self.at
                .extend(active.into_iter().map(|labels| (labels, now)));
        }
        self.at
            .extend(there.iter().map(|labels| (labels.clone(), now)));
        self.at.retain(|_, at| now.since(*at) <= MISSED_FOR);
        let missed = self.at.keys().filter(|labels| !there.contains(*labels));
        missed.cloned().collect()
    }
}
