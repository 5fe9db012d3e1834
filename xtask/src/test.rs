//! All tests, with a count at the end.

use anyhow::{Result, bail};

use crate::run::{Count, cargo, run_quietly, run_tests};
use crate::services::Services;
use crate::{browser, ui};

/// Runs every kind of test and goes on after a failure, so that one run shows everything.
pub fn test(with_browser: bool) -> Result<()> {
    ui::packages()?;
    ui::build()?;
    let services = Services::start()?;
    let mut parts = vec![
        ("Rust", rust(&services)?),
        (
            "documentation",
            run_tests(cargo().args(["test", "--workspace", "--doc", "--quiet"]))?,
        ),
        ("web UI", run_tests(ui::npm().args(["test", "--silent"]))?),
    ];
    if with_browser {
        parts.push(("browser", browser::test()?));
    } else {
        println!("browser test left out: --no-browser");
    }
    let mut total = Count::default();
    println!("\nTests:");
    for (name, count) in parts {
        println!(
            "  {name:<14} {:>5} passed {:>3} failed {:>3} skipped",
            count.passed, count.failed, count.skipped
        );
        total += count;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 {
        bail!("{} tests failed", total.failed);
    }
    Ok(())
}

fn rust(services: &Services) -> Result<Count> {
    let mut command = cargo();
    if run_quietly(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        eprintln!(
            "cargo-nextest is not installed, so cargo test runs the tests; faster: cargo install cargo-nextest"
        );
        command.args([
            "test",
            "--workspace",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ]);
    }
    run_tests(command.envs(services.environment.iter().map(|(name, url)| (name, url))))
}
