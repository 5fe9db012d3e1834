//! The program as the API sees it: how it is, and how it reloads.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use stonechat_model::{Labels, Matcher, Problem, TimeRange, Timestamp};
use stonechat_notify::{ExternalAlertmanagers, Notifier};
use stonechat_rules::RuleManager;
use stonechat_scrape::ScrapeManager;
use stonechat_sql::SqlManager;
use stonechat_tsdb::{Store, StoreLimits};
use stonechat_web::{Dashboard, Operator, Reloaded, Status};

use crate::config::{Configuration, Source};
use crate::folder::STORE_DIR;
use crate::listen::host_name;
use crate::metrics::ServerMetrics;
use crate::stamps::Stamps;

/// The running program.
pub(crate) struct Program {
    source: Source,
    settings: Settings,
    stopping: AtomicBool,
    rooms: Parts,
    metrics: ServerMetrics,
    read: Mutex<Read>,
    /// Reloads go one after the other.
    reloading: tokio::sync::Mutex<()>,
}

/// What the start, the command line and the machine say, which does not change.
pub(crate) struct Settings {
    started_at: Timestamp,
    /// Limits of the store where the configuration has none.
    limits: StoreLimits,
    /// Where snapshots are put, where they are allowed.
    snapshots: Option<PathBuf>,
    flags: BTreeMap<&'static str, String>,
    host_name: String,
    working_directory: String,
}

impl Settings {
    /// Allows snapshots, and puts them into a folder.
    pub(crate) fn with_admin(mut self, snapshots: Option<PathBuf>) -> Self {
        self.snapshots = snapshots;
        self
    }

    /// The settings of a program that starts now.
    pub(crate) fn new(limits: StoreLimits, flags: BTreeMap<&'static str, String>) -> Self {
        // A folder that was removed meanwhile has no name.
        let folder = std::env::current_dir().unwrap_or_default();
        Self {
            started_at: Timestamp::now(),
            limits,
            snapshots: None,
            flags,
            host_name: host_name(),
            working_directory: folder.display().to_string(),
        }
    }
}

/// The rooms that a configuration is applied to.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) scrapes: Arc<ScrapeManager>,
    pub(crate) sql: Arc<SqlManager>,
    pub(crate) rules: RuleManager,
    pub(crate) notifier: Notifier,
    pub(crate) external: ExternalAlertmanagers,
}

/// The outcome of the last reading of the configuration.
struct Read {
    at: Timestamp,
    error: Option<String>,
    dashboards: Vec<Dashboard>,
    external_labels: Labels,
    /// Files with queries, and how they were when they were read.
    query_files: Stamps,
}

impl Program {
    pub(crate) fn new(
        source: Source,
        rooms: Parts,
        metrics: ServerMetrics,
        settings: Settings,
    ) -> Self {
        Self {
            source,
            settings,
            stopping: AtomicBool::new(false),
            rooms,
            metrics,
            read: Mutex::new(Read {
                at: Timestamp::now(),
                error: None,
                dashboards: Vec::new(),
                external_labels: Labels::default(),
                query_files: Stamps::default(),
            }),
            reloading: tokio::sync::Mutex::new(()),
        }
    }

    /// Tells who asks that it will not be there much longer.
    pub(crate) fn set_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Makes a checked configuration the running one. Each room compares it with what it has and applies the difference.
    /// The only steps that can fail go first. Queries that are new are asked before the old ones go. `seen` is how files with queries were
    /// before they were read.
    pub(crate) async fn apply(
        &self,
        configuration: Configuration,
        seen: &Stamps,
    ) -> Result<(), Problem> {
        for warning in &configuration.warnings {
            tracing::warn!("{warning}");
        }
        // With the causes: a certificate that cannot be read is named only by the innermost.
        let refused = |error| {
            let error = anyhow::Error::from(error);
            Problem::of_file(&self.source.path, format!("{error:#}"))
        };
        SqlManager::check(&configuration.queries)
            .map_err(|error| Problem::of_file(&self.source.path, error.to_string()))?;
        self.rooms
            .notifier
            .apply(configuration.notify)
            .map_err(refused)?;
        self.rooms
            .external
            .apply(&configuration.alertmanagers)
            .map_err(refused)?;
        let query_files = seen.followed_by(configuration.query_files);
        self.rooms
            .rules
            .apply(configuration.groups, configuration.external_labels.clone());
        self.rooms.scrapes.apply(configuration.jobs);
        let limits = configuration.storage.over(self.settings.limits);
        self.rooms.store.set_limits(limits);
        // Last, since it takes as long as the new queries do, and nothing else should wait for a database.
        self.rooms
            .sql
            .apply(&configuration.queries)
            .await
            .map_err(|error| Problem::of_file(&self.source.path, error.to_string()))?;
        *self.read.lock() = Read {
            at: Timestamp::now(),
            error: None,
            dashboards: configuration.dashboards,
            external_labels: configuration.external_labels,
            query_files,
        };
        self.metrics.reloaded(Timestamp::now());
        Ok(())
    }

    /// Whether a file with queries has changed since the configuration was last read.
    pub(crate) fn queries_changed(&self) -> bool {
        let mut read = self.read.lock();
        let now = read.query_files.again();
        // Once for each change, also when the changed file is refused.
        now != std::mem::replace(&mut read.query_files, now.clone())
    }

    /// Reads the configuration again. When anything in it is wrong, nothing changes.
    pub(crate) async fn read_again(&self) -> Result<(), String> {
        let _one_at_a_time = self.reloading.lock().await;
        let source = self.source.clone();
        // Before they are read, so that no change in between is missed.
        let seen = self.read.lock().query_files.again();
        let loaded = tokio::task::spawn_blocking(move || {
            source.load().map_err(|problems| problems.to_string())
        })
        .await;
        let outcome = match loaded {
            Ok(Ok(configuration)) => self
                .apply(configuration, &seen)
                .await
                .map_err(|problem| problem.to_string()),
            Ok(Err(problems)) => Err(problems),
            Err(error) => Err(format!("reading the configuration failed: {error}")),
        };
        match &outcome {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(reason) => {
                tracing::error!("the configuration is refused, the old one goes on:\n{reason}");
                self.metrics.reload_successful.set(0.0);
                let mut read = self.read.lock();
                (read.at, read.error) = (Timestamp::now(), Some(reason.clone()));
            }
        }
        outcome
    }
}

impl Operator for Program {
    fn status(&self) -> Status {
        let (store, progress) = (self.rooms.store.stats(), self.rooms.store.progress());
        let read = self.read.lock();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            started_at: self.settings.started_at,
            config_source: self.source.path.display().to_string(),
            config_read_at: read.at,
            config_error: read.error.clone(),
            series: store.series as u64,
            samples: store.samples_accepted_total,
            write_failure: store.write_failure,
            history: progress.fraction(),
            damages: store.damages,
            retention: self.rooms.store.limits().retention,
            host_name: self.settings.host_name.clone(),
            working_directory: self.settings.working_directory.clone(),
            flags: self.settings.flags.clone(),
            dashboards: read.dashboards.clone(),
        }
    }

    fn unready(&self) -> Option<&'static str> {
        let stopping = self.stopping.load(Ordering::Relaxed);
        stopping.then_some("the server stops")
    }

    fn reload(self: Arc<Self>) -> Reloaded {
        // In a task of its own: whoever asked may go away, and nothing is left half done.
        let reloading = tokio::spawn(async move { self.read_again().await });
        Box::pin(async move {
            let outcome = reloading.await;
            outcome.unwrap_or_else(|error| Err(format!("the reload failed: {error}")))
        })
    }

    fn flush(&self) -> Result<(), String> {
        let store = &self.rooms.store;
        let flushed = store.flush().and_then(|()| store.sync());
        flushed.map_err(|error| error.to_string())
    }

    fn alertmanagers(&self) -> Vec<String> {
        self.rooms.external.urls()
    }

    fn external_labels(&self) -> Labels {
        self.read.lock().external_labels.clone()
    }

    fn allows_admin(&self) -> bool {
        self.settings.snapshots.is_some()
    }

    fn snapshot(&self) -> Result<String, String> {
        let folder = self.settings.snapshots.as_ref().ok_or("not allowed")?;
        let now = Timestamp::now().millis();
        let moment = jiff::Timestamp::from_millisecond(now).map_err(|error| error.to_string())?;
        // As Prometheus names them, but for the chance behind: two of one millisecond are not made.
        let name = format!("{}-{now:016x}", moment.strftime("%Y%m%dT%H%M%SZ"));
        // A data folder, so that a server or `stonechat tsdb` can be pointed at it.
        let snapshot = folder.join(&name);
        std::fs::create_dir_all(&snapshot).map_err(|error| error.to_string())?;
        let made = self.rooms.store.snapshot(&snapshot.join(STORE_DIR));
        made.map_err(|error| error.to_string())?;
        Ok(name)
    }

    fn delete(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> Result<(), String> {
        let deleted = self.rooms.store.delete(matcher_sets, range);
        deleted.map(|_| ()).map_err(|error| error.to_string())
    }

    fn clean_tombstones(&self) -> Result<(), String> {
        let cleaned = self.rooms.store.clean_tombstones();
        cleaned.map_err(|error| error.to_string())
    }
}
