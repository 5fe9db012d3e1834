//! Alertmanager's API, asked by amtool and by Prometheus itself.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{PATIENCE, Server, folder, webhook};

/// Where a program of others is: where its variable says, on the path, or among the peers. Without it a test says so and is left out.
fn other(program: &str) -> Option<PathBuf> {
    let variable = format!("STONECHAT_{}", program.to_uppercase().replace('-', "_"));
    let named = std::env::var_os(&variable).map(PathBuf::from);
    let peers = std::env::var_os("PEERS_DIR").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/peers"));
    let peers = peers.or_else(home).map(|peers| peers.join("root/usr/bin"));
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&search)
        .chain(peers)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    let found = named.or(found);
    if found.is_none() {
        eprintln!("skipped: {program} is neither on the path nor named by {variable}");
    }
    found
}

const PROMETHEUS: &str = "global: {evaluation_interval: 200ms}\n";

fn alertmanager(inbox: std::net::SocketAddr) -> String {
    format!(
        "route: {{receiver: r, group_by: [alertname], group_wait: 100ms, group_interval: 200ms, routes: [{{receiver: quiet, matchers: [team=quiet]}}]}}\n\
         receivers:\n  - name: r\n    webhook_configs: [{{url: 'http://{inbox}/'}}]\n  - name: quiet\n"
    )
}

struct Amtool<'a> {
    program: PathBuf,
    server: &'a Server,
}

impl Amtool<'_> {
    /// What amtool answers; it has to succeed. What it remarks beside, such as that its version is not ours, is left out.
    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.program)
            .arg(format!("--alertmanager.url=http://{}", self.server.address))
            .args(arguments)
            .output()
            .unwrap();
        let remarks = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "amtool {arguments:?}: {remarks}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn asks_for_alerts_and_routes(amtool: &Amtool) {
    assert!(
        amtool
            .run(&["alert", "query", "team=x"])
            .contains("so loud")
    );
    assert!(!amtool.run(&["alert", "query", "team=y"]).contains("Loud"));
    assert!(
        amtool
            .run(&["config", "routes", "show"])
            .contains("receiver: quiet")
    );
    assert_eq!(
        amtool
            .run(&["config", "routes", "test", "team=quiet"])
            .trim(),
        "quiet"
    );
    assert!(amtool.run(&["cluster", "show"]).contains("disabled"));
}

#[test]
fn amtool_adds_alerts_and_silences_them_across_a_kill() {
    let Some(program) = other("amtool") else {
        return;
    };
    let (inbox, messages) = webhook();
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("alertmanager.yml", &alertmanager(inbox)),
    ]);
    let server = Server::start(folder.path());
    let amtool = Amtool {
        program: program.clone(),
        server: &server,
    };

    amtool.run(&[
        "alert",
        "add",
        "Loud",
        "team=x",
        "--annotation=summary=so loud",
    ]);
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(message["alerts"][0]["labels"]["team"], "x");
    asks_for_alerts_and_routes(&amtool);

    let id = amtool.run(&[
        "silence",
        "add",
        "team=~y|z",
        "--author=me",
        "--comment=no noise",
        "--duration=1h",
    ]);
    let id = id.trim();
    assert!(amtool.run(&["silence", "query"]).contains("no noise"));
    // What is silenced stays so after a kill.
    let server = server.crash_and_restart();
    let amtool = Amtool {
        program,
        server: &server,
    };
    amtool.run(&["alert", "add", "Hushed", "team=y"]);
    let shown = server.get("/api/v2/alerts?filter=team%3Dy").1;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown[0]["status"]["state"], "suppressed", "{shown}");
    assert_eq!(shown[0]["status"]["silencedBy"][0], id);
    assert!(
        messages.recv_timeout(Duration::from_secs(1)).is_err(),
        "a silenced alert was told"
    );

    let fingerprint = shown[0]["fingerprint"].as_str().unwrap();
    let why = server.data(&format!("/api/stonechat/v1/alerts/{fingerprint}/why"));
    assert_eq!(why["silenced_by"][0], id);
    assert_eq!(why["routes"][0]["receiver"], "r");

    amtool.run(&["silence", "expire", id]);
    assert!(!amtool.run(&["silence", "query"]).contains("no noise"));
    assert!(
        amtool
            .run(&["silence", "query", "--expired"])
            .contains("no noise")
    );
    let message = messages
        .recv_timeout(PATIENCE)
        .expect("what is no longer silenced is told");
    assert_eq!(message["alerts"][0]["labels"]["alertname"], "Hushed");
    server.stop();
}

/// Ends a program when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_prometheus(program: &Path, folder: &Path, port: u16) -> Running {
    let mut command = Command::new(program);
    command
        .arg(format!(
            "--config.file={}",
            folder.join("theirs/prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("theirs/data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        // It finds its Alertmanagers seconds after its first evaluation, and repeats what nobody heard after a minute.
        .arg("--rules.alert.resend-delay=1s")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Running(command.spawn().unwrap())
}

/// Debian's Alertmanager opens its default template under `/usr/share`. One that is unpacked elsewhere sees its own there, in a
/// mount namespace of its own.
fn alertmanager_command(program: &Path) -> Command {
    let share = program.parent().unwrap().join("../share");
    let theirs = "prometheus/alertmanager/default.tmpl";
    if Path::new("/usr/share").join(theirs).is_file() || !share.join(theirs).is_file() {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c"])
        .arg(r#"mount --bind "$0" /usr/share && exec "$@""#)
        .args([&share, program]);
    command
}

#[test]
fn prometheus_sends_its_alerts_here() {
    let Some(program) = other("prometheus") else {
        return;
    };
    let (inbox, messages) = webhook();
    let folder = folder(&[
        ("prometheus.yml", PROMETHEUS),
        ("alertmanager.yml", &alertmanager(inbox)),
    ]);
    let server = Server::start(folder.path());
    let theirs = format!(
        "global: {{evaluation_interval: 1s}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        server.address
    );
    support::write(&folder.path().join("theirs/prometheus.yml"), &theirs);
    let rules = "groups: [{name: g, rules: [{alert: Theirs, expr: vector(7), annotations: {summary: 'it is {{ $value }}'}}]}]\n";
    support::write(&folder.path().join("theirs/rules.yml"), rules);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let _prometheus = start_prometheus(&program, folder.path(), port);
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(message["alerts"][0]["annotations"]["summary"], "it is 7");
    server.stop();
}

#[test]
fn other_alertmanagers_are_told() {
    let (Some(program), Some(amtool)) = (other("prometheus-alertmanager"), other("amtool")) else {
        return;
    };
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let port = free();
    let prometheus = format!(
        "global: {{evaluation_interval: 200ms}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]}}\n"
    );
    let rules = "groups: [{name: g, rules: [{alert: Ours, expr: vector(7), annotations: {summary: 'it is {{ $value }}'}}]}]\n";
    let folder = folder(&[
        ("prometheus.yml", &prometheus),
        ("rules.yml", rules),
        (
            "theirs/alertmanager.yml",
            "route: {receiver: r}\nreceivers: [{name: r}]\n",
        ),
    ]);
    let mut command = alertmanager_command(&program);
    command
        .arg(format!(
            "--config.file={}",
            folder.path().join("theirs/alertmanager.yml").display()
        ))
        .arg(format!(
            "--storage.path={}",
            folder.path().join("theirs/data").display()
        ))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut alertmanager = Running(command.spawn().unwrap());
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = alertmanager.0.try_wait().unwrap();
        assert!(ended.is_none(), "the Alertmanager has ended: {ended:?}");
        assert!(
            Instant::now() < deadline,
            "the Alertmanager does not listen"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let server = Server::start(folder.path());
    server.wait_until("told", |_| {
        let output = Command::new(&amtool)
            .args([
                &format!("--alertmanager.url=http://127.0.0.1:{port}"),
                "alert",
                "query",
            ])
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).contains("it is 7")
    });
    server.stop();
}
