//! The command line of the demo's chat.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use stonechat_demo::{ChatArgs, Fault, LoadArgs, Queries, run_chat, run_load, switch_fault};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// So that media can show what the program has allocated, and what the allocator holds.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A small chat backend: gateway, logic, task and media in one process, and users to chat through it.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the chat: gateway, logic, task and media
    Serve(Box<ChatArgs>),
    /// Let users chat through a running chat
    Load(Box<LoadArgs>),
    /// Switch a fault of a running chat on or off
    Fault {
        /// slow-db, failing-sends, dead-service, backlog, memory-leak, lossy-media or failing-ice
        name: Fault,
        /// The new state
        state: State,
        /// The chat's control address
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:19100")]
        control: SocketAddr,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt::layer()
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let queries = match &cli.command {
        Command::Serve(_) => {
            Some(Queries::register().expect("one family in a registry of its own has no rival"))
        }
        _ => None,
    };
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(queries.as_ref().map(Queries::layer))
        .init();
    match run(cli.command, queries).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, queries: Option<Queries>) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => run_chat(*args, queries).await?,
        Command::Load(args) => println!("{}", run_load(*args).await?),
        Command::Fault {
            name,
            state,
            control,
        } => {
            switch_fault(control, name, state == State::On)
                .await
                .with_context(|| format!("cannot switch {name}"))?;
        }
    }
    Ok(())
}

/// An error with its causes, each once: some drivers repeat the cause in their own message.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match (told.is_empty(), told.ends_with(&cause)) {
            (true, _) => cause,
            (_, true) => told,
            _ => format!("{told}: {cause}"),
        }
    })
}
