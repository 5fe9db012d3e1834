//! Random input until something breaks: the targets in `fuzz/`, built with the compiler that is at hand.
//!
//! The flags are those of `cargo fuzz`, which would want a nightly compiler. Inputs that reach new code are kept in `fuzz/corpus`, and
//! one that breaks something in `fuzz/artifacts`; neither is committed.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::root;
use crate::run::{cargo, command, output, run};

/// What makes the compiler count which code an input reaches.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg=fuzzing -Cdebug-assertions -Ccodegen-units=1";

/// An input that takes longer is a finding.
const INPUT_SECONDS_MAX: u32 = 10;

/// An input that takes more memory is a finding.
const MEMORY_MIB_MAX: u32 = 2048;

/// Runs one target, or each, for so many seconds.
pub fn fuzz(target: Option<&str>, seconds: u32) -> Result<()> {
    let names = names()?;
    let chosen: Vec<&String> = names
        .iter()
        .filter(|name| target.is_none_or(|target| target == name.as_str()))
        .collect();
    if chosen.is_empty() {
        bail!("there is no such target; there are {}", names.join(", "));
    }
    let host = host()?;
    let mut build = cargo();
    build.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
    build.args(["--target", &host]);
    build.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS);
    run(&mut build)?;
    for name in chosen {
        let program = format!("fuzz/target/{host}/release/{name}");
        run(&mut running(&program, name, seconds)?)?;
        println!("{name}: nothing found in {seconds} s");
    }
    Ok(())
}

/// A target at work.
fn running(program: &str, name: &str, seconds: u32) -> Result<Command> {
    let (corpus, artifacts) = (
        format!("fuzz/corpus/{name}"),
        format!("fuzz/artifacts/{name}/"),
    );
    for folder in [&corpus, &artifacts] {
        let folder = root().join(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut target = command(root().join(program));
    target.arg(corpus);
    target.arg(format!("-max_total_time={seconds}"));
    target.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
    target.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
    target.arg(format!("-artifact_prefix={artifacts}"));
    target.arg("-print_final_stats=1");
    Ok(target)
}

/// The targets, sorted.
fn names() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).context("the targets cannot be listed")? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

/// The machine that the compiler runs on, as it calls it.
fn host() -> Result<String> {
    let said = output(command("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}
