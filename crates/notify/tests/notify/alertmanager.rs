//! The same alerts to the real Alertmanager and to us: the messages have to be the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use stonechat_model::{Alert, AlertSink as _, Labels, Timestamp};
use stonechat_notify::Notifier;

use crate::receiver::{Answer, Receiver};
use crate::setup::{options, parse, wait_for};

/// Kills the program when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the program lies, if it is at hand.
fn programs() -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    let cache = std::env::var_os("PEERS_DIR")
        .map_or_else(|| Path::new(&home).join(".cache/peers"), PathBuf::from);
    let programs = cache.join("root/usr/bin");
    programs
        .join("prometheus-alertmanager")
        .is_file()
        .then_some(programs)
}

/// Starts Alertmanager. Debian's build reads a template below /usr/share; where that is not installed, a mount
/// namespace shows it the unpacked one.
fn start(programs: &Path, folder: &Path, port: u16) -> Option<Running> {
    let script = r#"if [ -e /usr/share/prometheus/alertmanager/default.tmpl ]; then exec "$0" "$@"; fi
        exec unshare -rm sh -c 'mount --bind "$(dirname "$0")/../share" /usr/share && exec "$0" "$@"' "$0" "$@""#;
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(programs.join("prometheus-alertmanager"))
        .arg(format!("--config.file={}", folder.join("am.yml").display()))
        .arg(format!("--storage.path={}", folder.join("am").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args([
            "--cluster.listen-address=",
            "--web.external-url=http://stonechat.example",
        ])
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    Some(Running(child))
}

fn config(receiver: &Receiver) -> String {
    format!(
        r#"
global: {{resolve_timeout: 5m}}
route:
  receiver: 'team.a'
  group_by: [alertname, 'größe']
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 5s
  routes:
  - matchers: ['sev=~"crit|war\"n"', '"my label"="x"']
    match: {{zone: 'a\b'}}
    receiver: two
    continue: true
  - matchers: ['sev=~".+"']
    receiver: three
    group_by: ['...']
receivers:
- {{name: 'team.a', webhook_configs: [{{url: '{0}/a'}}]}}
- {{name: two, webhook_configs: [{{url: '{0}/two', max_alerts: 2}}]}}
- {{name: three, webhook_configs: [{{url: '{0}/three', send_resolved: false}}]}}
inhibit_rules:
- {{source_matchers: [alertname=Down], target_matchers: ['alertname=~"Slow|Lost"'], equal: [dc]}}
"#,
        receiver.url("")
    )
}

/// Labels of the alerts; the first ones end after a while.
const ALERTS: [&[(&str, &str)]; 9] = [
    &[
        ("alertname", "A"),
        ("x", "<1>&"),
        ("größe", "ü\u{1}\u{200b}東"),
    ],
    &[("alertname", "Down"), ("dc", "1")],
    &[
        ("alertname", "q\"\n"),
        ("sev", "crit"),
        ("my label", "x"),
        ("zone", "a\\b"),
    ],
    &[
        ("alertname", "q\"\n"),
        ("sev", "crit"),
        ("my label", "x"),
        ("zone", "a\\b"),
        ("i", "2"),
    ],
    &[
        ("alertname", "A"),
        ("x", "2"),
        ("job", "j"),
        ("größe", "ü\u{1}\u{200b}東"),
    ],
    &[
        ("alertname", "q\"\n"),
        ("sev", "crit"),
        ("my label", "x"),
        ("zone", "a\\b"),
        ("i", "3"),
    ],
    &[("alertname", "Slow"), ("dc", "1")],
    &[
        ("alertname", "Slow"),
        ("dc", "2"),
        ("instance", "z"),
        ("job", "a"),
    ],
    &[("alertname", "Lost"), ("sev", "info")],
];
const ENDING: usize = 3;

/// The messages in the order of each group, without repetitions of the same.
fn messages(receiver: &Receiver) -> BTreeMap<String, Vec<Value>> {
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for request in receiver.so_far() {
        let path = request.head.split(' ').nth(1).unwrap_or_default();
        let key = format!("{path} {}", request.body["groupKey"]);
        groups.entry(key).or_default().push(request.body);
    }
    groups
}

#[tokio::test]
async fn messages_are_those_of_alertmanager() {
    let Some(programs) = programs() else {
        eprintln!("skipped: no Alertmanager in ~/.cache/peers (see PEERS_DIR)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let theirs = Receiver::start(&[Answer::Status("200 OK")]).await;
    let ours = Receiver::start(&[Answer::Status("200 OK")]).await;
    std::fs::write(folder.path().join("am.yml"), config(&theirs)).unwrap();
    let port = free_port();
    let Some(_running) = start(&programs, folder.path(), port) else {
        eprintln!("skipped: Alertmanager does not start");
        return;
    };
    let notifier = Notifier::new(parse(&config(&ours)), options(folder.path())).unwrap();
    let api = format!("http://127.0.0.1:{port}/api/v2/alerts");
    let client = reqwest::Client::new();
    if !is_ready(&client, port).await {
        eprintln!("skipped: Alertmanager does not become ready (no mount namespaces?)");
        return;
    }

    // Fixed and not in the past, so that both wait for the whole group.
    let starts_at = Timestamp::now();
    let both = async |alerts: &[&[(&str, &str)]], over: bool| {
        let ends_at = over.then(|| starts_at.plus(Duration::from_millis(1500)));
        let posted: Vec<Value> = alerts
            .iter()
            .map(|l| posted(l, starts_at, ends_at))
            .collect();
        let ends_at = ends_at.unwrap_or(starts_at.plus(Duration::from_secs(300)));
        notifier.put(
            alerts
                .iter()
                .map(|l| alert(l, starts_at, ends_at))
                .collect(),
        );
        let response = client.post(&api).json(&posted).send().await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
    };
    both(&ALERTS, false).await;
    wait_for_groups(&[&theirs, &ours], "first").await;
    // Behind the end that is told, and within the first interval.
    tokio::time::sleep(Duration::from_millis(700)).await;
    both(&ALERTS[..ENDING], true).await;
    wait_for_resolved(&[&theirs, &ours]).await;
    notifier.shutdown().await;

    let (theirs, ours) = (messages(&theirs), messages(&ours));
    assert_eq!(
        theirs.keys().collect::<Vec<_>>(),
        ours.keys().collect::<Vec<_>>()
    );
    let mut compared = 0;
    for (group, theirs) in &theirs {
        // One may have got one round further than the other.
        for (theirs, ours) in theirs.iter().zip(&ours[group]) {
            assert_eq!(ours, theirs, "{group}");
            compared += 1;
        }
    }
    eprintln!("{compared} messages in {} groups are the same", ours.len());
    assert!(compared >= ours.len() + 3, "first messages and ends");
}

async fn is_ready(client: &reqwest::Client, port: u16) -> bool {
    for _ in 0..100 {
        let ready = client
            .get(format!("http://127.0.0.1:{port}/-/ready"))
            .send()
            .await;
        if ready.is_ok_and(|response| response.status().is_success()) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn wait_for_groups(receivers: &[&Receiver], what: &str) {
    for receiver in receivers {
        wait_for(&format!("the {what} message of each group"), || {
            (messages(receiver).len() >= 8).then_some(())
        })
        .await;
    }
}

async fn wait_for_resolved(receivers: &[&Receiver]) {
    for receiver in receivers {
        wait_for("the ends", || {
            let all = messages(receiver);
            let ends = all.values().flatten().filter(|body| {
                let alerts = body["alerts"].as_array().unwrap();
                alerts.iter().any(|alert| alert["status"] == "resolved")
            });
            (ends.count() >= ENDING).then_some(())
        })
        .await;
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    address.port()
}

fn annotations(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([("summary".to_owned(), "the same".to_owned())]);
    annotations.insert("count".to_owned(), labels.len().to_string());
    annotations
}

fn alert(labels: &[(&str, &str)], starts_at: Timestamp, ends_at: Timestamp) -> Alert {
    Alert {
        labels: Labels::from_pairs(labels.iter().copied()).unwrap(),
        annotations: annotations(labels),
        starts_at,
        ends_at,
        generator_url: "http://g/?a=1&b=<2>".to_owned(),
    }
}

fn posted(labels: &[(&str, &str)], starts_at: Timestamp, ends_at: Option<Timestamp>) -> Value {
    let time = |time: Timestamp| {
        jiff::Timestamp::from_millisecond(time.millis())
            .unwrap()
            .to_string()
    };
    let mut alert = json!({
        "labels": labels.iter().copied().collect::<BTreeMap<_, _>>(),
        "annotations": annotations(labels),
        "startsAt": time(starts_at),
        "generatorURL": "http://g/?a=1&b=<2>",
    });
    if let Some(ends_at) = ends_at {
        alert["endsAt"] = json!(time(ends_at));
    }
    alert
}
