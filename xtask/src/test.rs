//! All tests, with a count at the end.

use anyhow::{Result, bail};

use crate::run::{Count, cargo, run_quietly, run_tests};
use crate::services::Services;
use crate::{browser, ui};

/// Tells tests to take the time they want.
const LONG: &str = "STONECHAT_TEST_LONG";

/// Runs every kind of test and goes on after a failure, so that one run shows everything.
pub fn test(with_browser: bool, long: bool) -> Result<()> {
    ui::packages()?;
    ui::build()?;
    let services = Services::start()?;
    let mut parts = vec![
        ("Rust", rust(&services, long)?),
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

fn rust(services: &Services, long: bool) -> Result<Count> {
    let mut command = cargo();
    if long {
        command.env(LONG, "1");
    }
    if run_quietly(cargo().args(["nextest", "--version"])) {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        if long {
            command.args(["--profile", "long"]);
        }
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
