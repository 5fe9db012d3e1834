//! The same questions to a real Prometheus over the same samples and files, where one is installed.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::bench::{ALERTING, BEGIN, EXTERNAL_HOST, PROMETHEUS, RULES, SAMPLES, SERIES};
use super::cases;

/// How long it may take to start, and its rules to be evaluated.
const PATIENCE: Duration = Duration::from_secs(60);

fn installed(program: &str) -> Option<PathBuf> {
    let peers = std::env::var_os("HOME").map(|home| {
        PathBuf::from(home)
            .join(".cache/peers/root/usr/bin")
            .join(program)
    });
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join(program));
    peers.into_iter().chain(on_path).find(|file| file.is_file())
}

/// The samples as a page of OpenMetrics.
fn page() -> String {
    let mut page = String::new();
    for (labels, first, step) in SERIES {
        let name = labels[0].1;
        let labels: Vec<String> = labels[1..]
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        for index in 0..SAMPLES {
            let (value, time) = (
                first + f64::from(index) * step,
                BEGIN + i64::from(index) * 15,
            );
            writeln!(page, "{name}{{{}}} {value} {time}", labels.join(",")).unwrap();
        }
    }
    page + "# EOF\n"
}

struct Prometheus {
    process: Child,
    port: u16,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(program: &Path, promtool: &Path, folder: &Path) -> Self {
        for (file, text) in [
            ("prometheus.yml", format!("{PROMETHEUS}{ALERTING}").as_str()),
            ("rules.yml", RULES),
            ("page", &page()),
        ] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let made = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics", "page", "data"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Command::new(program)
            .current_dir(folder)
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--storage.tsdb.retention.time=100y",
            ])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--web.external-url=http://{EXTERNAL_HOST}:9090/"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            process,
            port,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Status and body; `None` when nobody answers.
    async fn ask(&self, ask: &str) -> Option<(u16, String)> {
        let mut words = ask.splitn(3, ' ');
        let (method, path) = (words.next()?, words.next()?);
        let form = words.next().unwrap_or_default().to_owned();
        // What a URL does not take as it is.
        let path: String = path
            .chars()
            .map(|c| match c {
                '{' => "%7B".to_owned(),
                '}' => "%7D".to_owned(),
                '[' => "%5B".to_owned(),
                ']' => "%5D".to_owned(),
                other => other.to_string(),
            })
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form)));
        let answer = self.client.request(request.ok()?).await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    async fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let alerts = self.ask("GET /api/v1/alerts").await;
            let targets = self.ask("GET /api/v1/targets").await;
            let has = |answer: Option<(u16, String)>, word| {
                answer.is_some_and(|(_, body)| body.contains(word))
            };
            if has(alerts, "firing") && has(targets, "127.0.0.1:2") {
                return;
            }
            assert!(Instant::now() < deadline, "Prometheus does not start");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn prometheus_answers_the_same() {
    let (Some(program), Some(promtool)) = (installed("prometheus"), installed("promtool")) else {
        eprintln!("skipped: prometheus and promtool are not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, &promtool, folder.path());
    prometheus.wait().await;
    let mut differences = Vec::new();
    for case in cases::all() {
        let (status, body) = prometheus.ask(&case.ask()).await.unwrap();
        let body = serde_json::from_str(&body)
            .unwrap_or_else(|error| panic!("{}: {error}: {body}", case.ask));
        differences.extend(case.difference(status, &body));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}
