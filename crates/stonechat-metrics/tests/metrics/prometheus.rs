//! The real Prometheus scrapes the admin server and answers what was observed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stonechat_metrics::{Registry, TraceId, serve_admin};

use super::{get_blocking, peer};

const STARTED_WITHIN: Duration = Duration::from_secs(20);
const SCRAPED_WITHIN: Duration = Duration::from_secs(20);

/// Is stopped however the test ends.
struct Prometheus {
    child: Child,
    address: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// Starts it on a free port, which it names in its log.
    fn start(program: &Path, folder: &Path, target: &str) -> Self {
        let config = folder.join("prometheus.yml");
        let text = format!(
            "scrape_configs: [{{job_name: service, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{{targets: ['{target}']}}]}}]"
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .arg("--enable-feature=native-histograms,exemplar-storage")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = child.stderr.take().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        // Read to its end, so that it never waits for a reader.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut started = Self {
            child,
            address: String::new(),
        };
        while started.address.is_empty() {
            let line = receiver
                .recv_timeout(STARTED_WITHIN)
                .expect("it starts and says where it listens");
            if let Some((_, address)) = line.split_once("msg=\"Listening on\"")
                && let Some((_, address)) = address.split_once("address=")
            {
                started.address = address.trim().to_owned();
            }
        }
        started
    }

    /// The answer to a query, once it has the text.
    fn until(&self, path: &str, wanted: &str) -> String {
        let start = Instant::now();
        loop {
            let answer = get_blocking(&self.address, path).unwrap_or_default();
            if answer.contains(wanted) {
                return answer;
            }
            assert!(start.elapsed() < SCRAPED_WITHIN, "no {wanted} in {answer}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_native_histograms_and_exemplars() {
    let Some(program) = peer("prometheus") else {
        return;
    };
    let registry = Registry::builder()
        .trace_ids(|| Some(TraceId(0xfeed)))
        .build()
        .unwrap();
    let wait = registry.histogram("wait_seconds", "Waiting.");
    let wait = wait.unit("seconds").buckets([1.0, 2.0]).native(100);
    let wait = wait.labels(["kind"]).register().unwrap();
    for value in [0.0, 0.5, 1.0, 2.0, 1000.0] {
        wait.observe(["a \"b\"\n"], value);
    }
    let admin = serve_admin("127.0.0.1:0", registry).await.unwrap();
    let target = admin.local_addr().to_string();

    let checked = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let prometheus = Prometheus::start(&program, folder.path(), &target);
        // Native: no `_count` series, but a count inside the sample.
        prometheus.until(
            "/api/v1/query?query=histogram_count(wait_seconds)",
            r#","5"]"#,
        );
        prometheus.until(
            "/api/v1/query?query=histogram_sum(wait_seconds)",
            r#","1003.5"]"#,
        );
        prometheus.until(
            "/api/v1/query?query=histogram_fraction(0,1,wait_seconds)",
            r#","0.6"]"#,
        );
        prometheus.until(
            "/api/v1/query?query=count(process_resident_memory_bytes)",
            r#","1"]"#,
        );
        let exemplars = "/api/v1/query_exemplars?query=wait_seconds&start=0&end=9999999999";
        let exemplars = prometheus.until(exemplars, "1000");
        assert!(
            exemplars.contains(&TraceId(0xfeed).to_string()),
            "{exemplars}"
        );
    });
    checked.await.unwrap();
    admin.shutdown().await;
}
