//! Configurations: our own format, and those of four other programs, each read into the same [`Plan`].
//!
//! A file is recognised by its first keys. Mistakes are shown where they were written, all in one run; what cannot be taken as it is
//! written, but does no harm, is a warning.

mod check; // the file under check, and names
mod dsn; // sources as other programs name them
mod justwatch; // justwatchcom/sql_exporter
mod origin; // what a plan was read from
mod own; // our own
mod print; // a plan in our own format
mod query_exporter; // albertodonato/query-exporter
mod sql2metrics; // sql2metrics
mod sql_exporter; // burningalchemist/sql_exporter and free/sql_exporter
mod time; // when and how long
mod url; // one way to write a URL
mod variables; // variables of the environment, put into the text
mod written; // shapes that files share

use std::path::Path;

use serde::de::IgnoredAny;
use stonechat_model::{Problem, Problems, nearest, yaml};

pub use self::origin::Origin;
pub use self::print::print;

use self::check::{Check, Report, Variables};
use self::written::Entries;
use crate::plan::Plan;

/// Whose format a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our own.
    Stonechat,
    /// `sql2metrics`.
    Sql2Metrics,
    /// `burningalchemist/sql_exporter` and its ancestor `free/sql_exporter`.
    SqlExporter,
    /// `justwatchcom/sql_exporter`.
    JustWatch,
    /// `albertodonato/query-exporter`.
    QueryExporter,
}

impl Format {
    /// The name under which people know it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stonechat => "stonechat",
            Self::Sql2Metrics => "sql2metrics",
            Self::SqlExporter => "burningalchemist/sql_exporter",
            Self::JustWatch => "justwatchcom/sql_exporter",
            Self::QueryExporter => "query-exporter",
        }
    }
}

/// A checked configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub plan: Plan,
    /// Whose format it has.
    pub format: Format,
    /// What was taken, but not as its author may believe, each as `file:line: what`.
    pub warnings: Vec<String>,
    /// What was read.
    pub origins: Vec<Origin>,
}

/// Reads and checks a file, and those that it names.
///
/// # Errors
/// Every mistake with its place. The first error in the YAML of a file hides the others of that file.
pub fn load(file: &Path) -> Result<Loaded, Problems> {
    parse(file, &yaml::read_text(file)?)
}

/// Checks `text`, the content of `file`. Paths in it count from the file's folder.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &Path, text: &str) -> Result<Loaded, Problems> {
    parse_with(file, text, &|name| std::env::var(name).ok())
}

/// The same with other variables than those of the environment.
fn parse_with(file: &Path, text: &str, variables: Variables<'_>) -> Result<Loaded, Problems> {
    let format = format_of(file, text)?;
    let mut report = Report::default();
    let mut check = Check::new(file, text, variables, &mut report);
    let plan = match format {
        Format::Stonechat => own::plan(&mut check, text),
        Format::Sql2Metrics => sql2metrics::plan(&mut check, text),
        Format::SqlExporter => sql_exporter::plan(&mut check, text),
        Format::JustWatch => justwatch::plan(&mut check, text),
        Format::QueryExporter => query_exporter::plan(&mut check, text),
    };
    let plan = plan.unwrap_or_default();
    report.settle(plan.queries.is_empty());
    let origins = std::mem::take(&mut report.origins).into_iter().collect();
    let (plan, warnings) = report.or(plan)?;
    Ok(Loaded {
        plan,
        format,
        warnings,
        origins,
    })
}

/// Tells formats apart by the keys at the top of a file.
///
/// # Errors
/// When there is a key at the top that no format knows, or the file cannot be read as YAML.
pub fn format_of(file: &Path, text: &str) -> Result<Format, Problem> {
    // Only the keys matter, and tags such as `!env` may stand where a mapping will be.
    // Whether a key may be given twice is for the format to say.
    let without_tags = variables::without_tags(text);
    let (keys, _): (Entries<IgnoredAny>, _) = yaml::parse_last_wins(file, &without_tags)?;
    let has = |key: &str| keys.iter().any(|(given, _)| given.value == key);
    if has("databases") {
        return Ok(Format::QueryExporter);
    }
    if has("target") || has("collectors") || has("collector_files") {
        return Ok(Format::SqlExporter);
    }
    if has("jobs") {
        return Ok(if has("global") {
            Format::SqlExporter
        } else {
            Format::JustWatch
        });
    }
    if has("metrics") || has("mysql_connections") || has("schedule") {
        return Ok(Format::Sql2Metrics);
    }
    if keys.0.is_empty() || own::KEYS.iter().any(|key| has(key)) {
        return Ok(Format::Stonechat);
    }
    let (first, _) = &keys.0[0];
    let message = format!("no known format has the key `{}` here", first.value);
    let help = match nearest(&first.value, own::KEYS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "our own has `sources` and `queries`".to_owned(),
    };
    Err(yaml::problem_at(file, text, first, message).help(help))
}

#[cfg(test)]
mod tests;
