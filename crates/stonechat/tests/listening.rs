//! From the first connection to the last: where the server listens, when it is ready, and by which names it goes.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use support::{PATIENCE, Server, folder, program, target};

const PROMETHEUS: &str = "global: {scrape_interval: 200ms, scrape_timeout: 150ms}\nscrape_configs:\n  - job_name: app\n    static_configs: [{targets: ['ADDRESS']}]\n";

/// Status and body of a GET under a name.
fn get_as(address: SocketAddr, host: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[test]
fn it_answers_while_the_log_is_read_back() {
    let app = target(|| "requests_total 1\n".to_owned());
    let prometheus = PROMETHEUS.replace("ADDRESS", &app.to_string());
    let folder = folder(&[("prometheus.yml", &prometheus)]);
    let server = Server::start(folder.path());
    let scrapes = "count_over_time(requests_total[1h])";
    server.wait_until("three scrapes", |server| server.query(scrapes) >= Some(3.0));
    let before = server.query(scrapes).unwrap();
    assert_eq!(server.stop(), Some(0));

    // A segment that is a pipe: it cannot be opened before somebody else opens it too.
    let log = folder.path().join("data/tsdb/wal");
    let mut segments: Vec<_> = std::fs::read_dir(&log)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    segments.sort();
    let last = segments.last().unwrap();
    let number: u32 = last.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let width = last.file_stem().unwrap().len();
    let mut pipe = log.join(format!("{:0width$}", number + 1));
    if let Some(extension) = last.extension() {
        pipe.set_extension(extension);
    }
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );

    let server = Server::begin(folder.path(), &[]);
    assert_eq!(server.get("/-/healthy").0, 200);
    let (status, body) = server.get("/-/ready");
    assert_eq!(
        (status, body.contains("reads its log back")),
        (503, true),
        "{body}"
    );
    let (status, body) = server.get("/api/v1/query?query=up");
    assert_eq!(
        (status, body.contains(r#""errorType":"unavailable""#)),
        (503, true),
        "{body}"
    );
    assert_eq!(server.get("/metrics").0, 200);
    // A signal that comes too early is taken up later.
    server.signal("HUP");
    server.wait_until("ready", |server| {
        // Whoever waits for this pipe goes on, and finds nothing in it.
        let mut both = OpenOptions::new();
        drop(both.read(true).write(true).open(&pipe));
        server.get("/-/ready").0 == 200
    });
    assert!(server.query(scrapes) >= Some(before), "samples were lost");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn on_loopback_it_goes_by_its_own_names_only() {
    let folder = folder(&[("prometheus.yml", "scrape_configs: []\n")]);
    let arguments = [
        "--accept-host",
        "monitor.lan",
        "--external-url",
        "https://m.example/",
    ];
    let server = Server::begin(folder.path(), &arguments);
    server.wait_until("ready", |server| server.get("/-/ready").0 == 200);
    for (host, status) in [
        ("localhost:9090", 200),
        ("monitor.lan", 200),
        ("m.example", 200),
        ("[::1]:1", 200),
        ("evil.example", 403),
    ] {
        for path in ["/api/v1/query?query=1", "/metrics", "/-/ready"] {
            assert_eq!(get_as(server.address, host, path).0, status, "{host}{path}");
        }
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn on_every_address_it_goes_by_any_name_and_tells_others_the_machines() {
    let app = target(|| "requests_total 1\n".to_owned());
    let prometheus = PROMETHEUS.replace("ADDRESS", &app.to_string());
    let folder = folder(&[("prometheus.yml", &prometheus)]);
    let server = Server::begin(folder.path(), &["--listen", ":0"]);
    server.wait_until("ready", |server| server.get("/-/ready").0 == 200);
    assert_eq!(
        get_as(server.address, "machine.lan:9090", "/api/v1/query?query=1").0,
        200
    );
    let machine = Command::new("uname").arg("-n").output().unwrap().stdout;
    let machine = String::from_utf8(machine).unwrap();
    let flags = server.data("/api/v1/status/flags");
    let url = format!("http://{}:{}", machine.trim(), server.address.port());
    assert_eq!(flags["web.external-url"], url);
    let target = server.data("/api/v1/targets")["activeTargets"][0].clone();
    assert_eq!(target["scrapeUrl"], format!("http://{app}/metrics"));
    let reachable = format!("http://{}:{}/metrics", machine.trim(), app.port());
    assert_eq!(target["globalUrl"], reachable);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_bad_address_or_url_is_refused_with_what_would_be_right() {
    for (arguments, said) in [
        (
            ["--listen", "9090"],
            "write host:port, for example 127.0.0.1:9090",
        ),
        (["--listen", "http://127.0.0.1:1"], "an address is no URL"),
        (
            ["--external-url", "monitor:9090"],
            "write for example https://monitor.example/",
        ),
    ] {
        let output = program().arg("serve").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(said), "{text}");
        assert_eq!(output.status.code(), Some(2));
    }
}
