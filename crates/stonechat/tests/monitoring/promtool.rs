//! The same folders through the real thing, where it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::Folder;
use crate::systems;

/// Where promtool is: where `STONECHAT_PROMTOOL` says, or on the path.
fn promtool() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("STONECHAT_PROMTOOL") {
        return Some(PathBuf::from(named));
    }
    let search = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&search).map(|folder| folder.join("promtool"));
    found.find(|file| file.is_file())
}

fn run(promtool: &Path, arguments: &[&str], files: &[PathBuf]) {
    let output = Command::new(promtool)
        .args(arguments)
        .args(files)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", promtool.display()));
    let told = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&told)
    );
}

#[test]
fn promtool_agrees() {
    let Some(promtool) = promtool() else {
        println!("skipped: promtool is neither on the path nor named by STONECHAT_PROMTOOL");
        return;
    };
    for system in systems::all() {
        let folder = Folder::read(system.name);
        let configuration = folder.path().join("prometheus/prometheus.yml");
        run(&promtool, &["check", "config"], &[configuration]);
        run(&promtool, &["test", "rules"], &folder.unit_tests());
    }
}
