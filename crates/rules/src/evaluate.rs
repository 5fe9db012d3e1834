//! One evaluation of one rule.

mod alerting; // what an alerting rule does with a result
mod missing; // alerts whose data is missing
mod recording; // what a recording rule does with it

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stonechat_model::{
    AlertSink, AppendError, Appender, Labels, LabelsError, Queryable, Timestamp,
};

use crate::alerts::{Alerts, Away, StepError, Tolerance};
use crate::rule::{Group, Rule, RuleKind};
use crate::series::WrittenSeries;
use crate::source::{Source, SourceError};
use crate::state::{Changes, RuleId, StateFile};

pub(crate) use alerting::restore;
use missing::Seen;

/// What rules are evaluated with.
pub(crate) struct Workshop {
    pub source: Box<dyn Source>,
    /// Where the state from before a restart is found.
    pub queryable: Arc<dyn Queryable>,
    pub appender: Arc<dyn Appender>,
    pub sink: Arc<dyn AlertSink>,
    pub external_url: String,
    /// Changed by a reload.
    pub external_labels: Mutex<Labels>,
    pub resend_delay: Duration,
    pub outage_tolerance: Duration,
    pub tolerance: Tolerance,
    /// How long after the start a result without an alert says nothing about it.
    pub settle: Duration,
    /// Where the state of alerts is kept, if it is.
    pub state: Option<Mutex<StateFile>>,
}

impl Workshop {
    /// How the rules of a group go on after a restart.
    pub fn away(&self, group: &Group) -> Away {
        Away {
            tolerance: self.outage_tolerance,
            settle: self.settle + group.interval,
            interval: group.interval,
        }
    }

    /// Writes down what has changed of a rule's alerts.
    fn keep(&self, (group, index): (&Group, usize), changes: &Changes, now: Timestamp) {
        let Some(state) = self.state.as_ref().filter(|_| !changes.is_empty()) else {
            return;
        };
        let id = RuleId::of(group, index);
        note(state.lock().append(&id, changes, now));
    }

    /// Writes down that a group with alerts was evaluated.
    pub fn keep_seen(&self, group: &Group, now: Timestamp) {
        if let Some(state) = &self.state {
            note(state.lock().seen(&group.file, &group.name, now));
        }
    }
}

/// Tells of a state that cannot be written.
pub(crate) fn note(written: io::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "the state of alerts cannot be written; after a restart a `for` may begin anew");
    }
}

/// Why an evaluation failed. Texts are those of Prometheus.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RuleError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    SameLabels,
    #[error("exceeded limit of {limit} with {series} series")]
    Limit { limit: usize, series: usize },
    #[error(transparent)]
    Labels(#[from] LabelsError),
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// How a rule is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleHealth {
    /// It has not been evaluated yet.
    Unknown,
    /// Its last evaluation was fine.
    Good,
    /// Its last evaluation failed.
    Bad,
}

impl RuleHealth {
    /// As the API shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Good => "ok",
            Self::Bad => "err",
        }
    }
}

/// How the last evaluation went.
#[derive(Debug, Clone)]
pub(crate) struct LastRun {
    pub health: RuleHealth,
    pub error: Option<String>,
    pub at: Option<Timestamp>,
    pub took: Duration,
}

/// A rule with what it remembers. A reload that leaves the rule as it is keeps the whole cell; one that changes its
/// texts keeps alerts and series.
pub(crate) struct RuleCell {
    pub rule: Rule,
    pub alerts: Arc<Mutex<Alerts>>,
    pub series: Arc<Mutex<WrittenSeries>>,
    /// For which alerts there was data, where the rule misses it.
    seen: Mutex<Seen>,
    pub last: Mutex<LastRun>,
}

/// One evaluation: of a rule of this group, for this moment.
struct Round<'a> {
    group: &'a Group,
    /// The rule's place in the group.
    index: usize,
    workshop: &'a Workshop,
    now: Timestamp,
    /// Texts that could not be expanded.
    bad_texts: Cell<usize>,
}

impl Round<'_> {
    /// The moment that is asked about.
    fn at(&self) -> Timestamp {
        self.now.minus(self.group.query_offset)
    }
}

/// What an evaluation did, for the counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluated {
    pub failed: bool,
    pub samples: usize,
    pub sent: usize,
    pub bad_texts: usize,
    pub took: Duration,
}

impl RuleCell {
    /// A rule whose alerts were there before a restart.
    pub fn remembering(rule: Rule, alerts: Alerts) -> Self {
        Self::with_memory(rule, Arc::new(Mutex::new(alerts)), Arc::default())
    }

    /// A rule that remembers nothing. Without `restored` it looks for its state from before a restart later.
    pub fn new(rule: Rule, restored: bool) -> Self {
        let alerts = Alerts::new(restored);
        Self::with_memory(rule, Arc::new(Mutex::new(alerts)), Arc::default())
    }

    /// A changed rule that carries on with the alerts and series of the old one.
    pub fn continuing(rule: Rule, old: &Self) -> Self {
        Self::with_memory(rule, Arc::clone(&old.alerts), Arc::clone(&old.series))
    }

    fn with_memory(
        rule: Rule,
        alerts: Arc<Mutex<Alerts>>,
        series: Arc<Mutex<WrittenSeries>>,
    ) -> Self {
        let last = LastRun {
            health: RuleHealth::Unknown,
            error: None,
            at: None,
            took: Duration::ZERO,
        };
        Self {
            rule,
            alerts,
            series,
            seen: Mutex::default(),
            last: Mutex::new(last),
        }
    }

    /// Evaluates the rule, which stands at this place in its group, for the moment `now`. Blocks while it reads and writes.
    pub fn evaluate(
        &self,
        (group, index): (&Group, usize),
        workshop: &Workshop,
        now: Timestamp,
    ) -> Evaluated {
        let started = Instant::now();
        let round = Round {
            group,
            index,
            workshop,
            now,
            bad_texts: Cell::new(0),
        };
        let (sent, result) = match &self.rule.kind {
            RuleKind::Alerting(alerting) => self.evaluate_alerting(alerting, &round),
            RuleKind::Recording => (0, self.evaluate_recording(&round)),
        };
        let evaluated = Evaluated {
            failed: result.is_err(),
            samples: *result.as_ref().unwrap_or(&0),
            sent,
            bad_texts: round.bad_texts.get(),
            took: started.elapsed(),
        };
        self.finish(
            group,
            now,
            evaluated,
            result.err().map(|error| error.to_string()),
        );
        evaluated
    }

    /// Keeps how the evaluation went, and logs an error when it is new.
    fn finish(&self, group: &Group, now: Timestamp, evaluated: Evaluated, error: Option<String>) {
        let mut last = self.last.lock();
        if let Some(error) = error
            .as_ref()
            .filter(|error| last.error.as_ref() != Some(*error))
        {
            tracing::warn!(
                file = group.file,
                group = group.name,
                rule = self.rule.name,
                error,
                "evaluating a rule failed"
            );
        }
        *last = LastRun {
            health: if error.is_some() {
                RuleHealth::Bad
            } else {
                RuleHealth::Good
            },
            error,
            at: Some(now),
            took: evaluated.took,
        };
    }

    /// Stores what the rule gave; the number of samples.
    fn write(
        &self,
        workshop: &Workshop,
        samples: &[(Labels, f64)],
        at: Timestamp,
    ) -> Result<usize, RuleError> {
        let written = self.series.lock().write(&*workshop.appender, samples, at)?;
        let refused =
            written.appended.out_of_order + written.appended.duplicate + written.appended.too_old;
        if refused > 0 {
            tracing::warn!(
                rule = self.rule.name,
                refused,
                "the store refused samples of a rule"
            );
        }
        match written.no_room {
            Some(error) => Err(error.into()),
            None => Ok(samples.len()),
        }
    }
}
