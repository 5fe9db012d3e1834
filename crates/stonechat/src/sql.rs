//! `stonechat sql`: checks, converts and tries files with queries.

mod table; // rows as a table

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use stonechat_model::{duration, format_float, nearest};
use stonechat_sql::config::{self, Loaded};
use stonechat_sql::plan::{Query, Schedule};
use stonechat_sql::rows::Rows;
use stonechat_sql::series::Collector;
use stonechat_sql::source::{self, Question};

/// Queries against databases: check a file, try a query, convert from other programs' formats.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    stonechat sql check monitoring/sql/users.yml\n  \
    stonechat sql try monitoring/sql/users.yml online_users\n  \
    stonechat sql convert sql_exporter.yml > monitoring/sql/users.yml\n\n\
    Files of sql2metrics, burningalchemist/sql_exporter, free/sql_exporter, justwatchcom/sql_exporter and query-exporter are read as they are.")]
pub(crate) struct SqlArgs {
    #[command(subcommand)]
    command: SqlCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SqlCommand {
    /// Say whether a file is right, and what is in it.
    Check {
        /// A file of ours or of another program.
        file: PathBuf,
    },
    /// Ask one query once, and show its rows, the series that they become, and the time that it took. Nothing is stored.
    Try {
        /// A file of ours or of another program.
        file: PathBuf,
        /// The query; not needed where there is only one.
        query: Option<String>,
        /// Most rows that are shown.
        #[arg(long, value_name = "N", default_value_t = 20)]
        rows: usize,
    },
    /// Print a file of another program in our format.
    Convert {
        /// The file.
        file: PathBuf,
    },
}

/// Runs a command.
pub(crate) async fn run(args: SqlArgs) -> Result<()> {
    match args.command {
        SqlCommand::Check { file } => {
            let loaded = load(&file)?;
            println!("{}", summary(&file, &loaded));
            Ok(())
        }
        SqlCommand::Convert { file } => {
            let loaded = load(&file)?;
            print!("{}", config::print(&loaded.plan));
            Ok(())
        }
        SqlCommand::Try { file, query, rows } => {
            let loaded = load(&file)?;
            for query in chosen(&loaded.plan.queries, query.as_deref())? {
                try_query(query, rows).await?;
            }
            Ok(())
        }
    }
}

fn load(file: &Path) -> Result<Loaded> {
    let loaded = config::load(file)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(loaded)
}

fn summary(file: &Path, loaded: &Loaded) -> String {
    let mut lines = vec![format!(
        "{}: good, in the format of {}: {} on {}",
        file.display(),
        loaded.format.name(),
        counted(loaded.plan.queries.len(), "query", "queries"),
        counted(loaded.plan.sources.len(), "source", "sources"),
    )];
    for query in &loaded.plan.queries {
        let when = match &query.schedule {
            Schedule::Every(interval) => format!("every {}", duration::format(*interval)),
            Schedule::Cron {
                expression, zone, ..
            } => format!("at {expression} in {zone}"),
        };
        let metrics: Vec<&str> = query.metrics.iter().map(|metric| &*metric.name).collect();
        lines.push(format!(
            "  {} on {}, {when}: {}",
            query.name,
            query.source.name,
            metrics.join(", ")
        ));
    }
    lines.join("\n")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The queries of this name: one for each of its sources.
fn chosen<'a>(queries: &'a [Arc<Query>], name: Option<&str>) -> Result<Vec<&'a Arc<Query>>> {
    let names: Vec<&str> = queries.iter().map(|query| query.name.as_str()).collect();
    let name = match (name, names.first()) {
        (Some(name), _) => name,
        (None, Some(first)) if names.iter().all(|name| name == first) => first,
        (None, None) => return Err(anyhow!("the file has no query")),
        (None, Some(_)) => return Err(anyhow!("which query? there are: {}", names.join(", "))),
    };
    let found: Vec<_> = queries.iter().filter(|query| query.name == name).collect();
    if found.is_empty() {
        let near = nearest(name, names.iter().copied());
        let near = near.map_or_else(
            || format!("there are: {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(anyhow!("there is no query `{name}`; {near}"));
    }
    Ok(found)
}

async fn try_query(query: &Arc<Query>, rows_shown: usize) -> Result<()> {
    println!("{} on {}", query.name, query.source.name);
    let opened = source::open(&query.source);
    let nothing = [BTreeMap::new()];
    let parameters = match &query.parameters[..] {
        [] => &nothing[..],
        given => given,
    };
    let start = Instant::now();
    let mut answers: Vec<(&BTreeMap<String, String>, Rows)> = Vec::new();
    for parameters in parameters {
        let question = Question {
            request: &query.request,
            parameters,
            timeout: query.timeout,
            rows_max: query.rows_max,
        };
        let rows = opened
            .ask(question)
            .await
            .map_err(|error| at(query, &error))?;
        if !parameters.is_empty() {
            let given = parameters
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            println!("\n  with {}", given.collect::<Vec<_>>().join(", "));
        }
        println!("\n{}", table::draw(&rows, rows_shown));
        answers.push((parameters, rows));
    }
    let taken = start.elapsed();
    let collected = Collector::new(Arc::clone(query))
        .collect(&answers)
        .map_err(|error| at(query, &error))?;
    let mut lines: Vec<String> = collected
        .samples
        .iter()
        .map(|sample| format!("  {} {}", sample.labels, format_float(sample.value)))
        .collect();
    lines.sort();
    println!("{}", lines.join("\n"));
    println!(
        "\n{} and {} in {}",
        counted(collected.rows, "row", "rows"),
        counted(collected.samples.len(), "series", "series"),
        milliseconds(taken),
    );
    if collected.duplicates > 0 {
        let rows = counted(
            usize::try_from(collected.duplicates)?,
            "row has",
            "rows have",
        );
        println!("{rows} the labels of an earlier one; the last one counts");
    }
    if collected.lossy > 0 {
        let values = counted(
            usize::try_from(collected.lossy)?,
            "value has",
            "values have",
        );
        println!("{values} more digits than a sample can hold");
    }
    Ok(())
}

/// What is wrong with a query, and where it is written.
fn at(query: &Query, error: &dyn std::fmt::Display) -> anyhow::Error {
    let (file, line) = (query.place.file.display(), query.place.line);
    anyhow!(
        "{file}:{line}: query `{}` on `{}`: {error}",
        query.name,
        query.source.name
    )
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
