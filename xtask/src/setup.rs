//! Programs that have to be there. Debian's packages are installed when that is allowed, which means:
//! as root, and not with `STONECHAT_NO_INSTALL` set.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{command, output, run, run_quietly};

/// The first of `programs` that is on the path, after installing `package` if none is.
pub fn program(programs: &[&str], package: &str, purpose: &str) -> Result<PathBuf> {
    if let Some(found) = find(programs) {
        return Ok(found);
    }
    install(package, purpose)?;
    match find(programs) {
        Some(found) => Ok(found),
        None => bail!(
            "{package} is installed but {} is not on the path",
            programs[0]
        ),
    }
}

/// The first of `programs` that is on the path or in the usual folders of servers.
pub fn find(programs: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .chain(folders_of_postgres())
        .collect();
    programs.iter().find_map(|program| {
        folders
            .iter()
            .map(|folder| folder.join(program))
            .find(|file| file.is_file())
    })
}

/// Debian keeps the server of PostgreSQL off the path, in a folder for each version; the newest first.
fn folders_of_postgres() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut folders: Vec<PathBuf> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Node.js and npm, new enough for the UI's build.
pub fn node() -> Result<()> {
    program(&["node"], "nodejs", "building the web UI")?;
    program(&["npm"], "npm", "installing the web UI's packages")?;
    let version = output(command("node").arg("--version"))?;
    if !new_enough(version.trim()) {
        bail!(
            "Node.js {} is too old for the web UI; install 20.19 or newer",
            version.trim()
        );
    }
    Ok(())
}

/// Vite asks for 20.19, 22.12 or newer.
fn new_enough(version: &str) -> bool {
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().unwrap_or(0_u32));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    match major {
        20 => minor >= 19,
        22 => minor >= 12,
        other => other > 22,
    }
}

/// Chromium for the browser test.
pub fn chromium() -> Result<PathBuf> {
    match std::env::var_os("CHROMIUM") {
        Some(named) => Ok(named.into()),
        None => program(
            &["chromium", "chromium-browser", "google-chrome"],
            "chromium",
            "the browser test",
        ),
    }
}

fn install(package: &str, purpose: &str) -> Result<()> {
    if !may_install() {
        bail!(
            "{package} is missing, needed for {purpose}; install it: sudo apt-get install {package}"
        );
    }
    eprintln!("installing {package} for {purpose}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    // The list of packages may be old or missing; when it cannot be renewed, the install itself says why.
    run_quietly(apt().arg("update"));
    run(apt().args(["install", "-y", "--no-install-recommends", package]))
}

fn may_install() -> bool {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    root && Path::new("/usr/bin/apt-get").exists()
        && std::env::var_os("STONECHAT_NO_INSTALL").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_node_is_new_enough() {
        for (version, enough) in [
            ("v18.19.0", false),
            ("v20.18.9", false),
            ("v20.20.2", true),
            ("v22.11.0", false),
            ("v24.0.0", true),
        ] {
            assert_eq!(new_enough(version), enough, "{version}");
        }
    }
}
