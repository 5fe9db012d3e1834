//! A reload takes the new configuration whole or not at all.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use support::{Server, folder, target, write};

fn prometheus(targets: &str) -> String {
    format!(
        "global: {{scrape_interval: 200ms, scrape_timeout: 150ms}}\nscrape_configs:\n  - job_name: app\n    static_configs: [{{targets: [{targets}]}}]\n"
    )
}

fn active_targets(server: &Server) -> usize {
    server.data("/api/v1/targets")["activeTargets"]
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn a_bad_configuration_is_refused_and_the_old_one_goes_on() {
    let app = target(|| "requests_total 1\n".to_owned());
    let folder = folder(&[("prometheus.yml", &prometheus(&format!("'{app}'")))]);
    let file = folder.path().join("prometheus.yml");
    let server = Server::start(folder.path());
    server.wait_until("the target is up", |server| server.query("up") == Some(1.0));
    assert_eq!(
        server.metric("stonechat_config_last_reload_successful"),
        Some(1.0)
    );

    write(&file, "scrape_configs: nonsense\n");
    let (status, body) = server.post("/-/reload");
    assert_eq!(status, 500);
    assert!(body.contains("prometheus.yml:1:17"), "{body}");
    assert_eq!(
        server.metric("stonechat_config_last_reload_successful"),
        Some(0.0)
    );
    let config = server.data("/api/stonechat/v1/status")["config"].clone();
    assert_eq!(config["last_reload_successful"], false);
    assert!(
        config["error"]
            .as_str()
            .unwrap()
            .contains("prometheus.yml:1:17")
    );
    // What ran still runs: new samples keep coming.
    let scrapes = "count_over_time(up[1h])";
    let before = server.query(scrapes).unwrap();
    server.wait_until("scraping goes on", |server| {
        server.query(scrapes).unwrap() > before + 2.0
    });
    assert_eq!(active_targets(&server), 1);

    let other = target(|| "requests_total 2\n".to_owned());
    write(&file, &prometheus(&format!("'{app}', '{other}'")));
    server.signal("HUP");
    server.wait_until("the new target is there", |server| {
        active_targets(server) == 2
    });
    server.wait_until("the metric says so", |server| {
        server.metric("stonechat_config_last_reload_successful") == Some(1.0)
    });
    server.wait_until("it is scraped", |server| {
        server.query("sum(up)") == Some(2.0)
    });
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn samples_survive_a_kill() {
    let app = target(|| "requests_total 1\n".to_owned());
    let folder = folder(&[("prometheus.yml", &prometheus(&format!("'{app}'")))]);
    let server = Server::start(folder.path());
    let scrapes = "count_over_time(requests_total[1h])";
    server.wait_until("five scrapes", |server| server.query(scrapes) >= Some(5.0));
    let before = server.query(scrapes).unwrap();
    let server = server.crash_and_restart();
    assert!(server.query(scrapes) >= Some(before), "samples were lost");
}
