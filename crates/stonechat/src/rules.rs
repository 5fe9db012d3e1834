//! `stonechat rules`: rule files before they are in force.

mod lint; // beside the series that there are

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use regex::Regex;
use stonechat_model::Problems;
use stonechat_rules::config::{GroupDefaults, load};
use stonechat_rules::run_unit_tests;

/// Check, test and lint rules.
#[derive(Debug, clap::Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RulesCommand {
    /// Check rule files: every mistake with its place.
    #[command(after_help = "Example: stonechat rules check monitoring/prometheus/rules/*.yml")]
    Check {
        /// Rule files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run unit tests, in the files that `promtool test rules` reads.
    #[command(
        after_help = "Example: stonechat rules test --run 'gateway.*' tests.yml\n\n\
        Source of the format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/"
    )]
    Test {
        /// Run only the tests whose names match this; may be given several times.
        #[arg(long, value_name = "REGEX")]
        run: Vec<String>,
        /// Files with tests.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Hold rules, dashboards and routes against the series that there are.
    Lint(lint::LintArgs),
}

pub(crate) async fn run(args: RulesArgs) -> Result<()> {
    match &args.command {
        RulesCommand::Check { files } => check(files),
        RulesCommand::Test { run, files } => test(run, files),
        RulesCommand::Lint(lint) => lint::run(lint).await,
    }
}

fn check(files: &[PathBuf]) -> Result<()> {
    let mut problems = Problems::default();
    for file in files {
        if let Some(groups) = problems.take(load(file, GroupDefaults::default())) {
            let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
            println!("{}: {rules} rules found", file.display());
        }
    }
    Ok(problems.or(())?)
}

/// Output and exit status are those of promtool.
fn test(only: &[String], files: &[PathBuf]) -> Result<()> {
    let only = match only {
        [] => None,
        patterns => {
            let patterns: Vec<String> = patterns
                .iter()
                .map(|pattern| format!("(?:{pattern})"))
                .collect();
            Some(Regex::new(&patterns.join("|")).context("--run is no regular expression")?)
        }
    };
    let mut failed = 0;
    for file in files {
        let report = run_unit_tests(file, only.as_ref());
        for warning in &report.warnings {
            eprintln!("  WARNING: {warning}");
        }
        if report.failures.is_empty() {
            println!("  SUCCESS");
        } else {
            failed += 1;
            eprintln!("  FAILED:");
            for failure in &report.failures {
                eprintln!("{failure}");
                println!();
            }
        }
        println!();
    }
    if failed > 0 {
        bail!("{failed} of {} files with tests failed", files.len());
    }
    Ok(())
}
