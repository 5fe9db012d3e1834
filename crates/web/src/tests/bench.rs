//! Rooms with known content, and how they are asked.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde_json::Value;
use stonechat_metrics::Registry;
use stonechat_model::{Appender, Batch, Labels, Matcher, Problem, TimeRange, Timestamp, yaml};
use stonechat_notify::{Config, Notifier, NotifierOptions};
use stonechat_promql::{Engine, EngineOptions};
use stonechat_remote::{Receiver, ReceiverLimits, RemoteMetrics};
use stonechat_rules::config::GroupDefaults;
use stonechat_rules::{RuleManager, RuleOptions};
use stonechat_scrape::config::{GlobalConfig, JobConfig, resolve};
use stonechat_scrape::{ExternalUrl, ScrapeManager, ScrapeMetrics, ScrapeOptions};
use stonechat_sql::{SqlManager, SqlMetrics};
use stonechat_tsdb::{Store, StoreOptions};
use tower::ServiceExt;

use crate::{Dashboard, Intake, Operator, Reloaded, Rooms, Status};

/// The time of the first samples, in seconds.
pub(super) const BEGIN: i64 = 1_700_000_000;

/// A series with one sample every 15 seconds: labels, the first value, and how much is added each time.
type Rising = (&'static [(&'static str, &'static str)], f64, f64);

/// All series but those of the rules.
pub(super) const SERIES: [Rising; 3] = [
    (&[("__name__", "up"), ("job", "chat")], 1.0, 0.0),
    (
        &[("__name__", "sent_total"), ("job", "chat"), ("path", "/")],
        0.0,
        30.0,
    ),
    (
        &[("__name__", "sent_total"), ("job", "chat"), ("path", "/a")],
        0.0,
        1.5,
    ),
];

/// Samples of each series.
pub(super) const SAMPLES: u16 = 21;

/// What Prometheus gets as its configuration too. No target is scraped within a test.
pub(super) const PROMETHEUS: &str = "global: {scrape_interval: 1d, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: chat
    static_configs: [{targets: ['127.0.0.1:1'], labels: {site: a}}]
  - job_name: dropping
    relabel_configs: [{action: drop}]
    static_configs: [{targets: ['127.0.0.1:2']}]
";

/// Prometheus' other Alertmanager, which is ours too.
pub(super) const ALERTING: &str =
    "alerting: {alertmanagers: [{path_prefix: /am, static_configs: [{targets: ['127.0.0.1:9']}]}]}
";

/// The rules of both.
pub(super) const RULES: &str = r#"groups:
  - name: first
    rules:
      - {record: "r:one", expr: vector(1)}
      - alert: Always
        expr: vector(1.5) > 1
        labels: {severity: page}
        annotations: {summary: "{{ $value }}"}
  - name: second
    interval: 1m
    limit: 5
    rules:
      - {alert: Never, expr: vector(1) > 1, for: 2m, keep_firing_for: 1m}
"#;

/// How others reach both.
pub(super) const EXTERNAL_HOST: &str = "stonechat.example";

/// The server under test.
pub(super) struct Bench {
    pub(super) rooms: Rooms,
    pub(super) router: Router,
    pub(super) program: Arc<Program>,
    pub(super) registry: Registry,
    _folder: tempfile::TempDir,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Bench {
    /// Rooms in a temporary folder. Has to be made inside of a runtime.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::bare();
        let program = Arc::new(Program::default());
        let rooms = rooms(folder.path(), &registry, &program);
        let bench = Self {
            router: crate::router(rooms.clone()).unwrap(),
            rooms,
            program,
            registry,
            _folder: folder,
        };
        let evaluated = || {
            let groups = bench.rooms.rules.groups();
            groups[0]
                .rules
                .iter()
                .all(|rule| rule.last_evaluation.is_some())
        };
        while !evaluated() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bench
    }

    /// Asks `METHOD PATH [FORM]`, with more headers.
    pub(super) async fn ask_with(&self, ask: &str, headers: &[(&str, &str)]) -> Answer {
        let mut words = ask.splitn(3, ' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut request = Request::builder().method(method).uri(path);
        let form = words.next();
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.unwrap_or_default().to_owned()));
        let answer = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        Answer::read(answer).await
    }

    pub(super) async fn ask(&self, ask: &str) -> Answer {
        self.ask_with(ask, &[]).await
    }
}

impl Answer {
    pub(super) async fn read(answer: axum::response::Response) -> Self {
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

fn rooms(folder: &Path, registry: &Registry, program: &Arc<Program>) -> Rooms {
    let store = Arc::new(Store::open(StoreOptions::new(folder.join("tsdb"))).unwrap());
    fill(&store);
    let engine = Engine::new(EngineOptions::default());
    let options = NotifierOptions::new(folder, format!("http://{EXTERNAL_HOST}:9090"));
    let notifier = Notifier::new(Config::silent(), options).unwrap();
    let scrapes = ScrapeManager::new(
        Arc::clone(&store) as _,
        ScrapeMetrics::register(registry).unwrap(),
        ScrapeOptions {
            external: Some(ExternalUrl {
                scheme: "http".to_owned(),
                host: EXTERNAL_HOST.to_owned(),
                port: Some(9090),
                listen_port: 9090,
            }),
            ..ScrapeOptions::default()
        },
    );
    scrapes.apply(jobs().unwrap());
    let sql = SqlManager::new(
        Arc::clone(&store) as _,
        Box::new(stonechat_sql::source::open),
        SqlMetrics::register(registry).unwrap(),
    );
    let rules = RuleManager::new(
        Arc::clone(&store) as _,
        Arc::clone(&store) as _,
        engine.clone(),
        Arc::new(notifier.clone()),
        RuleOptions::default(),
    )
    .unwrap();
    let defaults = GroupDefaults {
        interval: Duration::from_millis(200),
        ..GroupDefaults::default()
    };
    let groups = stonechat_rules::config::parse(Path::new("rules.yml"), RULES, defaults);
    rules.apply(groups.unwrap(), Labels::default());
    Rooms {
        queryable: Arc::clone(&store) as _,
        engine,
        scrapes: Arc::new(scrapes),
        sql: Arc::new(sql),
        rules,
        notifier,
        operator: Arc::clone(program) as _,
        registry: registry.clone(),
        queries: Arc::new(tokio::sync::Semaphore::new(2)),
        intake: Some(intake(&store, registry)),
    }
}

/// The longest body of remote write.
pub(super) const BODY_BYTES_MAX: usize = 10_000;

fn intake(store: &Arc<Store>, registry: &Registry) -> Intake {
    let limits = ReceiverLimits {
        body_bytes_max: BODY_BYTES_MAX,
        ..ReceiverLimits::default()
    };
    let metrics = RemoteMetrics::register(registry).unwrap();
    Intake::new(Arc::new(Receiver::new(
        Arc::clone(store) as _,
        metrics,
        limits,
    )))
}

fn fill(store: &Store) {
    for (labels, first, step) in SERIES {
        let labels = Labels::from_pairs(labels.iter().copied()).unwrap();
        let series = Appender::series(store, &labels).unwrap();
        for index in 0..SAMPLES {
            let seconds = BEGIN + i64::from(index) * 15;
            let mut batch = Batch::at(Timestamp::from_millis(seconds * 1000));
            batch.values.push((series, first + f64::from(index) * step));
            assert_eq!(store.append(&batch).unwrap().accepted, 1);
        }
    }
}

fn jobs() -> Result<Vec<stonechat_scrape::Job>, stonechat_model::Problems> {
    #[derive(serde::Deserialize)]
    struct File {
        global: GlobalConfig,
        scrape_configs: Vec<JobConfig>,
        #[serde(rename = "rule_files")]
        _rule_files: Vec<String>,
    }
    let file = Path::new("prometheus.yml");
    let parsed: Result<File, Problem> = yaml::parse(file, PROMETHEUS);
    let parsed = parsed?;
    resolve(file, PROMETHEUS, &parsed.global, &parsed.scrape_configs)
}

/// The program as the tests want it to be.
#[derive(Default)]
pub(super) struct Program {
    /// Why it is not ready.
    pub(super) unready: Mutex<Option<&'static str>>,
    /// Why the configuration is refused.
    pub(super) config_error: Mutex<Option<String>>,
    /// What was to be deleted.
    pub(super) deleted: Mutex<Vec<String>>,
}

impl Operator for Program {
    fn status(&self) -> Status {
        Status {
            version: "0.1.0",
            started_at: Timestamp::from_millis(BEGIN * 1000),
            config_source: "monitoring".to_owned(),
            config_read_at: Timestamp::from_millis(BEGIN * 1000 + 1500),
            config_error: self.config_error.lock().clone(),
            series: 3,
            samples: 63,
            write_failure: None,
            history: 1.0,
            damages: 0,
            retention: Duration::from_hours(15 * 24),
            host_name: "machine".to_owned(),
            working_directory: "/srv".to_owned(),
            flags: BTreeMap::from([("query.timeout", "2m".to_owned())]),
            dashboards: vec![Dashboard {
                file: "chat.json".to_owned(),
                title: "Chat".to_owned(),
                uid: None,
                panels: 3,
            }],
        }
    }

    fn unready(&self) -> Option<&'static str> {
        *self.unready.lock()
    }

    fn reload(self: Arc<Self>) -> Reloaded {
        let error = self.config_error.lock().clone();
        Box::pin(async move { error.map_or(Ok(()), Err) })
    }

    fn flush(&self) -> Result<(), String> {
        self.config_error.lock().clone().map_or(Ok(()), Err)
    }

    fn external_labels(&self) -> Labels {
        Labels::from_pairs([("site", "a")]).unwrap()
    }

    fn alertmanagers(&self) -> Vec<String> {
        vec!["http://127.0.0.1:9/am/api/v2/alerts".to_owned()]
    }

    fn allows_admin(&self) -> bool {
        self.unready.lock().is_none()
    }

    fn snapshot(&self) -> Result<String, String> {
        let error = self.config_error.lock().clone();
        error.map_or(Ok("20231114T221320Z-1".to_owned()), Err)
    }

    fn delete(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> Result<(), String> {
        let asked = format!("{matcher_sets:?} {range:?}");
        self.deleted.lock().push(asked);
        self.config_error.lock().clone().map_or(Ok(()), Err)
    }

    fn clean_tombstones(&self) -> Result<(), String> {
        self.config_error.lock().clone().map_or(Ok(()), Err)
    }
}
