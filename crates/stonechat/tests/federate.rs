//! A Prometheus scrapes what we scraped, where one is installed.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use support::{PATIENCE, Server, folder, request, target, write};

fn installed(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let peers = home.map(|home| home.join(".cache/peers/root/usr/bin").join(program));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&search).map(|folder| folder.join(program));
    peers.into_iter().chain(on_path).find(|file| file.is_file())
}

struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn prometheus_federates_from_us() {
    let Some(program) = installed("prometheus") else {
        eprintln!("skipped: there is no prometheus on the path");
        return;
    };
    let app = target(|| "sent_total{path=\"/ä\"} 7\n".to_owned());
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {{site: a}}}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{app}']}}]}}]\n"
    );
    let folder = folder(&[("prometheus.yml", &config)]);
    let server = Server::start(folder.path());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config = format!(
        "scrape_configs: [{{job_name: f, honor_labels: true, scrape_interval: 200ms, scrape_timeout: 200ms, metrics_path: /federate, \
         params: {{'match[]': ['{{job=\"app\"}}']}}, static_configs: [{{targets: ['{}']}}]}}]\n",
        server.address
    );
    let file = folder.path().join("peer.yml");
    write(&file, &config);
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("peer").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .arg("--log.level=warn");
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let _peer = Peer(command.spawn().unwrap());
    let deadline = std::time::Instant::now() + PATIENCE;
    let query = "/api/v1/query?query=sent_total%7Bjob%3D%22app%22%2Csite%3D%22a%22%2Cpath%3D%22/%C3%A4%22%7D";
    loop {
        let answer = std::net::TcpStream::connect(address)
            .ok()
            .map(|_| request(address, "GET", query).1);
        if answer
            .as_deref()
            .is_some_and(|answer| answer.contains("\"7\""))
        {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{answer:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
