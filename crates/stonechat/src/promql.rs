//! `stonechat promql`: runs test scripts, and shows what a query costs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use stonechat_promql::{Cancel, Engine, Steps, test_script};

use crate::query::{DataArgs, Times};

/// PromQL: run test scripts, and see what a query costs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat promql test rates.test histograms.test\n  \
    stonechat promql explain --data data 'sum by (route) (rate(http_requests_total[5m]))'")]
pub(crate) struct PromqlArgs {
    #[command(subcommand)]
    command: PromqlCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PromqlCommand {
    /// Run scripts in the language of Prometheus' own tests: samples are loaded, expressions evaluated, results compared.
    #[command(after_help = "A script:\n  \
        load 1m\n    \
        requests_total{path=\"/\"} 0+60x10\n\n  \
        eval instant at 10m rate(requests_total[5m])\n    \
        {path=\"/\"} 1\n\n\
        Ends with `N passed, M failed`; the exit status is 1 when any failed.")]
    Test {
        /// The scripts.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run a query on a data folder and print its parts with series, samples and time of each.
    #[command(
        after_help = "Times of a part include those of the parts below it. A selector tells what it read.\n\
        No server may be using the folder.\n\n\
        Example: stonechat promql explain --data data --range 1h 'sum(rate(http_requests_total[5m]))'"
    )]
    Explain {
        /// The expression.
        expr: String,
        #[command(flatten)]
        data: DataArgs,
        #[command(flatten)]
        times: Times,
    },
}

/// Runs a command.
pub(crate) fn run(args: PromqlArgs) -> Result<()> {
    match args.command {
        PromqlCommand::Test { files } => test(&files),
        PromqlCommand::Explain { expr, data, times } => explain(&expr, &data, &times),
    }
}

fn test(files: &[PathBuf]) -> Result<()> {
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let report = run_script(file)?;
        for outcome in report.failures() {
            let message = outcome.failure.as_deref().unwrap_or_default();
            println!("{}:{}: {}", file.display(), outcome.line, outcome.expr);
            println!("    {message}");
        }
        let failures = report.failures().count();
        println!(
            "{}: {} passed, {failures} failed",
            file.display(),
            report.passed()
        );
        passed += report.passed();
        failed += failures;
    }
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("{failed} evaluations gave something else than expected");
    }
    Ok(())
}

fn run_script(file: &Path) -> Result<test_script::Report> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    test_script::run(&text).with_context(|| file.display().to_string())
}

fn explain(text: &str, data: &DataArgs, times: &Times) -> Result<()> {
    let expr = stonechat_promql::parse(text)?;
    let store = data.open()?;
    let steps: Steps = times.steps()?;
    let plan = Engine::default().explain(&store, &expr, steps, &Cancel::new())?;
    print!("{plan}");
    for remark in plan.answer.warnings.iter().chain(&plan.answer.infos) {
        println!("{remark}");
    }
    Ok(())
}
