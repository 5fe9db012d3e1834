//! A Prometheus scrapes what we scraped, where one is installed.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use support::prometheus::Prometheus;
use support::{Server, folder, target};

#[test]
fn prometheus_federates_from_us() {
    let app = target(|| "sent_total{path=\"/ä\"} 7\n".to_owned());
    let config = format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: {{site: a}}}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{app}']}}]}}]\n"
    );
    let folder = folder(&[("prometheus.yml", &config)]);
    let server = Server::start(folder.path());
    let config = format!(
        "scrape_configs: [{{job_name: f, honor_labels: true, scrape_interval: 200ms, scrape_timeout: 200ms, metrics_path: /federate, \
         params: {{'match[]': ['{{job=\"app\"}}']}}, static_configs: [{{targets: ['{}']}}]}}]\n",
        server.address
    );
    let Some(peer) = Prometheus::start(folder.path(), &config) else {
        return;
    };
    peer.wait_for("sent_total{job=\"app\",site=\"a\",path=\"/ä\"}", "\"7\"");
}
