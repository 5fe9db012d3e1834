//! The page in Chromium against a running demo.

use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Result;

use crate::run::{Count, Running, command, run_tests};
use crate::services::free_port;
use crate::{demo, setup, ui};

/// Lets Chromium look at the page in every state, and at the page of a running demo on free ports.
pub fn test() -> Result<Count> {
    let chromium = setup::chromium()?;
    let mut count = run_tests(
        ui::npm()
            .args(["run", "--silent", "test:states"])
            .env("CHROMIUM", &chromium),
    )?;
    count += against_the_demo(&chromium)?;
    Ok(count)
}

fn against_the_demo(chromium: &Path) -> Result<Count> {
    // The tests of the program have just built it. For it alone cargo would choose other features, and compile half of the
    // dependencies again.
    if !demo::program().exists() {
        demo::build()?;
    }
    let folder = tempfile::tempdir()?;
    let base = free_port_range()?;
    let mut running = Running::start(
        command(demo::program())
            .args([
                "demo",
                "--users",
                "40",
                "--port-base",
                &base.to_string(),
                "--for",
                "5m",
            ])
            .arg("--dir")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )?;
    running.wait_until(Duration::from_secs(60), "the demo", || {
        TcpStream::connect(("127.0.0.1", base)).is_ok()
    })?;
    let count = run_tests(
        command("node")
            .arg("ui/tests/page.mjs")
            .arg(format!("http://127.0.0.1:{base}"))
            .env("CHROMIUM", chromium),
    )?;
    running.stop()?;
    Ok(count)
}

/// The first of a run of ports that were free a moment ago.
fn free_port_range() -> Result<u16> {
    for _ in 0..100 {
        let base = free_port()?;
        let rest = (1..=16).all(|offset| {
            std::net::TcpListener::bind(("127.0.0.1", base.saturating_add(offset))).is_ok()
        });
        if rest {
            return Ok(base);
        }
    }
    anyhow::bail!("no 17 free ports in a row were found")
}
