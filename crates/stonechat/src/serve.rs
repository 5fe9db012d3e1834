//! `stonechat serve`: wires the rooms, runs them, and stops them in the order in which samples flow.

mod args; // the command line
mod aside; // a thread with a runtime of its own
mod unused; // Prometheus' flags that have no meaning here

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use stonechat_metrics::Registry;
use stonechat_model::{Alert, AlertSink, Problems, Timestamp};
use stonechat_notify::{
    ExternalAlertmanagers, ExternalMetrics, Notifier, NotifierOptions, NotifyMetrics,
};
use stonechat_promql::Engine;
use stonechat_remote::{Receiver, ReceiverLimits, RemoteMetrics};
use stonechat_rules::{RuleManager, RuleMetrics, RuleOptions};
use stonechat_scrape::{ScrapeManager, ScrapeMetrics, ScrapeOptions};
use stonechat_sql::{SqlManager, SqlMetrics};
use stonechat_tsdb::{Store, StoreOptions};
use stonechat_web::{Intake, Rooms, Site};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use crate::config::{Configuration, Source};
use crate::history::WholeHistory;
use crate::http::Http;
use crate::listen::Front;
use crate::metrics::ServerMetrics;
use crate::operator::{Parts, Program, Settings};
use crate::resident;
use crate::signals;
use crate::stamps::Stamps;

pub(crate) use args::ServeArgs;
use aside::Aside;

/// How often the store is tidied.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the store's counts are taken over into metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// How often files with queries are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How long scrapes, evaluations and open connections may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let mut stop = signals::Stop::listen()?.or_end_of_stdin(args.exit_with_stdin);
    // From now on, so that a signal that comes too early is not the end: it is taken up when everything runs.
    let mut hangup = signals::reload()?;
    let without_meaning = args.without_meaning();
    if !without_meaning.is_empty() {
        tracing::warn!(
            "without a meaning here, and ignored: {}",
            without_meaning.join(" ")
        );
    }
    let source = Source {
        path: args.config.clone(),
        alertmanager: args.alertmanager.clone(),
        queries: args.sql.clone(),
    };
    let configuration = source.load()?;
    // Before anything is opened or scraped: a taken port is the most common mistake after a bad file.
    let listener = args.listen.bind().await?;
    let external = args.external_url.clone();
    let address = listener.local_addr()?;
    let front = Front::new(&args.listen, address, external, &args.accept_host);
    let registry = Registry::new();
    let site = Arc::new(Site::new(&registry, front.names.clone())?);
    let http = Http::start(listener, Arc::clone(&site), args.limits(), &registry)?;
    tracing::info!("listening on http://{address}/");
    let server = tokio::select! {
        server = Server::start(&args, source, configuration, (&front, &registry)) => server?,
        // A long log may be read back meanwhile; nothing has been taken yet that could be lost.
        () = stop.wait() => {
            http.stop(STOP_LIMIT).await;
            return Ok(());
        }
    };
    site.open(server.rooms.clone())?;
    tracing::info!("ready; people reach this server at {}/", front.url.as_str());
    if let Err(error) = resident::forget_start() {
        tracing::debug!("memory of the start is kept: {error}");
    }
    let outcome = server.run(&mut stop, &mut hangup, http.ended()).await;
    tracing::info!("stopping");
    server.program.set_stopping();
    tokio::join!(server.stop(), http.stop(STOP_LIMIT));
    outcome
}

/// Tells our own receivers, and other Alertmanagers.
struct Tell(Notifier, ExternalAlertmanagers);

impl AlertSink for Tell {
    fn put(&self, alerts: Vec<Alert>) {
        self.1.put(alerts.clone());
        self.0.put(alerts);
    }
}

/// All rooms, running.
struct Server {
    rooms: Rooms,
    store: Arc<Store>,
    program: Arc<Program>,
    metrics: ServerMetrics,
    /// Where databases are asked.
    _asking: Aside,
}

impl Server {
    async fn start(
        args: &ServeArgs,
        source: Source,
        configuration: Configuration,
        (front, registry): (&Front, &Registry),
    ) -> Result<Self> {
        let metrics = ServerMetrics::register(registry)?;
        let engine = Engine::new(args.engine(configuration.evaluation_interval));
        let options = args.store();
        let settings =
            Settings::new(options.limits(), args.flags(front)).with_admin(args.admin_folder());
        let store = open_store(args, options).await?;
        let notifier = Notifier::new(
            configuration.notify.clone(),
            NotifierOptions::new(&args.data, front.url.as_str())
                .metrics(NotifyMetrics::register(registry)?),
        )?;
        let external = ExternalAlertmanagers::new(ExternalMetrics::register(registry)?);
        let scrapes = ScrapeManager::new(
            Arc::clone(&store) as _,
            ScrapeMetrics::register(registry)?,
            ScrapeOptions {
                external: Some(front.of_targets()),
                ..ScrapeOptions::default()
            },
        );
        let scrapes = Arc::new(scrapes);
        let asking = Aside::start("sql").context("the thread that asks databases")?;
        let sql = sql(&store, &asking, registry)?;
        let rules = RuleManager::new(
            Arc::new(WholeHistory(Arc::clone(&store))),
            Arc::clone(&store) as _,
            engine.clone(),
            Arc::new(Tell(notifier.clone(), external.clone())),
            RuleOptions {
                external_url: front.url.as_str().to_owned(),
                metrics: Some(RuleMetrics::register(registry)?),
                settle: settle(&configuration),
                data_dir: Some(args.data.clone()),
                ..RuleOptions::default()
            },
        )?;
        let parts = Parts {
            store: Arc::clone(&store),
            scrapes: Arc::clone(&scrapes),
            sql: Arc::clone(&sql),
            rules: rules.clone(),
            notifier: notifier.clone(),
            external,
        };
        let program = Arc::new(Program::new(source, parts, metrics.clone(), settings));
        program
            .apply(configuration, &Stamps::default())
            .await
            .map_err(|problem| anyhow::anyhow!(Problems::from(problem)))?;
        let rooms = Rooms {
            queryable: Arc::clone(&store) as _,
            engine,
            scrapes,
            sql,
            rules,
            notifier,
            operator: Arc::clone(&program) as _,
            registry: registry.clone(),
            queries: Arc::new(tokio::sync::Semaphore::new(args.queries_max.max(1))),
            intake: intake(args, &store, registry)?,
        };
        Ok(Self {
            rooms,
            store,
            program,
            metrics,
            _asking: asking,
        })
    }

    /// Runs until it should stop.
    async fn run(
        &self,
        stop: &mut signals::Stop,
        hangup: &mut Signal,
        mut http_ended: watch::Receiver<bool>,
    ) -> Result<()> {
        let maintenance = tokio::spawn(maintain(Arc::clone(&self.store)));
        let mut counting = tokio::time::interval(METRICS_INTERVAL);
        let mut looking = tokio::time::interval(LOOK_INTERVAL);
        let outcome = loop {
            tokio::select! {
                () = stop.wait() => break Ok(()),
                Some(()) = hangup.recv() => {
                    // Beside this loop: a reload that hangs must not keep the program from stopping. The outcome is
                    // in the log, in a metric and on the page.
                    let program = Arc::clone(&self.program);
                    tokio::spawn(async move { program.read_again().await });
                }
                _ = looking.tick() => {
                    if self.program.queries_changed() {
                        tracing::info!("a file with queries has changed");
                        let program = Arc::clone(&self.program);
                        tokio::spawn(async move { program.read_again().await });
                    }
                }
                _ = counting.tick() => self.metrics.read(&self.store.stats()),
                _ = http_ended.wait_for(|ended| *ended) => break Err(anyhow::anyhow!("the HTTP server ended")),
            }
        };
        maintenance.abort();
        outcome
    }

    /// Stops in the order in which samples flow, so that nothing is written to a part that is gone.
    async fn stop(&self) {
        tokio::join!(
            self.rooms.scrapes.shutdown(STOP_LIMIT),
            self.rooms.sql.stop(STOP_LIMIT),
        );
        if tokio::time::timeout(STOP_LIMIT, self.rooms.rules.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                "rules were still evaluated after {} s and are left",
                STOP_LIMIT.as_secs()
            );
        }
        self.rooms.notifier.shutdown().await;
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the store could not be closed cleanly: {error}"),
            Err(error) => tracing::error!("closing the store failed: {error}"),
        }
    }
}

/// How long after the start rules may miss what they look at: until every target was scraped twice, so that rates are there.
fn settle(configuration: &Configuration) -> Duration {
    let intervals = configuration.jobs.iter().map(|job| job.interval);
    2 * intervals.max().unwrap_or_default()
}

/// Retention, blocks and their merging, again and again, away from the threads that answer.
async fn maintain(store: Arc<Store>) {
    loop {
        tokio::time::sleep(MAINTENANCE_INTERVAL).await;
        let store = Arc::clone(&store);
        if let Err(error) =
            tokio::task::spawn_blocking(move || store.maintain(Timestamp::now())).await
        {
            tracing::error!("tidying the store failed: {error}");
        }
    }
}

/// What asks databases.
fn sql(store: &Arc<Store>, asking: &Aside, registry: &Registry) -> Result<Arc<SqlManager>> {
    let manager = SqlManager::new(
        Arc::clone(store) as _,
        Box::new(stonechat_sql::source::open),
        SqlMetrics::register(registry)?,
    );
    Ok(Arc::new(manager.on(asking.handle().clone())))
}

/// What takes the samples of other systems, where that is asked for.
fn intake(args: &ServeArgs, store: &Arc<Store>, registry: &Registry) -> Result<Option<Intake>> {
    if !args.takes_remote_write() {
        return Ok(None);
    }
    let metrics = RemoteMetrics::register(registry)?;
    let store = Arc::clone(store) as _;
    let receiver = Receiver::new(store, metrics, ReceiverLimits::default());
    Ok(Some(Intake::new(Arc::new(receiver))))
}

async fn open_store(args: &ServeArgs, options: StoreOptions) -> Result<Arc<Store>> {
    let store = tokio::task::spawn_blocking(move || Store::open(options)).await?;
    Ok(Arc::new(store.with_context(|| {
        format!("the store in {} cannot be opened", args.data.display())
    })?))
}
