//! Build everything and run the demonstration.

use std::os::unix::process::CommandExt;

use anyhow::{Context, Result};

use crate::run::{cargo, command, run};
use crate::{root, ui};

/// Builds the UI and the program, then runs `stonechat demo` with the given arguments.
pub fn demo(arguments: &[String]) -> Result<()> {
    build()?;
    // cargo hands a leading `--` on when the arguments stand behind two of them.
    let arguments = arguments.iter().skip_while(|argument| *argument == "--");
    // In the place of this program, so that Ctrl-C and signals reach the demo itself and its end is the end.
    Err(command(program()).arg("demo").args(arguments).exec()).context("the demo cannot be started")
}

/// Builds the UI and the program in the profile that the tests use too.
pub fn build() -> Result<()> {
    ui::build()?;
    run(cargo().args(["build", "--package", "stonechat"]))
}

/// The program that [`build`] makes.
pub fn program() -> std::path::PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    target.join("debug/stonechat")
}
