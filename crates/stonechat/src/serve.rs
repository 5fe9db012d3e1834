//! `stonechat serve`: wires the rooms, runs them, and stops them in the order in which samples flow.

use std::net::SocketAddr;
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
use stonechat_tsdb::{Store, StoreOptions};
use stonechat_web::Rooms;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
    let server = tokio::select! {
        server = Server::start(&args, source, configuration) => server?,
        // A long log may be read back meanwhile; nothing has been taken yet that could be lost.
        () = stop.wait() => return Ok(()),
    };
    let http = Http::start(listener, server.rooms.clone())?;
    let outcome = server.run(&mut stop, http.ended.clone()).await;
    tracing::info!("stopping");
    server.program.set_ready(false);
    tokio::join!(server.stop(), http.stop());
    outcome
}

/// The HTTP server, in a task of its own.
struct Http {
    stopping: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Http {
    fn start(listener: TcpListener, rooms: Rooms) -> Result<Self> {
        let address = listener.local_addr()?;
        let router = stonechat_web::router(rooms)?;
        let (stopping, mut stop) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Fails only when the sender is gone, which means the same.
            let _ = stop.wait_for(|stopping| *stopping).await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!("the HTTP server failed: {error}");
            }
            end.send_replace(true);
        });
        tracing::info!("listening on http://{address}/");
        Ok(Self {
            stopping,
            ended,
            task,
        })
    }

    /// Takes no new connection, and lets those that are open finish what they do.
    async fn stop(self) {
        self.stopping.send_replace(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(STOP_LIMIT, self.task).await.is_err() {
            tracing::warn!(
                "connections were still open after {} s and are closed",
                STOP_LIMIT.as_secs()
            );
            abort.abort();
        }
    }
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
            subquery_step: configuration.evaluation_interval,
            ..EngineOptions::default()
        });
        let notifier = Notifier::new(
            configuration.notify.clone(),
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
        program
            .apply(configuration)
            .map_err(|problem| anyhow::anyhow!(Problems::from(problem)))?;
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

    /// Runs until it should stop.
    async fn run(
        &self,
        stop: &mut signals::Stop,
        mut http_ended: watch::Receiver<bool>,
    ) -> Result<()> {
        let mut hangup = signals::reload()?;
        let maintenance = tokio::spawn(maintain(Arc::clone(&self.store)));
        let mut counting = tokio::time::interval(METRICS_INTERVAL);
        let outcome = loop {
            tokio::select! {
                () = stop.wait() => break Ok(()),
                Some(()) = hangup.recv() => {
                    // Beside this loop: a reload that hangs must not keep the program from stopping. The outcome is
                    // in the log, in a metric and on the page.
                    let program = Arc::clone(&self.program);
                    tokio::spawn(async move { program.read_again().await });
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
        self.rooms.scrapes.shutdown(STOP_LIMIT).await;
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
