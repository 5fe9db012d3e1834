//! Speed of the parts.

mod sql; // queries beside the exporters

use anyhow::Result;

use crate::run::{cargo, run};

/// Runs the measurements of the workspace, which are tests that only run when they are asked for.
/// `bench/README.md` says what each one means.
pub fn bench(filter: Option<&str>) -> Result<()> {
    if filter == Some("sql") {
        return sql::bench();
    }
    let names = filter.map_or_else(|| vec!["throughput", "speed"], |filter| vec![filter]);
    let mut command = cargo();
    command.args([
        "test",
        "--release",
        "--package",
        "stonechat-tsdb",
        "--package",
        "stonechat-scrape",
        "--package",
        "stonechat-promql",
    ]);
    command
        .args([
            "--lib",
            "--tests",
            "--",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .args(names);
    run(&mut command)
}
