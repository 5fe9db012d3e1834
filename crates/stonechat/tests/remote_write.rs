//! Real senders write to the server: Prometheus and vmagent, where they are installed.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Server, folder, target, write};

const CONFIG: &str = "global: {scrape_interval: 1m}\n";

/// What both senders scrape.
const PAGE: &str =
    "# HELP sent_total How many.\n# TYPE sent_total counter\nsent_total{path=\"/\u{e4}\"} 7\n";

fn installed(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let peers = home.map(|home| home.join(".cache/peers/root/usr/bin").join(program));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join(program));
    let found = peers.into_iter().chain(on_path).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: there is no {program} on the path");
    }
    found
}

/// Ends with the test.
struct Sender(Child);

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start(command: &mut Command) -> Sender {
    Sender(
        command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap(),
    )
}

fn receiving(folder: &Path) -> Server {
    write(&folder.join("prometheus.yml"), CONFIG);
    let server = Server::begin(folder, &["--web.enable-remote-write-receiver"]);
    server.wait_until("ready", |server| server.get("/-/ready").0 == 200);
    server
}

#[test]
fn prometheus_writes_to_us() {
    let Some(program) = installed("prometheus") else {
        return;
    };
    let folder = folder(&[]);
    let server = receiving(folder.path());
    let app = target(|| PAGE.to_owned());
    let config = format!(
        "global: {{scrape_interval: 200ms, external_labels: {{site: a}}}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{app}']}}]}}]\n\
         remote_write: [{{url: 'http://{}/api/v1/write', queue_config: {{batch_send_deadline: 200ms}}}}]\n",
        server.address
    );
    let file = folder.path().join("sender.yml");
    write(&file, &config);
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("sender").display()
        ))
        .args(["--web.listen-address=127.0.0.1:0", "--log.level=warn"]);
    let _sender = start(&mut command);
    server.wait_until("samples arrive", |server| {
        server.query("sent_total{job='app',site='a',path='/\u{e4}'}") == Some(7.0)
    });
    server.wait_until("they go on", |server| {
        server.query("count_over_time(sent_total[1h])") > Some(5.0)
    });
    assert_eq!(
        server
            .metric("stonechat_remote_write_series_known")
            .map(|known| known > 5.0),
        Some(true)
    );
}

#[test]
fn vmagent_writes_to_us() {
    let Some(program) = installed("vmagent") else {
        return;
    };
    let folder = folder(&[]);
    let server = receiving(folder.path());
    let app = target(|| PAGE.to_owned());
    let file = folder.path().join("vmagent.yml");
    let config = format!(
        "scrape_configs: [{{job_name: app, scrape_interval: 1s, static_configs: [{{targets: ['{app}']}}]}}]\n"
    );
    write(&file, &config);
    let mut command = Command::new(program);
    command
        .arg(format!("-promscrape.config={}", file.display()))
        .arg(format!(
            "-remoteWrite.url=http://{}/api/v1/write",
            server.address
        ))
        .arg(format!(
            "-remoteWrite.tmpDataPath={}",
            folder.path().join("vmagent").display()
        ))
        .args(["-httpListenAddr=127.0.0.1:0", "-loggerLevel=WARN"]);
    let _sender = start(&mut command);
    server.wait_until("samples arrive", |server| {
        server.query("sent_total{job='app',path='/\u{e4}'}") == Some(7.0)
    });
    server.wait_until("they go on", |server| {
        server.query("count_over_time(sent_total[1h])") > Some(2.0)
    });
}
