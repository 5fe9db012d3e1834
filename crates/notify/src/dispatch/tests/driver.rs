//! Runs a story: lines of a time and what happens. Between them the clock goes from one due moment to the next.
//!
//! - `fire NAME [label=value ...] [since=TIME] [until=TIME]`, `end NAME [label=value ...] [at=TIME]`
//! - `answer RECEIVER now|never|refused|after=TIME`: how messages to it end from now on
//! - `reload N [interrupting]`, `kill`, `shutdown` (each of the last two is followed by a start), `stop`
//! - `=> RECEIVER REASON: ALERTS`: a message that is expected at that time; a minus stands before alerts that are over

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{Alert, Labels, Timestamp, duration};

use crate::Config;
use crate::dispatch::{Dispatcher, Input, Limit, Limits, Note, Order, Outcome, Output, Ticket};
use crate::journal::{Event, QuietBy};
use crate::log::LogEntry;
use crate::nflog;

/// Checks a story.
pub(super) fn check(config: &str, story: &str) {
    check_with(config, &[], story);
}

/// Checks a story with configurations to reload.
pub(super) fn check_with(config: &str, others: &[&str], story: &str) {
    run(config, others, Limits::default(), story);
}

/// Checks a story under limits, and which of them were reached.
pub(super) fn check_limits(config: &str, limits: (usize, usize), story: &str, reached: &str) {
    let limits = Limits {
        alerts_max: limits.0,
        groups_max: limits.1,
    };
    assert_eq!(run(config, &[], limits, story).reached.join(", "), reached);
}

/// Checks a story, and what the delivery log hears of alerts.
pub(super) fn check_events(config: &str, story: &str, events: &[&str]) {
    assert_eq!(run(config, &[], Limits::default(), story).events, events);
}

#[derive(Clone, Copy)]
enum Answer {
    After(Duration),
    Refused,
    Never,
}

pub(super) struct Driver {
    config: Arc<Config>,
    others: Vec<Arc<Config>>,
    limits: Limits,
    dispatcher: Dispatcher,
    now: Timestamp,
    answers: HashMap<String, Answer>,
    landing: BTreeMap<(Timestamp, usize), (Ticket, Outcome)>,
    sent: usize,
    told: Vec<String>,
    /// The notification log as it would be on disk.
    disk: Vec<u8>,
    reached: Vec<&'static str>,
    /// How often each alert has begun to fire, and whether it still does, where a test keeps account of it.
    episodes: HashMap<String, (usize, bool)>,
    false_alarms: Vec<String>,
    flying: HashMap<Ticket, Message>,
    views: BTreeMap<String, View>,
    ends_told_twice: Vec<String>,
    /// What goes to the delivery log, and the names of alerts by their fingerprints.
    events: Vec<String>,
    names: HashMap<String, String>,
}

/// A message until it arrives: to whom, and for each alert its episode and whether it is over.
struct Message {
    receiver: String,
    alerts: Vec<(String, usize, bool)>,
}

/// What a receiver believes of each alert: the episode it last heard of, and whether that is over.
type View = BTreeMap<String, (usize, bool)>;

fn parse(config: &str) -> Arc<Config> {
    let parsed = Config::parse(Path::new("story.yml"), config);
    Arc::new(parsed.unwrap_or_else(|problems| panic!("{problems}")))
}

fn run(config: &str, others: &[&str], limits: Limits, story: &str) -> Driver {
    let mut driver = Driver::new(config, others);
    driver.limits = limits;
    driver.dispatcher = Dispatcher::new(Arc::clone(&driver.config), limits);
    let lines = story.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut expected = Vec::new();
    for line in lines {
        let (at, what) = line.split_once(' ').expect("a line is a time and an event");
        let (at, what) = (time(at), what.trim());
        match what.strip_prefix("=> ") {
            Some(message) => expected.push(format!("{} => {message}", shown(at))),
            None => {
                driver.go_to(at);
                driver.event(what);
            }
        }
    }
    expected.sort_by_key(|line| time(line.split(' ').next().unwrap_or_default()));
    assert_eq!(
        driver.told.join("\n"),
        expected.join("\n"),
        "left: what was told; right: what the story expects"
    );
    driver
}

fn time(text: &str) -> Timestamp {
    Timestamp::default().plus(duration::parse(text).expect("times are written as durations"))
}

fn shown(time: Timestamp) -> String {
    duration::format(time.since(Timestamp::default()))
}

impl Driver {
    pub(super) fn new(config: &str, others: &[&str]) -> Self {
        let (config, limits) = (parse(config), Limits::default());
        Self {
            dispatcher: Dispatcher::new(Arc::clone(&config), limits),
            config,
            others: others.iter().map(|other| parse(other)).collect(),
            limits,
            now: Timestamp::default(),
            answers: HashMap::new(),
            landing: BTreeMap::new(),
            sent: 0,
            told: Vec::new(),
            disk: nflog::empty_file(),
            reached: Vec::new(),
            episodes: HashMap::new(),
            false_alarms: Vec::new(),
            flying: HashMap::new(),
            views: BTreeMap::new(),
            ends_told_twice: Vec::new(),
            events: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// Lets everything happen that is due before a moment, counted from the beginning.
    pub(super) fn advance(&mut self, to: Duration) {
        self.go_to(Timestamp::default().plus(to));
    }

    /// An alert that did not fire begins to.
    pub(super) fn begin_episode(&mut self, name: &str) {
        let (count, fires) = self.episodes.entry(name.to_owned()).or_default();
        (*count, *fires) = (*count + 1, true);
    }

    /// An alert that fired ends.
    pub(super) fn end_episode(&mut self, name: &str) {
        if let Some((_, fires)) = self.episodes.get_mut(name) {
            *fires = false;
        }
    }

    /// Messages that told a receiver of trouble that was over and of which it knew nothing.
    pub(super) fn false_alarms(&self) -> Vec<String> {
        self.false_alarms.clone()
    }

    /// What a receiver believes to fire, from the messages that have arrived.
    pub(super) fn believed_firing(&self, receiver: &str) -> Vec<&str> {
        let view = self.views.get(receiver).into_iter().flatten();
        view.filter(|(_, (_, over))| !over)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Messages that told a receiver of an end of which it had heard.
    pub(super) fn ends_told_twice(&self) -> Vec<String> {
        self.ends_told_twice.clone()
    }

    /// A message arrives, or does not.
    fn land(&mut self, ticket: Ticket, outcome: Outcome) {
        let message = self.flying.remove(&ticket);
        let arrived = message.filter(|_| outcome == Outcome::Delivered);
        if let Some(Message { receiver, alerts }) = arrived {
            let view = self.views.entry(receiver.clone()).or_default();
            for (name, episode, over) in alerts {
                if over && view.get(&name) == Some(&(episode, true)) {
                    let now = shown(self.now);
                    self.ends_told_twice.push(format!(
                        "{now} {receiver}: {name}\n{}",
                        self.told.join("\n")
                    ));
                }
                view.insert(name, (episode, over));
            }
        }
        self.step(Input::Sent { ticket, outcome });
    }

    /// Lets everything happen that is due before a moment.
    fn go_to(&mut self, at: Timestamp) {
        loop {
            let landing = self.landing.keys().next().map(|(at, _)| *at);
            let due = self.dispatcher.wake_at();
            let Some(next) = landing.into_iter().chain(due).min() else {
                break;
            };
            // What is due at that very moment happens after what the story tells of it.
            if next >= at {
                break;
            }
            self.now = self.now.max(next);
            match self.landing.pop_first() {
                Some(((landed, _), (ticket, outcome))) if landed <= self.now => {
                    self.land(ticket, outcome);
                }
                Some((key, flying)) => {
                    self.landing.insert(key, flying);
                    self.step(Input::Tick);
                }
                None => self.step(Input::Tick),
            }
        }
        self.now = at;
    }

    fn step(&mut self, input: Input) {
        for output in self.dispatcher.step(self.now, input) {
            match output {
                Output::Send(order) => self.send(&order),
                Output::Record(entry) => self.write(&[entry]),
                Output::Note(Note::Dropped(Limit::Alerts)) => self.reached.push("alerts"),
                Output::Note(Note::Dropped(Limit::Groups)) => self.reached.push("groups"),
                Output::Note(Note::Suppressed(..)) => {}
                Output::Tell(event) => self.tell(event),
            }
        }
    }

    fn tell(&mut self, event: Event) {
        if let Event::Fires { alert, labels, .. } = &event {
            self.names.insert(alert.clone(), name(labels));
        }
        let name = |alert: &str| self.names.get(alert).cloned().unwrap_or_default();
        let what = match event {
            Event::Fires { alert, .. } => format!("fires {}", name(&alert)),
            Event::Ends { alert, .. } => format!("ends {}", name(&alert)),
            Event::Audible { alert, .. } => format!("audible {}", name(&alert)),
            Event::Quiet { alert, by, .. } => {
                let by = by.iter().map(|by| match by {
                    QuietBy::Inhibition(source) => format!("inhibited by {}", name(source)),
                    other => format!("{other:?}"),
                });
                format!(
                    "quiet {}: {}",
                    name(&alert),
                    by.collect::<Vec<_>>().join(", ")
                )
            }
            Event::Message { .. } | Event::Attempt { .. } | Event::Outcome { .. } => return,
        };
        self.events.push(format!("{} {what}", shown(self.now)));
    }

    fn send(&mut self, order: &Order) {
        let key = &order.integration;
        let receiver = match key.index {
            0 => key.receiver.to_string(),
            index => format!("{}[{index}]", key.receiver),
        };
        let notification = &order.notification;
        let alerts = notification.alerts.iter().map(|told| {
            let minus = if told.resolved { "-" } else { "" };
            format!("{minus}{}", name(&told.known.alert.labels))
        });
        let alerts: Vec<String> = alerts.collect();
        self.told.push(format!(
            "{} => {receiver} {}: {}",
            shown(self.now),
            notification.reason.text(),
            alerts.join(" ")
        ));
        let (view, episodes) = (self.views.get(&receiver), &self.episodes);
        let alerts = notification.alerts.iter().map(|told| {
            let name = name(&told.known.alert.labels);
            let (episode, fires) = episodes.get(&name).copied().unwrap_or_default();
            let believed = view
                .and_then(|view| view.get(&name))
                .is_some_and(|(_, over)| !over);
            if episode > 0 && !told.resolved && !fires && !believed {
                let story = self.told.join("\n");
                self.false_alarms
                    .push(format!("{receiver}: {name}\n{story}"));
            }
            (name, episode, told.resolved)
        });
        let message = Message {
            receiver: receiver.clone(),
            alerts: alerts.collect(),
        };
        self.flying.insert(order.ticket, message);
        let answer = self.answers.get(&receiver);
        let (at, outcome) = match answer.copied().unwrap_or(Answer::After(Duration::ZERO)) {
            Answer::After(wait) => (self.now.plus(wait), Outcome::Delivered),
            Answer::Refused => (self.now, Outcome::Failed),
            Answer::Never => (order.deadline, Outcome::Failed),
        };
        self.sent += 1;
        self.landing
            .insert((at, self.sent), (order.ticket, outcome));
    }

    fn write(&mut self, entries: &[LogEntry]) {
        for entry in entries {
            nflog::write_record(&mut self.disk, entry, self.now);
        }
    }

    pub(super) fn event(&mut self, what: &str) {
        let mut words = what.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        match verb {
            "fire" | "end" => {
                let alert = self.alert(verb == "end", &words);
                self.step(Input::Alerts(vec![alert]));
            }
            "answer" => {
                let answer = match words[1] {
                    "now" => Answer::After(Duration::ZERO),
                    "never" => Answer::Never,
                    "refused" => Answer::Refused,
                    other => {
                        let wait = other.strip_prefix("after=").expect("an answer");
                        Answer::After(duration::parse(wait).expect("a duration"))
                    }
                };
                self.answers.insert(words[0].to_owned(), answer);
            }
            "reload" => {
                let index: usize = words[0].parse().expect("the number of a configuration");
                self.config = Arc::clone(&self.others[index]);
                self.step(Input::Apply(Arc::clone(&self.config)));
                if words.contains(&"interrupting") {
                    for (_, (ticket, _)) in std::mem::take(&mut self.landing) {
                        self.land(ticket, Outcome::Interrupted);
                    }
                }
            }
            "kill" => self.restart(),
            "shutdown" => {
                self.disk = nflog::empty_file();
                self.write(&self.dispatcher.log_entries());
                self.restart();
            }
            "stop" => {}
            other => panic!("`{other}` is no event"),
        }
    }

    fn restart(&mut self) {
        self.landing.clear();
        self.flying.clear();
        self.dispatcher = Dispatcher::new(Arc::clone(&self.config), self.limits);
        let restored = nflog::read_bytes(&self.disk, self.now);
        self.dispatcher.restore(self.now, restored);
    }

    fn alert(&self, over: bool, words: &[&str]) -> Alert {
        let mut alert = Alert {
            labels: Labels::default(),
            annotations: BTreeMap::new(),
            starts_at: self.now,
            ends_at: match over {
                true => self.now,
                false => self.now.plus(Duration::from_secs(86_400)),
            },
            generator_url: String::new(),
        };
        let mut labels = vec![("alertname", words[0])];
        for word in &words[1..] {
            match word.split_once('=').expect("label=value") {
                ("since", since) => alert.starts_at = time(since),
                ("until" | "at", end) => alert.ends_at = time(end),
                pair => labels.push(pair),
            }
        }
        alert.starts_at = alert.starts_at.min(alert.ends_at);
        alert.labels = Labels::from_pairs(labels).expect("labels of a story");
        alert
    }
}

/// `name{label=value}`.
fn name(labels: &Labels) -> String {
    let others = labels.drop(&["alertname"]);
    let others: Vec<String> = others.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let name = labels.get("alertname").unwrap_or_default();
    match others.is_empty() {
        true => name.to_owned(),
        false => format!("{name}{{{}}}", others.join(",")),
    }
}
