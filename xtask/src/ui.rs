//! The web UI's build.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::run::run;
use crate::{root, setup};

/// Installs the packages named in the lock file and builds `ui/dist`. Does nothing when that is up to date.
pub fn build() -> Result<()> {
    let ui = root().join("ui");
    if is_current(&ui) {
        return Ok(());
    }
    packages()?;
    run(npm().args(["run", "--silent", "build"]))
}

/// Installs the packages named in the lock file, unless they are there.
pub fn packages() -> Result<()> {
    setup::node()?;
    let ui = root().join("ui");
    let installed = ui.join("node_modules/.package-lock.json");
    if modified(&installed) >= modified(&ui.join("package-lock.json")) && installed.exists() {
        return Ok(());
    }
    run(npm().args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
        .context("the UI's packages cannot be installed")
}

/// npm in the UI's folder.
pub fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(root().join("ui"));
    npm
}

/// True when the built page is newer than everything it is made of.
fn is_current(ui: &Path) -> bool {
    let built = modified(&ui.join("dist/index.html"));
    let sources = [
        "src",
        "public",
        "index.html",
        "package-lock.json",
        "vite.config.js",
        "svelte.config.js",
    ];
    built.is_some()
        && sources
            .iter()
            .all(|source| newest(&ui.join(source)) <= built)
}

fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file)
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// The newest change of a file or of anything in a folder.
fn newest(path: &Path) -> Option<SystemTime> {
    let own = modified(path);
    let Ok(entries) = fs::read_dir(path) else {
        return own;
    };
    entries
        .flatten()
        .map(|entry| newest(&entry.path()))
        .fold(own, Option::max)
}
