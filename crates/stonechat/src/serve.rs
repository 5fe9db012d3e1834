//! `stonechat serve`: wires the rooms, runs them, and stops them in the order in which samples flow.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use stonechat_metrics::Registry;
use stonechat_model::{Timestamp, duration};
use stonechat_notify::{Notifier, NotifierOptions, NotifyMetrics};
use stonechat_promql::{Engine, EngineOptions};
use stonechat_rules::{RuleManager, RuleMetrics, RuleOptions};
use stonechat_scrape::{ScrapeManager, ScrapeMetrics, ScrapeOptions};
use stonechat_tsdb::{Store, StoreOptions};
use stonechat_web::Rooms;
use tokio::net::TcpListener;

use crate::config::{Configuration, Source};
use crate::metrics::ServerMetrics;
use crate::operator::{Parts, Program};
use crate::signals;

/// How often the store is tidied.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60);

/// How often the store's counts are taken over into metrics.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

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
    /// Where the API and the UI listen.
    #[arg(
        long,
        visible_alias = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090"
    )]
    listen: SocketAddr,
    /// Under which URL people reach this server; it goes into notifications.
    #[arg(long, visible_alias = "web.external-url", value_name = "URL")]
    external_url: Option<String>,
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

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let mut stop = signals::Stop::listen()?.or_end_of_stdin(args.exit_with_stdin);
    let mut hangup = signals::reload()?;
    let source = Source {
        path: args.config.clone(),
        alertmanager: args.alertmanager.clone(),
    };
    let configuration = source.load()?;
    // Before anything is opened or scraped: a taken port is the most common mistake after a bad file.
    let listener = TcpListener::bind(args.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; is another server running? choose another address with --listen",
            args.listen
        )
    })?;
    let server = Server::start(&args, source, configuration).await?;
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}/");
    let (stopping, stopped) = tokio::sync::watch::channel(false);
    let mut drained = stopped.clone();
    let router = stonechat_web::router(server.rooms.clone())?;
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        // The sender lives until the end of this function.
        let _ = drained.wait_for(|stopping| *stopping).await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    let mut maintenance = tokio::time::interval(MAINTENANCE_INTERVAL);
    let mut counting = tokio::time::interval(METRICS_INTERVAL);
    loop {
        tokio::select! {
            () = stop.wait() => break,
            Some(()) = hangup.recv() => {
                // The outcome is in the log, in a metric and on the page.
                let _ = server.program.read_again().await;
            }
            _ = maintenance.tick() => server.maintain(),
            _ = counting.tick() => server.metrics.read(&server.store.stats()),
            ended = &mut serving => {
                ended.context("the HTTP server failed")??;
                break;
            }
        }
    }
    tracing::info!("stopping");
    server.program.set_ready(false);
    stopping.send_replace(true);
    server.stop().await;
    if tokio::time::timeout(STOP_LIMIT, &mut serving)
        .await
        .is_err()
    {
        tracing::warn!(
            "connections were still open after {} s and are closed",
            STOP_LIMIT.as_secs()
        );
        serving.abort();
    }
    Ok(())
}

/// All rooms, running.
struct Server {
    rooms: Rooms,
    store: Arc<Store>,
    program: Arc<Program>,
    metrics: ServerMetrics,
}

impl Server {
    async fn start(args: &ServeArgs, source: Source, configuration: Configuration) -> Result<Self> {
        let registry = Registry::new();
        let metrics = ServerMetrics::register(&registry)?;
        let store = open_store(args).await?;
        let external_url = args
            .external_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", args.listen))
            .trim_end_matches('/')
            .to_owned();
        let engine = Engine::new(EngineOptions {
            timeout: args.query_timeout,
            ..EngineOptions::default()
        });
        let notifier = Notifier::new(
            stonechat_notify::Config::silent(),
            NotifierOptions::new(&args.data, &external_url)
                .metrics(NotifyMetrics::register(&registry)?),
        )?;
        let scrapes = ScrapeManager::new(
            Arc::clone(&store) as _,
            ScrapeMetrics::register(&registry)?,
            ScrapeOptions::default(),
        );
        let scrapes = Arc::new(scrapes);
        let rules = RuleManager::new(
            Arc::clone(&store) as _,
            Arc::clone(&store) as _,
            engine.clone(),
            Arc::new(notifier.clone()),
            RuleOptions {
                external_url,
                metrics: Some(RuleMetrics::register(&registry)?),
                ..RuleOptions::default()
            },
        );
        let parts = Parts {
            store: Arc::clone(&store),
            scrapes: Arc::clone(&scrapes),
            rules: rules.clone(),
            notifier: notifier.clone(),
        };
        let program = Arc::new(Program::new(source, parts, metrics.clone()));
        program.apply(configuration).map_err(anyhow::Error::msg)?;
        program.set_ready(true);
        let rooms = Rooms {
            queryable: Arc::clone(&store) as _,
            engine,
            scrapes,
            rules,
            notifier,
            operator: Arc::clone(&program) as _,
            registry,
            queries: Arc::new(tokio::sync::Semaphore::new(args.queries_max.max(1))),
        };
        Ok(Self {
            rooms,
            store,
            program,
            metrics,
        })
    }

    /// Retention and the log's checkpoint, away from the threads that answer.
    fn maintain(&self) {
        let store = Arc::clone(&self.store);
        tokio::task::spawn_blocking(move || store.maintain(Timestamp::now()));
    }

    /// Stops in the order in which samples flow, so that nothing is written to a part that is gone.
    async fn stop(&self) {
        self.rooms.scrapes.shutdown(STOP_LIMIT).await;
        self.rooms.rules.shutdown().await;
        self.rooms.notifier.shutdown().await;
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!("the store could not be closed cleanly: {error}"),
            Err(error) => tracing::error!("closing the store failed: {error}"),
        }
    }
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
