//! The command line of `stonechat serve`: our own names, and Prometheus' for the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use stonechat_model::duration;
use stonechat_promql::EngineOptions;
use stonechat_tsdb::StoreOptions;
use stonechat_web::ServerLimits;

use super::unused::Unused;
use crate::folder::STORE_DIR;
use crate::listen::{ExternalUrl, Front, Listen};
use crate::size;

/// Watch the systems that a configuration names.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat serve --config monitoring/\n  \
    stonechat serve --config prometheus.yml --alertmanager alertmanager.yml --data /var/lib/stonechat\n\n\
    Prometheus' own flags are taken as well, such as --config.file and --storage.tsdb.path.\n\
    kill -HUP or POST /-/reload read the configuration again; a bad one is refused and the old one goes on.")]
pub(crate) struct ServeArgs {
    /// prometheus.yml, or a folder such as monitoring/ with prometheus/prometheus.yml, alertmanager/alertmanager.yml and
    /// dashboards.
    #[arg(
        long,
        visible_alias = "config.file",
        value_name = "FILE_OR_FOLDER",
        default_value = "monitoring"
    )]
    pub(super) config: PathBuf,
    /// alertmanager.yml, when it does not stand in the folder.
    #[arg(long, value_name = "FILE")]
    pub(super) alertmanager: Option<PathBuf>,
    /// Queries against databases: a file, or a folder with such files; may be given several times. A folder given with --config
    /// may hold them as sql.yml or in sql/.
    #[arg(long, value_name = "FILE_OR_FOLDER")]
    pub(super) sql: Vec<PathBuf>,
    /// Where samples, alert state and the delivery log are kept.
    #[arg(
        long,
        visible_alias = "storage.tsdb.path",
        value_name = "DIR",
        default_value = "data"
    )]
    pub(super) data: PathBuf,
    /// How long samples are kept; 15d, unless a size is given.
    #[arg(long, visible_alias = "storage.tsdb.retention.time", value_name = "DURATION", value_parser = duration::parse)]
    retention: Option<Duration>,
    /// How much room samples may take, such as 20GB; the oldest go first.
    #[arg(long, visible_alias = "storage.tsdb.retention.size", value_name = "BYTES", value_parser = size::parse)]
    pub(super) retention_size: Option<u64>,
    /// How much memory samples may take, about, before they are written to the disk, such as 256MB; by default 150 bytes for each
    /// series, 4 MB at least.
    #[arg(long, value_name = "BYTES", value_parser = size::parse)]
    pub(super) head_size: Option<u64>,
    /// Where the API and the UI listen: host:port, or :port for every address of this machine.
    #[arg(
        long,
        visible_alias = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090",
        value_parser = Listen::parse
    )]
    pub(super) listen: Listen,
    /// Under which URL people reach this server; links in notifications begin with it.
    #[arg(long, visible_alias = "web.external-url", value_name = "URL", value_parser = ExternalUrl::parse)]
    pub(super) external_url: Option<ExternalUrl>,
    /// A further name by which this server goes; may be given several times. A server on loopback refuses requests
    /// under other names than its own, because a foreign page can let its name lead here.
    #[arg(long, value_name = "NAME")]
    pub(super) accept_host: Vec<String>,
    /// How many connections may be open at a time; further ones are refused.
    #[arg(
        long,
        visible_alias = "web.max-connections",
        value_name = "N",
        default_value_t = ServerLimits::default().connections_max
    )]
    pub(super) connections_max: usize,
    /// How long a connection may take to say what it wants.
    #[arg(long, visible_alias = "web.read-timeout", value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub(super) read_timeout: Duration,
    /// How many queries of the API may run at a time; further ones wait.
    #[arg(
        long,
        visible_alias = "query.max-concurrency",
        value_name = "N",
        default_value_t = 20
    )]
    pub(super) queries_max: usize,
    /// How long a query may take.
    #[arg(long, visible_alias = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub(super) query_timeout: Duration,
    /// How old a sample may be to count as the present value.
    #[arg(long, visible_alias = "query.lookback-delta", value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(super) lookback: Duration,
    /// How many samples a query may hold at once.
    #[arg(
        long,
        visible_alias = "query.max-samples",
        value_name = "N",
        default_value_t = 50_000_000
    )]
    pub(super) query_samples_max: usize,
    /// Take what other servers and agents send to /api/v1/write.
    #[arg(long, visible_alias = "web.enable-remote-write-receiver")]
    pub(super) remote_write_receiver: bool,
    /// Allow requests that delete samples and make snapshots, under /api/v1/admin/tsdb.
    #[arg(long, visible_alias = "web.enable-admin-api")]
    pub(super) admin_api: bool,
    /// What is said in the log: error, warn, info or debug. STONECHAT_LOG chooses by part of the program.
    #[arg(long, visible_alias = "log.level", value_name = "LEVEL", default_value = "info", value_parser = ["error", "warn", "info", "debug"])]
    pub(crate) log_level: String,
    /// Features of Prometheus, separated by commas.
    #[arg(long, value_name = "FEATURE", value_delimiter = ',', hide = true)]
    pub(super) enable_feature: Vec<String>,
    #[command(flatten)]
    pub(super) other: Unused,
    /// Stop when standard input ends.
    #[arg(long, hide = true)]
    pub(super) exit_with_stdin: bool,
}

impl ServeArgs {
    pub(super) fn limits(&self) -> ServerLimits {
        ServerLimits {
            connections_max: self.connections_max.max(1),
            head_timeout: self.read_timeout,
        }
    }

    /// Limits and defaults of queries.
    pub(super) fn engine(&self, subquery_step: Duration) -> EngineOptions {
        EngineOptions {
            lookback: self.lookback,
            timeout: self.query_timeout,
            samples_max: self.query_samples_max,
            subquery_step,
            delayed_name_removal: self.has_feature("promql-delayed-name-removal"),
            type_and_unit_labels: self.has_feature("type-and-unit-labels"),
            start_timestamps: self.has_feature("use-start-timestamps"),
        }
    }

    /// How long samples are kept.
    pub(super) fn retention(&self) -> Duration {
        let given = self.retention.filter(|retention| !retention.is_zero());
        // As in Prometheus: whoever limits the room alone does not want that the time is limited too.
        let otherwise = match self.retention_size {
            None => RETENTION,
            Some(_) => FOR_EVER,
        };
        given.unwrap_or(otherwise)
    }

    /// How the store is opened.
    pub(super) fn store(&self) -> StoreOptions {
        StoreOptions {
            retention: self.retention(),
            retention_bytes: self.retention_size,
            head_bytes_max: self.head_size,
            recover_in_background: true,
            ..StoreOptions::new(self.data.join(STORE_DIR))
        }
    }

    /// Where snapshots are put, where they are allowed.
    pub(super) fn admin_folder(&self) -> Option<PathBuf> {
        self.admin_api.then(|| self.data.join("snapshots"))
    }

    /// True when remote write is taken.
    pub(super) fn takes_remote_write(&self) -> bool {
        self.remote_write_receiver || self.has_feature("remote-write-receiver")
    }

    fn has_feature(&self, name: &str) -> bool {
        self.enable_feature.iter().any(|feature| feature == name)
    }

    /// What the command line asks for that has no meaning here, for one warning.
    pub(super) fn without_meaning(&self) -> Vec<String> {
        let features = self.enable_feature.iter().filter(|feature| {
            let feature = feature.as_str();
            !feature.is_empty()
                && !FEATURES_IN_FORCE.contains(&feature)
                && !FEATURES.contains(&feature)
        });
        let features = features.map(|feature| format!("--enable-feature={feature}"));
        self.other
            .given()
            .map(|flag| format!("--{flag}"))
            .chain(features)
            .collect()
    }

    /// What the command line says, under the names that Prometheus has for it.
    pub(super) fn flags(&self, front: &Front) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("config.file", self.config.display().to_string()),
            ("query.lookback-delta", duration::format(self.lookback)),
            ("query.max-concurrency", self.queries_max.to_string()),
            ("query.max-samples", self.query_samples_max.to_string()),
            ("query.timeout", duration::format(self.query_timeout)),
            ("storage.tsdb.path", self.data.display().to_string()),
            (
                "storage.tsdb.retention.time",
                duration::format(self.retention()),
            ),
            ("web.external-url", front.url.as_str().to_owned()),
            ("web.listen-address", self.listen.to_string()),
            ("web.max-connections", self.connections_max.to_string()),
            ("web.read-timeout", duration::format(self.read_timeout)),
        ])
    }
}

/// How long samples are kept when nobody says otherwise.
const RETENTION: Duration = Duration::from_hours(15 * 24);

/// A hundred years.
const FOR_EVER: Duration = Duration::from_hours(100 * 365 * 24);

/// Features of Prometheus that change something here.
const FEATURES: [&str; 4] = [
    "promql-delayed-name-removal",
    "remote-write-receiver",
    "type-and-unit-labels",
    "use-start-timestamps",
];

/// Features of Prometheus that are always in force here.
const FEATURES_IN_FORCE: [&str; 10] = [
    "exemplar-storage",
    "expand-external-labels",
    "metadata-wal-records",
    "native-histograms",
    "promql-at-modifier",
    "promql-binop-fill-modifiers",
    "promql-duration-expr",
    "promql-experimental-functions",
    "promql-extended-range-selectors",
    "promql-negative-offset",
];
