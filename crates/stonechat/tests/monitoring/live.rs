//! The folders at work: the program watches the example, every panel has something to show, and every alert something to
//! judge.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::folder::{Folder, compared};
use crate::support::{Server, program, target};
use crate::systems::{self, System};

/// Copies the files of a folder, with the address of the test's target and with intervals for people in a hurry.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, change);
        } else {
            fs::write(to, change(&fs::read_to_string(from).unwrap())).unwrap();
        }
    }
}

/// The health of all rules, by name.
fn ill_rules(server: &Server) -> Vec<(String, String)> {
    let data = server.data("/api/v1/rules");
    let groups = data["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules
        .filter(|rule| rule["health"] != "ok")
        .map(|rule| (rule["name"].to_string(), rule["lastError"].to_string()))
        .collect()
}

fn watch(system: System) {
    let folder = Folder::read(system.name);
    let (name, usual) = (system.name, system.address);
    let address = target(move || system.page());
    let copied = tempfile::tempdir().unwrap();
    let prometheus = fs::read_to_string(folder.path().join("prometheus/prometheus.yml")).unwrap();
    assert!(
        prometheus.contains(usual),
        "{name} does not watch its example"
    );
    copy(folder.path(), copied.path(), &|text| {
        text.replace(usual, &address.to_string())
            .replace("_interval: 15s", "_interval: 1s")
            .replace("scrape_timeout: 10s", "scrape_timeout: 1s")
    });
    let server = Server::start(copied.path());
    server.wait_until("the target is up", |server| {
        let data = server.data("/api/v1/targets");
        data["activeTargets"][0]["health"] == "up"
    });
    server.wait_until("all rules are well", |server| ill_rules(server).is_empty());
    for panel in &folder.panels {
        for query in &panel.queries {
            let filled = query.filled();
            server.wait_until(&format!("{panel}: {filled}"), |server| {
                server.query(&filled).is_some_and(f64::is_finite)
            });
        }
    }
    for rule in folder.rules().filter(|rule| rule.alerting().is_some()) {
        for judged in compared(&rule.query.expr) {
            // What was a quarter of an hour ago, nobody knows yet.
            let judged = judged.to_string().replace(" offset 15m", "");
            server.wait_until(&format!("{}: {judged}", rule.name), |server| {
                server.query(&judged).is_some_and(f64::is_finite)
            });
        }
    }
    // Pending ones too: in the first seconds there is no rate, so that silence looks like silence.
    server.wait_until(&format!("{name} is well, and nobody is told"), |server| {
        server.data("/api/v1/alerts")["alerts"] == serde_json::json!([])
    });
    let mut lint = program();
    lint.args(["rules", "lint"]).arg(copied.path());
    let lint = lint.args(["--server", &format!("http://{}", server.address)]);
    let output = lint.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("nothing is odd about "), "{name}: {said}");
    assert!(output.status.success(), "{name}: {output:?}");
}

#[test]
fn panels_show_something_and_a_system_that_is_well_alerts_nobody() {
    std::thread::scope(|scope| {
        for system in systems::all() {
            scope.spawn(|| watch(system));
        }
    });
}

/// Nothing in the folder as it stands is refused, though no system is there to be watched.
#[test]
fn the_program_takes_each_folder_as_it_stands() {
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let data = tempfile::tempdir().unwrap();
        let server = Server::start_with(folder.path(), data.path());
        let groups = server.data("/api/v1/rules")["groups"].take();
        let files: BTreeSet<String> = groups
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["file"].to_string())
            .collect();
        assert_eq!(files.len(), 1, "{}: {files:?}", system.name);
        let targets = server.data("/api/v1/targets");
        let labels = &targets["activeTargets"][0]["labels"];
        assert_eq!(labels["instance"], system.address);
        assert_eq!(server.stop(), Some(0));
    }
}
