//! The program: command line, wiring, start, reload, shutdown.

mod alerts; // `stonechat alerts`
mod check; // `stonechat check`
mod config; // all files of a configuration, read and checked
mod demo; // `stonechat demo`
mod folder; // a data folder, for commands that work on it
mod history; // the store, for who must not judge by half of it
mod http; // the HTTP server's task
mod listen; // where it listens, and how people reach it
mod metrics; // the program's own metrics
mod operator; // the program as the API sees it; reload
mod promql; // `stonechat promql`
mod query; // `stonechat query`
mod resident; // how much of the program's own code is in memory
mod rules; // `stonechat rules`
mod serve; // `stonechat serve`: wires the rooms
mod signals; // what tells the program to stop or to reload
mod size; // numbers of bytes
mod sql; // `stonechat sql`
mod stamps; // whether files have changed
mod tsdb; // `stonechat tsdb`

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use stonechat_demo::Queries;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Monitoring for real-time backends: scrapes, stores, evaluates alert rules, tells people, and shows it all.
#[derive(Parser)]
#[command(
    name = "stonechat",
    version,
    about,
    after_help = "First time here? Run: stonechat demo"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch the systems that a configuration names.
    Serve(Box<serve::ServeArgs>),
    /// Show what Stonechat does: a chat backend, its load, and alerts when it is ill.
    #[command(after_help = "Example: stonechat demo --for 90s --fault slow-db")]
    Demo(demo::DemoArgs),
    /// Check every file of a folder, and see each mistake with its place.
    Check(check::CheckArgs),
    /// Ask a query, and see the answer as a table or as small charts.
    Query(query::QueryArgs),
    /// Run PromQL test scripts, and see what a query costs.
    Promql(promql::PromqlArgs),
    /// Check, try and convert queries against databases.
    Sql(sql::SqlArgs),
    /// Look into a data folder; bring samples in and take them out.
    Tsdb(tsdb::TsdbArgs),
    /// See what fires, and why somebody was told of it or was not.
    Alerts(alerts::AlertsArgs),
    /// Check and test rules; hold them against the series that there are.
    Rules(rules::RulesArgs),
    /// The demo's chat backend, by itself.
    #[command(hide = true)]
    DemoChat(Box<stonechat_demo::ChatArgs>),
    /// The demo's load, by itself.
    #[command(hide = true)]
    DemoLoad(Box<stonechat_demo::LoadArgs>),
}

/// How long work that is still under way at the end may keep the process alive.
const LINGER: Duration = Duration::from_secs(1);

/// The exit status for a configuration or a command line that cannot be used.
const EXIT_UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = match &arguments.command {
        Command::Serve(args) => &args.log_level,
        _ => "info",
    };
    let filter = EnvFilter::try_from_env("STONECHAT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let queries = match &arguments.command {
        Command::DemoChat(_) => {
            Some(Queries::register().expect("one family in a registry of its own has no rival"))
        }
        _ => None,
    };
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(queries.as_ref().map(Queries::layer))
        .init();
    // Fails only when a provider is installed already, and nothing before this line installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(arguments.command, queries));
    // Not a plain drop: a thread that waits for standard input would hold the process.
    runtime.shutdown_timeout(LINGER);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<stonechat_model::Problems>() {
            Some(problems) => {
                eprintln!("{problems}");
                ExitCode::from(EXIT_UNUSABLE)
            }
            None => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

async fn run(command: Command, queries: Option<Queries>) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => serve::run(*args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Check(args) => check::run(&args),
        Command::Query(args) => query::run(args).await,
        Command::Promql(args) => promql::run(args),
        Command::Sql(args) => sql::run(args).await,
        Command::Tsdb(args) => tsdb::run(args).await,
        Command::Alerts(args) => alerts::run(args).await,
        Command::Rules(args) => rules::run(args).await,
        Command::DemoChat(args) => {
            Ok(stonechat_demo::run_chat(demo::with_environment(*args), queries).await?)
        }
        Command::DemoLoad(args) => {
            println!("{}", stonechat_demo::run_load(*args).await?);
            Ok(())
        }
    }
}
