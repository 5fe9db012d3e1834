//! What a machine can judge: format, lints, documentation, dependencies, licences, sizes.

mod dependencies; // unused ones, and rooms that know a room to their right
mod licences; // of everything that is linked
mod tidy; // sizes of files, words that must not be there

use anyhow::{Result, bail};

use crate::run::{cargo, output, run, run_quietly};
use crate::ui;

/// Fails with what is wrong.
type Check<'a> = Box<dyn Fn() -> Result<()> + 'a>;

/// Runs every check and goes on after a failure, so that one run shows everything.
pub fn check() -> Result<()> {
    ui::packages()?;
    ui::build()?;
    let metadata = metadata()?;
    let checks: [(&str, Check); 8] = [
        (
            "format",
            Box::new(|| run(cargo().args(["fmt", "--all", "--check"]))),
        ),
        ("sizes and words", Box::new(tidy::check)),
        ("dependencies", Box::new(|| dependencies::check(&metadata))),
        ("licences", Box::new(|| licences::check(&metadata))),
        ("advisories", Box::new(advisories)),
        (
            "lints",
            Box::new(|| {
                run(cargo().args([
                    "clippy",
                    "--workspace",
                    "--all-targets",
                    "--",
                    "-D",
                    "warnings",
                ]))
            }),
        ),
        (
            "documentation",
            Box::new(|| {
                run(cargo()
                    .args(["doc", "--workspace", "--no-deps", "--quiet"])
                    .env("RUSTDOCFLAGS", "-D warnings"))
            }),
        ),
        (
            "web UI",
            Box::new(|| run(ui::npm().args(["run", "--silent", "check"]))),
        ),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        if let Err(error) = check() {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        } else {
            println!("{name}: ok");
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn metadata() -> Result<serde_json::Value> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    Ok(serde_json::from_str(&text)?)
}

/// Known vulnerabilities, from a copy of the RustSec database that is already on this machine.
fn advisories() -> Result<()> {
    let database = std::env::var_os("CARGO_HOME").map_or_else(
        || std::path::PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        Into::into,
    );
    if !run_quietly(cargo().args(["audit", "--version"])) || !database.join("advisory-db").exists()
    {
        println!(
            "advisories: skipped, cargo-audit or its database is not on this machine (cargo install cargo-audit; cargo audit)"
        );
        return Ok(());
    }
    run(cargo().args(["audit", "--no-fetch", "--stale"]))
}
