//! The HTTP API and the embedded web UI.
//!
//! Four kinds of paths: `/api/v1/` answers as Prometheus does, `/api/v2/` as Alertmanager does, `/api/stonechat/v1/` is our own, and everything else is
//! the UI. `/-/healthy`, `/-/ready`, `/-/reload` and `/metrics` are where Prometheus has them.
//!
//! This crate shows rooms and changes nothing in them. What it cannot see itself, such as whether the last reload
//! succeeded, it asks its [`Operator`], the program.
//!
//! A server listens before its rooms are there: reading back a long log takes time, and whoever asks meanwhile is told so.
//!
//! ```no_run
//! use std::sync::Arc;
//! use stonechat_web::{HostNames, Rooms, ServerLimits, ServerMetrics, Site, serve};
//!
//! # async fn run(registry: stonechat_metrics::Registry, rooms: Rooms) -> Result<(), Box<dyn std::error::Error>> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9090").await?;
//! let site = Arc::new(Site::new(&registry, HostNames::only(["stonechat.example"]))?);
//! let metrics = ServerMetrics::register(&registry)?;
//! let stop = std::future::pending();
//! tokio::spawn(serve(listener, Arc::clone(&site), ServerLimits::default(), metrics, stop));
//! // The log is read back, then:
//! site.open(rooms)?;
//! # Ok(())
//! # }
//! ```

mod admin; // /api/v1/admin/tsdb
mod alertmanager; // /api/v2
mod answer; // the envelope of every answer
mod assets; // the UI
mod beside; // /api/v1/metadata, query_exemplars, format_query
mod cardinality; // /api/v1/status/tsdb
mod federate; // /federate
mod guard; // requests that a foreign page makes
mod json; // query results as text
mod labels; // /api/v1/labels, label values, series
mod lifecycle; // health, readiness, reload, our own metrics
mod own; // /api/stonechat/v1
mod params; // parameters from URL and form
mod parsed; // /api/v1/parse_query
mod queries; // /metrics/sql, and how the queries are
mod query; // /api/v1/query, query_range
mod rules; // /api/v1/rules, alerts
mod server; // connections and their limits
mod site; // what answers before the rooms are there, and then
mod status; // /api/v1/status
mod targets; // /api/v1/targets
#[cfg(test)]
mod tests;
mod work; // places for queries
mod write; // /api/v1/write

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use stonechat_metrics::{HttpServer, RegisterError, Registry};
use stonechat_model::{Labels, Matcher, Queryable, TimeRange, Timestamp};
use stonechat_notify::Notifier;
use stonechat_promql::Engine;
use stonechat_rules::RuleManager;
use stonechat_scrape::ScrapeManager;
use stonechat_sql::SqlManager;

pub use guard::HostNames;
pub use server::{ServerLimits, ServerMetrics, serve};
pub use site::Site;
pub use write::Intake;

/// What the API shows. Cloning copies pointers.
#[derive(Clone)]
pub struct Rooms {
    /// Stored samples.
    pub queryable: Arc<dyn Queryable>,
    /// Evaluates queries.
    pub engine: Engine,
    /// Targets.
    pub scrapes: Arc<ScrapeManager>,
    /// Queries against databases.
    pub sql: Arc<SqlManager>,
    /// Rules and alerts.
    pub rules: RuleManager,
    /// Deliveries.
    pub notifier: Notifier,
    /// The program.
    pub operator: Arc<dyn Operator>,
    /// The program's own metrics.
    pub registry: Registry,
    /// How many queries may run at a time; further ones wait.
    pub queries: Arc<tokio::sync::Semaphore>,
    /// What other systems send is taken here, if at all.
    pub intake: Option<Intake>,
}

/// What a reload gives: nothing, or why the old configuration goes on.
pub type Reloaded = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The program, as the API sees it.
pub trait Operator: Send + Sync {
    /// How it is now.
    fn status(&self) -> Status;

    /// Why it does not take queries, when it does not.
    fn unready(&self) -> Option<&'static str>;

    /// Reads the configuration again.
    fn reload(self: Arc<Self>) -> Reloaded;

    /// Writes out what is in memory. Blocks.
    ///
    /// # Errors
    /// Why it could not be written.
    fn flush(&self) -> Result<(), String>;

    /// What this server adds to what it tells others.
    fn external_labels(&self) -> Labels;

    /// The addresses of the Alertmanagers that alerts are sent to besides.
    fn alertmanagers(&self) -> Vec<String>;

    /// Whether requests may change the store.
    fn allows_admin(&self) -> bool;

    /// Makes a copy of the store, and gives its name. Blocks.
    ///
    /// # Errors
    /// Why it could not be made.
    fn snapshot(&self) -> Result<String, String>;

    /// Deletes samples of the series that satisfy any of the matcher sets. Blocks.
    ///
    /// # Errors
    /// Why they could not be deleted; some may be.
    fn delete(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> Result<(), String>;

    /// Removes from the disk what was deleted. Blocks.
    ///
    /// # Errors
    /// Why it could not be removed.
    fn clean_tombstones(&self) -> Result<(), String>;
}

/// How the program is.
#[derive(Debug, Clone)]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// When it started.
    pub started_at: Timestamp,
    /// The configuration's file or folder.
    pub config_source: String,
    /// When the configuration was last read, successfully or not.
    pub config_read_at: Timestamp,
    /// Why the last reading failed; what ran before still runs.
    pub config_error: Option<String>,
    /// Series in memory.
    pub series: u64,
    /// Samples taken since the start.
    pub samples: u64,
    /// Why samples cannot be written, while that is so.
    pub write_failure: Option<String>,
    /// How much of the log is read back, from 0 to 1; until it is 1, old samples are missing in answers.
    pub history: f64,
    /// Places at which the log was damaged when it was read back.
    pub damages: u64,
    /// How long samples are kept.
    pub retention: Duration,
    /// The name of the machine.
    pub host_name: String,
    /// The folder in which the program was started.
    pub working_directory: String,
    /// Settings of the command line under Prometheus' names.
    pub flags: BTreeMap<&'static str, String>,
    /// Grafana dashboards that stand in the folder.
    pub dashboards: Vec<Dashboard>,
}

/// A Grafana dashboard in the configuration's folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Dashboard {
    /// Where it stands.
    pub file: String,
    /// The title that people see.
    pub title: String,
    /// Grafana's identity of it, if it has one.
    pub uid: Option<String>,
    /// Number of panels.
    pub panels: usize,
}

/// Every path of the server. Requests are counted in the rooms' registry.
///
/// # Errors
/// When the registry already holds other families of the same names.
pub fn router(rooms: Rooms) -> Result<Router, RegisterError> {
    let http = HttpServer::register(&rooms.registry.namespace("stonechat"))?;
    let prometheus = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route(
            "/query_exemplars",
            get(beside::exemplars).post(beside::exemplars),
        )
        .route(
            "/format_query",
            get(beside::format_query).post(beside::format_query),
        )
        .route(
            "/parse_query",
            get(parsed::parse_query).post(parsed::parse_query),
        )
        .route("/metadata", get(beside::metadata))
        .route("/labels", get(labels::names).post(labels::names))
        .route("/label/{name}/values", get(labels::values))
        .route("/series", get(labels::series).post(labels::series))
        .route("/targets", get(targets::targets))
        .route("/scrape_pools", get(targets::pools))
        .route("/alertmanagers", get(status::alertmanagers))
        .route("/notifications", get(status::notifications))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/flags", get(status::flags))
        .route("/status/walreplay", get(status::wal_replay))
        .route("/status/tsdb", get(cardinality::tsdb))
        .route("/write", post(write::write))
        .route(
            "/admin/tsdb/snapshot",
            post(admin::snapshot).put(admin::snapshot),
        )
        .route(
            "/admin/tsdb/delete_series",
            post(admin::delete_series).put(admin::delete_series),
        )
        .route(
            "/admin/tsdb/clean_tombstones",
            post(admin::clean_tombstones).put(admin::clean_tombstones),
        )
        .route("/admin/tsdb/flush", post(admin::flush).put(admin::flush));
    let own = Router::new()
        .route("/status", get(own::status))
        .route("/dashboards", get(own::dashboards))
        .route("/notifications", get(own::notifications))
        .route("/alerts", get(own::alerts))
        .route("/alerts/{fingerprint}/why", get(own::why))
        .route("/queries", get(queries::status));
    let router = Router::new()
        .nest("/api/v1", prometheus)
        .nest("/api/v2", alertmanager::router())
        .nest("/api/stonechat/v1", own)
        .route("/-/healthy", get(lifecycle::healthy))
        .route("/-/ready", get(lifecycle::ready))
        .route("/-/reload", post(lifecycle::reload).put(lifecycle::reload))
        .route("/federate", get(federate::federate))
        .route("/metrics/sql", get(queries::page))
        .fallback(get(assets::page));
    let metrics = stonechat_metrics::metrics_router(rooms.registry.clone());
    Ok(router
        .with_state(rooms)
        .merge(metrics)
        .layer(axum::middleware::from_fn(guard::refuse_foreign))
        .layer(http.layer()))
}
