//! A disk that is full: reading and scraping go on, everybody can see it, and writing resumes by itself.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, folder, program, target};

/// The program in a namespace of its own, in which a folder is a file system of two megabytes.
fn on_a_small_disk(disk: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=2m none \"$0\" && exec \"$@\"");
    command.arg(disk).arg(program().get_program());
    command
}

/// Whether this machine lets us have such a file system.
fn can_mount(disk: &Path) -> bool {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none"]);
    let can = command
        .arg(disk)
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: no file system can be mounted in a namespace of its own here");
    }
    can
}

/// Writes a file until there is no room.
fn fill(file: &Path) {
    let mut file = fs::File::create(file).unwrap();
    for length in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![1; length]).is_ok() {}
    }
}

fn storage(server: &Server) -> serde_json::Value {
    server.data("/api/stonechat/v1/status")["storage"].take()
}

fn last_scrape(server: &Server) -> String {
    let targets = server.data("/api/v1/targets");
    let scraped = targets["activeTargets"][0]["lastScrape"].as_str();
    scraped.unwrap().to_owned()
}

#[test]
fn a_full_disk_is_shown_and_writing_resumes_when_there_is_room() {
    let app = target(|| "# TYPE beats_total counter\nbeats_total 1\n".to_owned());
    let config = format!(
        "global: {{scrape_interval: 100ms}}\n\
         scrape_configs: [{{job_name: app, static_configs: [{{targets: ['{app}']}}]}}]\n"
    );
    let folder = folder(&[("prometheus.yml", &config)]);
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    if !can_mount(&disk) {
        return;
    }
    let server = Server::start_by(on_a_small_disk(&disk), folder.path(), &disk.join("data"));
    let stored = |server: &Server| server.query("count_over_time(beats_total[1h])");
    server.wait_until("samples are stored", |server| stored(server) >= Some(5.0));
    assert_eq!(server.metric("stonechat_tsdb_writable"), Some(1.0));
    assert_eq!(storage(&server)["write_failure"], serde_json::Value::Null);

    // What the server sees of its disk.
    let root = PathBuf::from(format!("/proc/{}/root", server.process()));
    let ballast = root.join(disk.strip_prefix("/").unwrap()).join("ballast");
    fill(&ballast);
    server.wait_until("the failure is on the page", |server| {
        let failure = storage(server)["write_failure"].take();
        failure
            .as_str()
            .is_some_and(|reason| reason.contains("No space left"))
    });
    server.wait_until("and in a metric", |server| {
        server.metric("stonechat_tsdb_writable") == Some(0.0)
    });
    let (before, scraped) = (stored(&server), last_scrape(&server));
    assert!(
        before >= Some(5.0),
        "what was stored is still there: {before:?}"
    );
    server.wait_until("scraping goes on", |server| last_scrape(server) > scraped);
    assert_eq!(server.get("/-/healthy").0, 200);

    fs::remove_file(&ballast).unwrap();
    server.wait_until("writing resumes", |server| {
        storage(server)["write_failure"].is_null()
            && stored(server) > before.map(|count| count + 5.0)
    });
    server.wait_until("the metric knows", |server| {
        server.metric("stonechat_tsdb_writable") == Some(1.0)
    });
    let kept = stored(&server);
    assert_eq!(server.stop(), Some(0));
    assert!(kept > before);
}
