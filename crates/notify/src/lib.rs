//! Tells people about alerts: routing, grouping, inhibition, and messages to receivers, with the configuration file
//! and the meaning of Alertmanager.
//!
//! An alert comes in through [`AlertSink`](stonechat_model::AlertSink). The routing tree says which receivers it is
//! for; alerts of one route that share some labels form a group; a group is looked at after `group_wait` and then
//! every `group_interval`; and each receiver is told what is new since it was last told something about that group.
//! What each was told is kept in the file `nflog`, so that neither a restart nor a reload tells anybody anything
//! twice, and no end of an alert is lost.
//!
//! ```
//! use std::path::Path;
//! use stonechat_model::Labels;
//! use stonechat_notify::Config;
//!
//! let file = "
//! route:
//!   receiver: everyone
//!   group_by: [alertname]
//!   routes:
//!     - matchers: [severity=critical]
//!       receiver: on-call
//! receivers:
//!   - name: everyone
//!   - name: on-call
//!     webhook_configs:
//!       - url: http://127.0.0.1:19105/alerts
//! ";
//! let config = Config::parse(Path::new("alertmanager.yml"), file)?;
//! let labels = Labels::from_pairs([("alertname", "Slow"), ("severity", "critical")])?;
//! assert_eq!(config.receivers_for(&labels), ["on-call"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With a tokio runtime, a [`Notifier`] does the rest:
//!
//! ```no_run
//! # use stonechat_model::{Alert, AlertSink as _};
//! # use stonechat_notify::{Config, Notifier, NotifierOptions, NotifyError};
//! # async fn notify(config: Config, changed: Config, alerts: Vec<Alert>) -> Result<(), NotifyError> {
//! let options = NotifierOptions::new("data", "http://127.0.0.1:9090");
//! let notifier = Notifier::new(config, options)?;
//! notifier.put(alerts); // from the rules, again and again while they fire
//! notifier.apply(changed)?; // a reload
//! for delivery in notifier.deliveries() {
//!     println!("{} {:?} {}", delivery.receiver, delivery.outcome, delivery.answer);
//! }
//! notifier.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where it differs from Alertmanager
//!
//! - The answer 429 is tried again, and `Retry-After` is honoured; Alertmanager gives such a message up until the
//!   group's next interval.
//! - An alert that a receiver knows to fire is kept over a restart. If nobody reports it again within
//!   `resolve_timeout`, the receiver hears that it is over; Alertmanager forgets it.
//! - An alert that is over when it is first heard of is not told to anyone.
//! - A receiver that has heard of an alert's end is not told of it again because another way out of the same
//!   receiver has failed.

// From the file to what is checked.
mod config; // alertmanager.yml
mod inhibit; // alerts that keep others quiet
mod interval; // spans of the calendar
mod lint; // what becomes of alerts that do not fire yet
mod matchers; // conditions on labels, as they are written
mod route; // which receiver an alert goes to

// The state machine: no clock, no sockets.
mod alert; // the alerts that are known
mod dispatch; // from alerts to messages
mod fingerprint; // a label set as a number
mod group; // alerts told together
mod group_key; // a group as a text
mod log; // what each receiver was last told
mod notification; // a message before it takes a form
mod silence; // alerts that nobody is to hear of for a while
mod time; // times as text

// The shell.
mod answer; // what came of one attempt
mod backoff; // waits between attempts
mod channel; // the kinds of receivers
mod delivery; // what became of the newest messages
mod email;
mod exchange; // one request and its answer
mod external; // other Alertmanagers
mod fit; // texts that are not too long
mod http; // HTTP clients
mod journal; // what has happened to alerts and messages, on disk
mod metrics; // what is counted
mod nflog; // the log on disk
mod notifier; // clock, workers, files
mod robot; // DingTalk, WeCom, Feishu
mod services; // Slack and others that take one request
mod template; // texts of messages
mod webhook; // messages to a URL
mod wechat; // applications of WeCom
mod worker; // one way out of one receiver

pub use config::{AlertmanagersFile, Config, ExternalAlertmanager, external_alertmanagers};
pub use delivery::{DeliveredAlert, Delivery, DeliveryOutcome};
pub use dispatch::{AlertView, GroupView, Limits, RouteView, WayView};
pub use external::{ExternalAlertmanagers, ExternalMetrics};
pub use journal::{Event, Happened, QuietBy, Told};
pub use lint::{Foreseen, ForeseenAlert, OddInhibition, Oddness};
pub use metrics::NotifyMetrics;
pub use notification::Status;
pub use notifier::{LateAlert, Notifier, NotifierOptions, NotifyError};
pub use silence::{Silence, SilenceError, SilenceState};

/// Reads conditions on labels as Alertmanager writes them: `severity=~"warning|critical"`.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_matchers(text: &str) -> Result<Vec<stonechat_model::Matcher>, String> {
    matchers::parse(text).map_err(|error| error.to_string())
}
