//! Prometheus' flags that have no meaning here: taken, so that a unit file need only change the program's name, and named
//! in a warning.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

/// Flags that have a value.
const WITH_VALUE: [&str; 31] = [
    "alertmanager.notification-batch-size",
    "alertmanager.notification-queue-capacity",
    "alertmanager.timeout",
    "auto-gomemlimit.ratio",
    "config.auto-reload-interval",
    "log.format",
    "rules.alert.for-grace-period",
    "rules.alert.for-outage-tolerance",
    "rules.alert.resend-delay",
    "rules.max-concurrent-evals",
    "scrape.name-escaping-scheme",
    "scrape.timestamp-tolerance",
    "storage.remote.flush-deadline",
    "storage.remote.read-concurrent-limit",
    "storage.remote.read-max-bytes-in-frame",
    "storage.remote.read-sample-limit",
    "storage.tsdb.delayed-compaction.max-percent",
    "storage.tsdb.head-chunks-write-queue-size",
    "storage.tsdb.max-block-chunk-segment-size",
    "storage.tsdb.max-block-duration",
    "storage.tsdb.min-block-duration",
    "storage.tsdb.samples-per-chunk",
    "storage.tsdb.wal-compression-type",
    "storage.tsdb.wal-segment-size",
    "web.console.libraries",
    "web.console.templates",
    "web.cors.origin",
    "web.local-assets",
    "web.max-notifications-subscribers",
    "web.page-title",
    "web.user-assets",
];

/// Flags that stand by themselves, in both forms.
const PLAIN: [[&str; 2]; 8] = [
    [
        "alertmanager.drain-notification-queue-on-shutdown",
        "no-alertmanager.drain-notification-queue-on-shutdown",
    ],
    ["auto-gomaxprocs", "no-auto-gomaxprocs"],
    ["auto-gomemlimit", "no-auto-gomemlimit"],
    ["scrape.adjust-timestamps", "no-scrape.adjust-timestamps"],
    [
        "storage.tsdb.allow-overlapping-blocks",
        "no-storage.tsdb.allow-overlapping-blocks",
    ],
    ["storage.tsdb.no-lockfile", "no-storage.tsdb.no-lockfile"],
    [
        "storage.tsdb.wal-compression",
        "no-storage.tsdb.wal-compression",
    ],
    ["web.enable-otlp-receiver", "no-web.enable-otlp-receiver"],
];

/// What is always in force here, and therefore neither said nor refused.
const IN_FORCE: [&str; 1] = ["web.enable-lifecycle"];

/// Flags that would change what the server is: refused rather than ignored.
const NOT_SUPPORTED: [(&str, &str); 4] = [
    (
        "web.config.file",
        "TLS and logins are not supported yet; leave it out, and listen on loopback",
    ),
    (
        "web.route-prefix",
        "not supported yet; let the proxy in front remove the prefix",
    ),
    (
        "storage.agent.path",
        "there is no agent mode; name the folder with --storage.tsdb.path",
    ),
    ("agent", "there is no agent mode"),
];

/// Which of them are given.
#[derive(Debug, Clone, Default)]
pub(super) struct Unused {
    given: Vec<&'static str>,
}

impl Unused {
    /// Their names.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        self.given.iter().copied()
    }
}

impl clap::Args for Unused {
    fn augment_args(command: Command) -> Command {
        let hidden = |name: &'static str| Arg::new(name).long(name).hide(true);
        let with_value = WITH_VALUE.map(|name| hidden(name).action(ArgAction::Append));
        let refused = NOT_SUPPORTED.map(|(name, why)| {
            let arg = hidden(name).action(ArgAction::Append);
            // Empty is Prometheus' default: whoever writes it asks for nothing.
            arg.num_args(0..=1)
                .default_missing_value("true")
                .value_parser(move |value: &str| match value {
                    "" | "/" => Ok(String::new()),
                    _ => Err(why),
                })
        });
        command
            .args(with_value)
            .args(
                PLAIN
                    .into_iter()
                    .flatten()
                    .map(|name| hidden(name).action(ArgAction::SetTrue)),
            )
            .args(IN_FORCE.map(|name| hidden(name).action(ArgAction::SetTrue)))
            .args(refused)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Unused {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let names = WITH_VALUE.into_iter().chain(PLAIN.into_iter().flatten());
        let given =
            names.filter(|name| matches.value_source(name) == Some(ValueSource::CommandLine));
        Ok(Self {
            given: given.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
