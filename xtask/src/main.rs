//! The one entrance for people: `cargo xtask demo`, `test`, `check`, `conformance`, `ui`, `bench`, `fuzz`, `dist`.
//!
//! Each command does its own set-up: what is missing is installed when that is allowed, and otherwise
//! one line says what to install.

mod bench; // speed of the parts
mod browser; // the page in Chromium against a running demo
mod check; // what a machine can judge: format, lints, dependencies, licences, sizes
mod conformance; // Prometheus' own test scripts
mod demo; // build everything and run the demonstration
mod dist; // the archive that people download
mod fuzz; // random input until something breaks
mod run; // child processes: run, count tests, stop
mod services; // MariaDB, PostgreSQL and Redis for tests
mod setup; // programs that have to be there
mod test; // all tests, with a count at the end
mod ui; // the web UI's build

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, runs and checks Stonechat.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a chat backend, its load and Stonechat watching it; stop with Ctrl-C.
    Demo {
        /// Passed on to `stonechat demo`, for example: -- --for 90s --fault slow-db
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run all tests: Rust, databases, user interface, browser.
    Test {
        /// Leave out the browser test.
        #[arg(long)]
        no_browser: bool,
        /// Let tests with random input run as long as they should now and then: some of them for minutes.
        #[arg(long)]
        long: bool,
    },
    /// Check format, lints, documentation, dependencies, licences and sizes.
    Check,
    /// Run Prometheus' own PromQL test scripts, where they are at hand.
    Conformance,
    /// Install the web UI's packages and build it into ui/dist.
    Ui,
    /// Measure the speed of the parts, beside peers where there are any.
    Bench {
        /// Only benchmarks whose name contains this.
        filter: Option<String>,
    },
    /// Feed parsers and stores random input until something breaks.
    Fuzz {
        /// One of fuzz/fuzz_targets; all of them, one after the other, by default.
        target: Option<String>,
        /// How long each runs.
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Build the release archive into target/dist.
    Dist,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Demo { arguments } => demo::demo(&arguments),
        Command::Test { no_browser, long } => test::test(!no_browser, long),
        Command::Check => check::check(),
        Command::Conformance => conformance::conformance(),
        Command::Ui => ui::build(),
        Command::Bench { filter } => bench::bench(filter.as_deref()),
        Command::Fuzz { target, seconds } => fuzz::fuzz(target.as_deref(), seconds),
        Command::Dist => dist::dist(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root folder.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map(PathBuf::from).unwrap_or(xtask)
}
