//! `stonechat serve`: wires the rooms, runs them, and stops them in the order in which samples flow.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use stonechat_metrics::Registry;
use stonechat_model::{Problems, Timestamp, duration};
use stonechat_notify::{Notifier, NotifierOptions, NotifyMetrics};
use stonechat_promql::{Engine, EngineOptions};
use stonechat_rules::{RuleManager, RuleMetrics, RuleOptions};
use stonechat_scrape::{ScrapeManager, ScrapeMetrics, ScrapeOptions};
use stonechat_sql::{SqlManager, SqlMetrics};
use stonechat_tsdb::{Store, StoreOptions};
use stonechat_web::{Rooms, ServerLimits, Site};
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use crate::config::{Configuration, Source};
use crate::http::Http;
use crate::listen::{ExternalUrl, Front, Listen};
use crate::metrics::ServerMetrics;
use crate::operator::{Parts, Program, Settings};
use crate::signals;

/// How often the store is tidied.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the store's counts are taken over into metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// How often files with queries are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// How long scrapes, evaluations and open connections may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Watch the systems that a configuration names.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat serve --config monitoring/\n  \
    stonechat serve --config prometheus.yml --alertmanager alertmanager.yml --data /var/lib/stonechat\n\n\
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
    config: PathBuf,
    /// alertmanager.yml, when it does not stand in the folder.
    #[arg(long, value_name = "FILE")]
    alertmanager: Option<PathBuf>,
    /// Queries against databases: a file, or a folder with such files; may be given several times. A folder given with --config
    /// may hold them as sql.yml or in sql/.
    #[arg(long, value_name = "FILE_OR_FOLDER")]
    sql: Vec<PathBuf>,
    /// Where samples, alert state and the delivery log are kept.
    #[arg(
        long,
        visible_alias = "storage.tsdb.path",
        value_name = "DIR",
        default_value = "data"
    )]
    data: PathBuf,
    /// How long samples are kept.
    #[arg(long, visible_alias = "storage.tsdb.retention.time", value_name = "DURATION", default_value = "15d",
          value_parser = duration::parse)]
    retention: Duration,
    /// Where the API and the UI listen: host:port, or :port for every address of this machine.
    #[arg(
        long,
        visible_alias = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090",
        value_parser = Listen::parse
    )]
    listen: Listen,
    /// Under which URL people reach this server; links in notifications begin with it.
    #[arg(long, visible_alias = "web.external-url", value_name = "URL", value_parser = ExternalUrl::parse)]
    external_url: Option<ExternalUrl>,
    /// A further name by which this server goes; may be given several times. A server on loopback refuses requests
    /// under other names than its own, because a foreign page can let its name lead here.
    #[arg(long, value_name = "NAME")]
    accept_host: Vec<String>,
    /// How many connections may be open at a time; further ones are refused.
    #[arg(
        long,
        visible_alias = "web.max-connections",
        value_name = "N",
        default_value_t = ServerLimits::default().connections_max
    )]
    connections_max: usize,
    /// How long a connection may take to say what it wants.
    #[arg(long, visible_alias = "web.read-timeout", value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    read_timeout: Duration,
    /// How many queries of the API may run at a time; further ones wait.
    #[arg(
        long,
        visible_alias = "query.max-concurrency",
        value_name = "N",
        default_value_t = 20
    )]
    queries_max: usize,
    /// How long a query may take.
    #[arg(long, visible_alias = "query.timeout", value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    query_timeout: Duration,
    /// Stop when standard input ends.
    #[arg(long, hide = true)]
    exit_with_stdin: bool,
}

impl ServeArgs {
    fn limits(&self) -> ServerLimits {
        ServerLimits {
            connections_max: self.connections_max.max(1),
            head_timeout: self.read_timeout,
        }
    }
}

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let mut stop = signals::Stop::listen()?.or_end_of_stdin(args.exit_with_stdin);
    // From now on, so that a signal that comes too early is not the end: it is taken up when everything runs.
    let mut hangup = signals::reload()?;
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
    let outcome = server.run(&mut stop, &mut hangup, http.ended()).await;
    tracing::info!("stopping");
    server.program.set_stopping();
    tokio::join!(server.stop(), http.stop(STOP_LIMIT));
    outcome
}

/// All rooms, running.
struct Server {
    rooms: Rooms,
    store: Arc<Store>,
    program: Arc<Program>,
    metrics: ServerMetrics,
}

impl Server {
    async fn start(
        args: &ServeArgs,
        source: Source,
        configuration: Configuration,
        (front, registry): (&Front, &Registry),
    ) -> Result<Self> {
        let metrics = ServerMetrics::register(registry)?;
        let engine = Engine::new(EngineOptions {
            timeout: args.query_timeout,
            subquery_step: configuration.evaluation_interval,
            ..EngineOptions::default()
        });
        let settings = Settings::new(args.retention, flags(args, front, engine.options()));
        let store = open_store(args).await?;
        let notifier = Notifier::new(
            configuration.notify.clone(),
            NotifierOptions::new(&args.data, front.url.as_str())
                .metrics(NotifyMetrics::register(registry)?),
        )?;
        let scrapes = ScrapeManager::new(
            Arc::clone(&store) as _,
            ScrapeMetrics::register(registry)?,
            ScrapeOptions {
                external: Some(front.of_targets()),
                ..ScrapeOptions::default()
            },
        );
        let scrapes = Arc::new(scrapes);
        let sql = Arc::new(SqlManager::new(
            Arc::clone(&store) as _,
            Box::new(stonechat_sql::source::open),
            SqlMetrics::register(registry)?,
        ));
        let rules = RuleManager::new(
            Arc::clone(&store) as _,
            Arc::clone(&store) as _,
            engine.clone(),
            Arc::new(notifier.clone()),
            RuleOptions {
                external_url: front.url.as_str().to_owned(),
                metrics: Some(RuleMetrics::register(registry)?),
                ..RuleOptions::default()
            },
        );
        let parts = Parts {
            store: Arc::clone(&store),
            scrapes: Arc::clone(&scrapes),
            sql: Arc::clone(&sql),
            rules: rules.clone(),
            notifier: notifier.clone(),
        };
        let program = Arc::new(Program::new(source, parts, metrics.clone(), settings));
        program
            .apply(configuration)
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
        };
        Ok(Self {
            rooms,
            store,
            program,
            metrics,
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

/// Retention and the log's checkpoint, again and again, away from the threads that answer.
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

/// What the command line says, under the names that Prometheus has for it.
fn flags(
    args: &ServeArgs,
    front: &Front,
    engine: &EngineOptions,
) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("config.file", args.config.display().to_string()),
        ("query.lookback-delta", duration::format(engine.lookback)),
        ("query.max-concurrency", args.queries_max.to_string()),
        ("query.max-samples", engine.samples_max.to_string()),
        ("query.timeout", duration::format(args.query_timeout)),
        ("storage.tsdb.path", args.data.display().to_string()),
        (
            "storage.tsdb.retention.time",
            duration::format(args.retention),
        ),
        ("web.external-url", front.url.as_str().to_owned()),
        ("web.listen-address", args.listen.to_string()),
        ("web.max-connections", args.connections_max.to_string()),
        ("web.read-timeout", duration::format(args.read_timeout)),
    ])
}

async fn open_store(args: &ServeArgs) -> Result<Arc<Store>> {
    let options = StoreOptions {
        retention: args.retention,
        ..StoreOptions::new(args.data.join("tsdb"))
    };
    let store = tokio::task::spawn_blocking(move || Store::open(options)).await?;
    Ok(Arc::new(store.with_context(|| {
        format!("the store in {} cannot be opened", args.data.display())
    })?))
}
