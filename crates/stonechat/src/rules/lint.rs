//! `stonechat rules lint`: rules, dashboards, routes and inhibitions beside the series that there are.

mod alerts; // alerts before they fire
mod server; // the series of a running server
mod show; // remarks on the terminal

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stonechat_model::{Queryable, TimeRange, Timestamp, duration};
use stonechat_rules::Linter;

use crate::config::{Configuration, Source, panels};
use crate::folder::{Use, open};
use server::Server;
use show::{Odd, Subject};

/// Hold rules, dashboards and routes against the series that there are.
#[derive(Debug, clap::Args)]
#[command(after_help = "What is looked for:\n  \
    - metrics, labels and values of labels that no series ever had, so that the expression gives nothing\n  \
    - rates of gauges, and differences of counters\n  \
    - histogram_quantile without buckets\n  \
    - alerts that no route takes to anybody\n  \
    - inhibitions that no alert can set off, or that keep everything quiet\n\n\
    One side of `or` may stand in for the other, and what stands in absent() or behind `unless` may be missing.\n\n\
    Examples:\n  \
    stonechat rules lint monitoring\n  \
    stonechat rules lint --server http://prometheus:9090 --within 7d prometheus.yml\n  \
    stonechat rules lint --data data monitoring")]
pub(crate) struct LintArgs {
    /// A folder with the configuration, or prometheus.yml.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// An alertmanager.yml that stands elsewhere.
    #[arg(long, value_name = "FILE")]
    alertmanager: Option<PathBuf>,
    /// A server that has the series; any that speaks Prometheus' API.
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
    /// Series with a sample in the last this long count as seen.
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = duration::parse)]
    within: Duration,
}

/// Looks, says what is odd, and fails when anything is.
pub(crate) async fn run(args: &LintArgs) -> Result<()> {
    let source = Source {
        path: args.path.clone(),
        alertmanager: args.alertmanager.clone(),
        queries: Vec::new(),
    };
    let configuration = source.load()?;
    let known: Box<dyn Queryable> = match &args.data {
        Some(folder) => Box::new(open(folder, Use::Look)?),
        None => Box::new(Server::new(&args.server)?),
    };
    let now = Timestamp::now();
    let range = TimeRange {
        start: now.minus(args.within),
        end: now,
    };
    let at = match &args.data {
        Some(folder) => folder.display().to_string(),
        None => args.server.clone(),
    };
    // A server is waited for in the middle of the linter, which knows nothing of that.
    let found = tokio::task::block_in_place(|| lint(&configuration, &*known, range))
        .with_context(|| format!("the series of {at} cannot be asked for"))?;
    for odd in &found.odd {
        println!("{odd}\n");
    }
    if !found.odd.is_empty() {
        bail!("odd: {} of {}", found.odd.len(), found.looked_at);
    }
    println!("nothing is odd about {}", found.looked_at);
    Ok(())
}

/// What was found.
struct Found {
    odd: Vec<Odd>,
    looked_at: String,
}

fn lint(configuration: &Configuration, known: &dyn Queryable, range: TimeRange) -> Result<Found> {
    let all = [Vec::new()];
    if known.label_names(&all, range)?.is_empty() {
        bail!("there are none within --within");
    }
    let groups = &configuration.groups;
    let linter = Linter::new(known, range, groups);
    let mut odd: Vec<Odd> = linter
        .groups(groups)?
        .into_iter()
        .map(Odd::of_rule)
        .collect();
    let mut expressions = 0;
    for dashboard in &configuration.dashboards {
        for panel in panels::expressions(&dashboard.file)? {
            expressions += 1;
            let subject = Subject::Panel {
                file: dashboard.file.clone(),
                panel: panel.title,
            };
            match stonechat_promql::parse(&panel.expr) {
                Ok(expr) => {
                    let remarks = linter.expression(&expr)?;
                    let of_panel = |remark| Odd::in_expr(subject.clone(), &panel.expr, remark);
                    odd.extend(remarks.into_iter().map(of_panel));
                }
                Err(error) => odd.push(Odd::of_text(subject, &panel.expr, error.to_string())),
            }
        }
    }
    let alerts = alerts::foresee(configuration, &linter)?;
    odd.extend(alerts::odd(configuration, &alerts));
    let rules: usize = groups.iter().map(|group| group.rules.len()).sum();
    let alerts = alerts.len();
    let looked_at =
        format!("{rules} rules ({alerts} alerts), {expressions} expressions of dashboards");
    Ok(Found { odd, looked_at })
}
