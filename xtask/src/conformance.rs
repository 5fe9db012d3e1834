//! Prometheus' own test scripts, where they are at hand.

use anyhow::Result;

use crate::root;
use crate::run::{cargo, run};

/// Runs all evaluations of Prometheus' test scripts in the folder beside the project, and says so when it is not there.
pub fn conformance() -> Result<()> {
    let folder = root().join("../shared/conformance/promqltest/testdata");
    if !folder.is_dir() {
        println!("{} is not there: nothing to run", folder.display());
        return Ok(());
    }
    let mut command = cargo();
    command.args(["test", "--package", "stonechat-promql"]);
    command.args(["--test", "conformance", "--", "--nocapture"]);
    run(&mut command)
}
