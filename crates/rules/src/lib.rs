//! Rule groups and alert state: what is recorded, and what people are told.
//!
//! [`config`] reads rule files as Prometheus 3 does. A [`RuleManager`] evaluates the groups, each at its own moments:
//! it queries through a [`Queryable`](stonechat_model::Queryable), stores results through an
//! [`Appender`](stonechat_model::Appender), and hands alerts to an [`AlertSink`](stonechat_model::AlertSink). The state
//! of an alert is stepped by plain functions of a result and a time; only the manager has a clock.
//!
//! State outlives a reload, if name and labels of the rule stay the same, and a restart, by the file `alerts` in the data
//! folder; where there is none, by the series `ALERTS_FOR_STATE`. A failed evaluation leaves alerts as they were: it is not a recovery.
//!
//! ```
//! use std::path::Path;
//! use stonechat_rules::config::{GroupDefaults, parse};
//!
//! let text = r#"
//! groups:
//!   - name: chat
//!     rules:
//!       - alert: ServiceDown
//!         expr: up{job="chat-task"} == 0
//!         for: 1m
//!         annotations:
//!           summary: "{{ $labels.instance }} does not answer"
//! "#;
//! let groups = parse(Path::new("chat.yml"), text, GroupDefaults::default())?;
//! assert_eq!(groups[0].rules[0].query.text, r#"up{job="chat-task"} == 0"#);
//!
//! let bad = text.replace("== 0", "==");
//! let problems = parse(Path::new("chat.yml"), &bad, GroupDefaults::default()).unwrap_err();
//! assert_eq!(problems.0[0].place, Some((6, 37)));
//! # Ok::<(), stonechat_model::Problems>(())
//! ```

mod alerts; // from a result to pending, firing, resolved
pub mod config; // rule files
mod evaluate; // one evaluation of one rule
mod lint; // what is asked for beside what there is
mod live; // a group that is being evaluated
mod manager; // keeps all groups running
mod metrics; // what they count
mod missing; // what missing data means
mod rule; // what a rule is
mod schedule; // when groups are evaluated
mod series; // series that a rule writes
mod source; // where results of queries come from
mod state; // the state of alerts on disk
mod status; // how they are doing
#[cfg(test)]
mod testing; // a store, results and a sink for tests
mod text; // labels and annotations with templates
mod unit_test; // promtool's unit tests

pub use alerts::AlertState;
pub use evaluate::RuleHealth;
pub use lint::{Linter, Remark, RuleRemark, VARIABLE};
pub use manager::{RuleManager, RuleOptions};
pub use metrics::RuleMetrics;
pub use missing::MissingData;
pub use rule::{Alerting, Group, Query, Rule, RuleKind};
pub use state::StateError;
pub use status::{AlertStatus, AlertingStatus, GroupStatus, RuleStatus};
pub use text::Text;
pub use unit_test::{UnitTestReport, run_unit_tests};
