//! `stonechat tsdb`: looks into a data folder, and moves samples in and out of it.

mod backfill; // recording rules over the past
mod export; // samples out
mod import; // samples in
mod inspect; // what is in it
mod progress; // how far something is
mod sink; // samples into the store, in order of time
mod window; // ranges of time one after the other

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use stonechat_model::{Matcher, Timestamp, duration};
use stonechat_tsdb::{Damage, Store};

use crate::folder::{Use, open};

/// Look into a data folder: what takes the room, whether it is whole; bring samples in and take them out.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat tsdb inspect                                  which metrics and labels have the most series, and which grow\n  \
    stonechat tsdb verify                                   whether every file is whole\n  \
    stonechat tsdb import /var/lib/prometheus               the blocks of a Prometheus, a Thanos or a Mimir\n  \
    stonechat tsdb export out --match 'up{job=\"chat\"}'      blocks that Prometheus opens\n  \
    stonechat tsdb backfill rules.yml --start 2026-11-01T00:00:00Z\n\n\
    A server owns its data folder: stop it first, or work on a snapshot.")]
pub(crate) struct TsdbArgs {
    /// The data folder of the server.
    #[arg(
        long,
        visible_alias = "storage.tsdb.path",
        value_name = "DIR",
        default_value = "data",
        global = true
    )]
    data: PathBuf,
    #[command(subcommand)]
    command: TsdbCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TsdbCommand {
    /// Show which metrics and labels have the most series, and which metrics grow.
    Inspect {
        /// Lines of each list.
        #[arg(long, value_name = "N", default_value_t = 10)]
        limit: usize,
        /// A series that began within this time of the newest sample is new.
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
        recent: std::time::Duration,
    },
    /// Read every block and the log, and say what is damaged.
    Verify,
    /// Bring samples in.
    #[command(
        after_help = "A folder is read as Prometheus' blocks: one block, or a folder with blocks. The head of a running Prometheus is \
        in no block: make a snapshot there first (POST /api/v1/admin/tsdb/snapshot), and import that.\n\
        A file is read as OpenMetrics text, every sample with its time, or, with --format remote-write, as requests of remote write, each \
        behind its length as a varint, in snappy as they were sent.\n\n\
        Samples that are older than what a series already has are counted and left out."
    )]
    Import {
        /// A folder or a file.
        from: PathBuf,
        /// What it is, where its look does not say so.
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Take samples out.
    Export(export::ExportArgs),
    /// Evaluate recording rules over the past, and store what they give.
    #[command(
        after_help = "Rules are evaluated in the order of the file, so that one may build on another. Alerting rules are left out."
    )]
    Backfill(backfill::BackfillArgs),
}

/// How samples stand outside of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Prometheus' blocks.
    Prometheus,
    /// OpenMetrics text.
    Openmetrics,
    /// Requests of remote write, each behind its length.
    RemoteWrite,
}

/// Runs a command, on a thread that may wait for disks.
pub(crate) async fn run(args: TsdbArgs) -> Result<()> {
    tokio::task::spawn_blocking(move || {
        let store = Arc::new(open(&args.data, args.command.needs())?);
        let done = match args.command {
            TsdbCommand::Inspect { limit, recent } => inspect::run(&store, limit, recent),
            TsdbCommand::Verify => verify(&store),
            TsdbCommand::Import { from, format } => import::run(&store, &from, format),
            TsdbCommand::Export(export) => export::run(&store, &export),
            TsdbCommand::Backfill(backfill) => backfill::run(&store, &backfill),
        };
        let closed = store.close().context("the store cannot be closed");
        done.and(closed)
    })
    .await?
}

impl TsdbCommand {
    fn needs(&self) -> Use {
        match self {
            Self::Inspect { .. } | Self::Verify | Self::Export(_) => Use::Look,
            Self::Backfill(_) => Use::Change,
            Self::Import { .. } => Use::Begin,
        }
    }
}

/// Says what is damaged.
fn verify(store: &Store) -> Result<()> {
    let recovery = store.recovery();
    for damage in &recovery.damage {
        println!("{damage}{}", times(damage));
    }
    if recovery.damages > recovery.damage.len() as u64 {
        println!("and more damage like this");
    }
    let damaged = store.verify();
    for error in &damaged {
        println!("{error}");
    }
    let blocks = store.blocks();
    let samples: u64 = blocks.iter().map(|block| block.samples).sum();
    println!(
        "{} blocks with {samples} samples, {} files of the log with {} samples",
        blocks.len(),
        recovery.files,
        recovery.samples
    );
    let lost = recovery.samples_without_series + recovery.samples_without_base;
    if lost > 0 {
        println!("{lost} samples behind the damage cannot be read without what is lost");
    }
    let torn = recovery.torn();
    let count = damaged.len() as u64 + recovery.damages - torn;
    if count > 0 {
        bail!("damaged places: {count}; what they held is lost, the rest is kept");
    }
    match torn {
        0 => println!("everything is whole"),
        _ => println!(
            "everything else is whole: an end is torn when the process or the machine dies"
        ),
    }
    Ok(())
}

/// Between which moments lies what damage has cost.
fn times(damage: &Damage) -> String {
    match (damage.after.map(shown), damage.before.map(shown)) {
        (Some(after), Some(before)) => format!("; samples between {after} and {before} are lost"),
        (Some(after), None) => format!("; samples after {after} are lost"),
        (None, Some(before)) => format!("; samples before {before} are lost"),
        (None, None) => String::new(),
    }
}

/// A moment on the command line: RFC 3339, or seconds since the epoch.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(moment.as_millisecond()));
    }
    let seconds: f64 = text
        .parse()
        .map_err(|_| "write 2026-11-27T15:00:00Z, or seconds since 1970".to_owned())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment beyond the range of milliseconds becomes the last one there is"
    )]
    Ok(Timestamp::from_millis((seconds * 1000.0) as i64))
}

/// A moment as people read it.
fn shown(moment: Timestamp) -> String {
    let shown = jiff::Timestamp::from_millisecond(moment.millis());
    shown.map_or_else(|_| format!("{moment:?}"), |shown| shown.to_string())
}

/// The selectors of `--match`.
fn selector(text: &str) -> Result<Vec<Matcher>, String> {
    stonechat_promql::parse_selector(text).map_err(|error| error.to_string())
}
