//! Speed of the parts.

use anyhow::Result;

use crate::run::{cargo, run};

/// Runs the benchmarks of the workspace. `bench/README.md` says what each one means and keeps the results.
pub fn bench(filter: Option<&str>) -> Result<()> {
    let mut command = cargo();
    command.args(["bench", "--workspace", "--benches"]);
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    run(&mut command)
}
