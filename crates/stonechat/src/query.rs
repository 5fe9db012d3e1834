//! `stonechat query`: asks a server or a data folder, and answers in the terminal.

mod remote; // a server's answer
mod show; // a table or small charts

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use stonechat_model::{Timestamp, duration};
use stonechat_promql::{Answer, Cancel, Engine, Steps};
use stonechat_tsdb::Store;

use crate::folder::{Use, open};

/// Ask a query, and see the answer as a table, or with --range as small charts.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat query 'up == 0'\n  \
    stonechat query --range 1h 'sum by (route) (rate(http_requests_total[5m]))'\n  \
    stonechat query --server http://prometheus:9090 'count by (job) (up)'\n  \
    stonechat query --data data 'topk(5, scrape_duration_seconds)'")]
pub(crate) struct QueryArgs {
    /// The expression.
    expr: String,
    /// A server that speaks Prometheus' API.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9090",
        conflicts_with = "data"
    )]
    server: String,
    /// The data folder of a server instead, which is not running; nothing in it is changed.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    #[command(flatten)]
    times: Times,
}

/// Where samples are.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// The data folder of a server, which is not running; nothing in it is changed.
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
}

impl DataArgs {
    /// Opens the store in the folder.
    pub fn open(&self) -> Result<Store> {
        open(&self.data, Use::Look)
    }
}

/// When a query is evaluated.
#[derive(Debug, clap::Args)]
pub(crate) struct Times {
    /// The moment, as RFC 3339 or seconds since the epoch; now if not given.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Look back so far, and evaluate at many steps.
    #[arg(long, value_name = "DURATION")]
    range: Option<String>,
    /// The distance of those steps; a 60th of the range if not given.
    #[arg(long, value_name = "DURATION", requires = "range")]
    step: Option<String>,
}

/// Into how many steps a range is cut when nobody says.
const STEPS: u32 = 60;

impl Times {
    /// The steps; start and end are the same when there is no range.
    pub fn steps(&self) -> Result<Steps> {
        let end = match &self.at {
            Some(text) => moment(text).ok_or_else(|| anyhow!("{text:?} is no time"))?,
            None => Timestamp::now(),
        };
        let Some(range) = &self.range else {
            return Ok(Steps {
                start: end,
                end,
                step: Duration::ZERO,
            });
        };
        let length = |text: &str| duration::parse(text).map_err(|error| anyhow!("{text}: {error}"));
        let range = length(range)?;
        let step = match &self.step {
            Some(step) => length(step)?,
            None => (range / STEPS).max(Duration::from_secs(1)),
        };
        if step.is_zero() {
            bail!("--step has to be positive");
        }
        Ok(Steps {
            start: end.minus(range),
            end,
            step,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond all times becomes the last"
)]
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(Timestamp::from_millis((seconds * 1000.0) as i64));
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

/// Asks and shows.
pub(crate) async fn run(args: QueryArgs) -> Result<()> {
    // A mistake in the expression is shown before anybody is asked.
    let expr = stonechat_promql::parse(&args.expr)?;
    let steps = args.times.steps()?;
    let answer: Answer = match &args.data {
        Some(folder) => {
            let store = open(folder, Use::Look)?;
            let (engine, cancel) = (Engine::default(), Cancel::new());
            if steps.start == steps.end {
                engine.instant(&store, &expr, steps.start, &cancel)?
            } else {
                engine.range(&store, &expr, steps, &cancel)?
            }
        }
        None => {
            let text = remote::ask(&args.server, &args.expr, steps).await?;
            print!("{}", show::remote(&text)?);
            return Ok(());
        }
    };
    print!("{}", show::answer(&answer));
    Ok(())
}
