//! What happened in a demo, told line by line: faults, alerts, messages, with times.

use std::collections::BTreeMap;
use std::time::Duration;

use super::inbox::Told;
use super::paint::Paint;

/// Something that happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Its expression is true, its `for` is not over.
    Pending,
    /// It fires.
    Firing,
    /// A person was told that it fires.
    Delivered,
    /// A person was told that it is over.
    Resolved,
    /// It was pending and its expression is no longer true.
    Calmed,
}

impl Step {
    fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Delivered => "told that it fires",
            Self::Resolved => "told that it is over",
            Self::Calmed => "no longer pending",
        }
    }

    fn sign(self) -> String {
        match self {
            Self::Pending => Paint::Yellow.on("◔"),
            Self::Firing => Paint::Red.on("●"),
            Self::Delivered => Paint::Red.on("✉"),
            Self::Resolved => Paint::Green.on("✉"),
            Self::Calmed => Paint::Dim.on("○"),
        }
    }
}

/// One line of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Since the demo began.
    pub(crate) at: Duration,
    /// The alert's name.
    pub(crate) alert: String,
    /// What happened.
    pub(crate) step: Step,
    /// Whom it is about, or what the message said.
    pub(crate) note: String,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.at.as_secs_f64();
        write!(
            f,
            "{seconds:>6.1} s  {} {:<24} {}",
            self.step.sign(),
            self.alert,
            self.step.text()
        )?;
        if self.note.is_empty() {
            Ok(())
        } else {
            write!(f, "  {}", Paint::Dim.on(&self.note))
        }
    }
}

/// An alert as `/api/v1/alerts` shows it.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Shown {
    pub(crate) state: String,
    pub(crate) labels: BTreeMap<String, String>,
}

/// Collects events; a state that was already told is not told again.
#[derive(Default)]
pub(crate) struct Story {
    states: BTreeMap<BTreeMap<String, String>, Step>,
    events: Vec<Event>,
    missed: usize,
}

impl Story {
    /// What the server shows now. Returns what is new.
    pub(crate) fn shown(&mut self, at: Duration, alerts: &[Shown]) -> Vec<Event> {
        let mut news = Vec::new();
        for alert in alerts {
            let step = if alert.state == "firing" {
                Step::Firing
            } else {
                Step::Pending
            };
            if self.states.insert(alert.labels.clone(), step) != Some(step) {
                news.push(event(at, &alert.labels, step, instance(&alert.labels)));
            }
        }
        self.states.retain(|labels, step| {
            let is_there = alerts.iter().any(|alert| alert.labels == *labels);
            if !is_there && *step == Step::Pending {
                news.push(event(at, labels, Step::Calmed, instance(labels)));
            }
            is_there
        });
        self.events.extend(news.iter().cloned());
        news
    }

    /// What arrived in the inbox. Returns it as events.
    pub(crate) fn told(&mut self, at: Duration, alerts: &[Told]) -> Vec<Event> {
        let news: Vec<Event> = alerts
            .iter()
            .map(|alert| {
                let step = if alert.status == "resolved" {
                    Step::Resolved
                } else {
                    Step::Delivered
                };
                event(
                    at,
                    &alert.labels,
                    step,
                    alert
                        .annotations
                        .get("summary")
                        .cloned()
                        .unwrap_or_default(),
                )
            })
            .collect();
        self.events.extend(news.iter().cloned());
        news
    }

    /// More alerts arrived in the inbox than were read. Returns what to say.
    pub(crate) fn missed(&mut self, at: Duration, count: usize) -> String {
        self.missed += count;
        let seconds = at.as_secs_f64();
        format!("{seconds:>6.1} s  {count} more alerts arrived at once than are read here")
    }

    /// One line per alert that reached a person: when each step first happened; and one for those that were not read.
    pub(crate) fn summary(&self) -> Vec<String> {
        let mut alerts: BTreeMap<&str, BTreeMap<Step, Duration>> = BTreeMap::new();
        for event in &self.events {
            let steps = alerts.entry(&event.alert).or_default();
            // An alert may come back; "resolved" is the last word, the rest the first.
            if event.step == Step::Resolved {
                steps.insert(event.step, event.at);
            } else {
                steps.entry(event.step).or_insert(event.at);
            }
        }
        let told = alerts
            .iter()
            .filter(|(_, steps)| steps.contains_key(&Step::Delivered));
        told.map(|(alert, steps)| {
            let words = [
                (Step::Pending, "pending"),
                (Step::Firing, "firing"),
                (Step::Delivered, "delivered"),
                (Step::Resolved, "resolved"),
            ];
            let times = words.iter().filter_map(|(step, word)| {
                steps
                    .get(step)
                    .map(|at| format!("{word} at {:.1} s", at.as_secs_f64()))
            });
            format!("{alert} {}", times.collect::<Vec<_>>().join(", "))
        })
        .chain((self.missed > 0).then(|| format!("{} alerts arrived unread", self.missed)))
        .collect()
    }
}

fn event(at: Duration, labels: &BTreeMap<String, String>, step: Step, note: String) -> Event {
    Event {
        at,
        alert: labels.get("alertname").cloned().unwrap_or_default(),
        step,
        note,
    }
}

fn instance(labels: &BTreeMap<String, String>) -> String {
    labels.get("job").cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("alertname".to_owned(), name.to_owned())])
    }

    fn shown(state: &str) -> Shown {
        Shown {
            state: state.to_owned(),
            labels: labels("Slow"),
        }
    }

    fn told(status: &str) -> Told {
        Told {
            status: status.to_owned(),
            labels: labels("Slow"),
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn tells_each_step_once() {
        let mut story = Story::default();
        let seconds = Duration::from_secs;
        assert_eq!(story.shown(seconds(1), &[shown("pending")]).len(), 1);
        assert_eq!(story.shown(seconds(2), &[shown("pending")]).len(), 0);
        assert_eq!(
            story.shown(seconds(3), &[shown("firing")])[0].step,
            Step::Firing
        );
        assert_eq!(
            story.told(seconds(4), &[told("firing")])[0].step,
            Step::Delivered
        );
        assert!(story.shown(seconds(5), &[]).is_empty());
        story.told(seconds(6), &[told("resolved")]);
        assert_eq!(
            story.summary(),
            ["Slow pending at 1.0 s, firing at 3.0 s, delivered at 4.0 s, resolved at 6.0 s"]
        );
    }

    #[test]
    fn says_how_many_were_not_read() {
        let mut story = Story::default();
        assert!(
            story
                .missed(Duration::from_secs(1), 2)
                .contains("2 more alerts")
        );
        story.missed(Duration::from_secs(2), 3);
        assert_eq!(story.summary(), ["5 alerts arrived unread"]);
    }

    #[test]
    fn an_alert_that_comes_back_is_told_again() {
        let mut story = Story::default();
        story.shown(Duration::ZERO, &[shown("pending")]);
        assert_eq!(
            story.shown(Duration::from_secs(1), &[])[0].step,
            Step::Calmed
        );
        assert_eq!(
            story
                .shown(Duration::from_secs(2), &[shown("pending")])
                .len(),
            1
        );
    }
}
