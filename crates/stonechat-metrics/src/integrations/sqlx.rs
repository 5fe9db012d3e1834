use std::fmt;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::families::Database;
use crate::family::OTHER;
use crate::registry::Registry;

impl Database {
    /// Sets the gauges of the pool at each scrape of the registry. Several pools are shown as their
    /// sum; register one `Database` for each, with a fixed label or a name of its own, to tell them
    /// apart.
    ///
    /// The registry keeps the pool until it is closed, or the gauges are unregistered.
    ///
    /// ```no_run
    /// # fn watch<D: sqlx::Database>(registry: &stonechat_metrics::Registry, pool: &sqlx::Pool<D>) -> Result<(), stonechat_metrics::RegisterError> {
    /// use stonechat_metrics::{Database, DatabaseMetric, Named};
    ///
    /// let names = [
    ///     (DatabaseMetric::Duration, Named::standard()),
    ///     (DatabaseMetric::Pool, Named::standard()),
    /// ];
    /// Database::register_as(registry, &names)?.watch_pool(registry, pool);
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch_pool<D: sqlx::Database>(&self, registry: &Registry, pool: &sqlx::Pool<D>) {
        let Some(watched) = self.watched_pools(registry) else {
            return;
        };
        let pool = pool.clone();
        watched.watch(Box::new(move || {
            let (all, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
            (!pool.is_closed()).then(|| (all.saturating_sub(idle), idle))
        }));
    }

    /// A layer for `tracing_subscriber` that observes the time of every query that sqlx runs, with
    /// the operation and the table read from its text. Like sqlx's own log it sees how long a query
    /// took, but not how it ended; queries at the level `debug` of `sqlx::query` must be let through
    /// by the subscriber.
    ///
    /// ```no_run
    /// # fn subscribe(database: &stonechat_metrics::Database) {
    /// use tracing_subscriber::prelude::*;
    ///
    /// tracing_subscriber::registry().with(database.sqlx_layer()).init();
    /// # }
    /// ```
    pub fn sqlx_layer(&self) -> SqlxLayer {
        SqlxLayer {
            database: self.clone(),
        }
    }
}

/// Observes the queries that sqlx runs; made by [`Database::sqlx_layer`].
#[derive(Debug, Clone)]
pub struct SqlxLayer {
    database: Database,
}

impl<S: Subscriber> Layer<S> for SqlxLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut query = Query::default();
        event.record(&mut query);
        if let Some(seconds) = query.seconds {
            let table = query.table.as_deref().unwrap_or("unknown");
            let elapsed = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            self.database.took(query.operation, table, elapsed);
        }
    }
}

#[derive(Default)]
struct Query {
    operation: &'static str,
    table: Option<String>,
    seconds: Option<f64>,
}

impl Visit for Query {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            self.operation = operation(value);
            self.table = table(value);
        }
        // The summary is the first words only; the whole text is there when it is longer.
        if field.name() == "db.statement" && !value.is_empty() {
            self.table = table(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

fn operation(statement: &str) -> &'static str {
    const KNOWN: [&str; 12] = [
        "select", "insert", "update", "delete", "replace", "with", "begin", "commit", "rollback",
        "create", "alter", "drop",
    ];
    let word = statement.split_ascii_whitespace().next().unwrap_or("");
    let known = KNOWN.into_iter();
    known
        .into_iter()
        .find(|known| word.eq_ignore_ascii_case(known))
        .unwrap_or(OTHER)
}

/// The word behind the first `from`, `into`, `update` or `table`, without quotation marks.
fn table(statement: &str) -> Option<String> {
    let mut words = statement
        .split(|character: char| character.is_ascii_whitespace() || "(),;".contains(character))
        .filter(|word| !word.is_empty());
    let leads = ["from", "into", "update", "table"];
    words.find(|word| leads.iter().any(|lead| word.eq_ignore_ascii_case(lead)))?;
    let quotes = ['"', '`', '[', ']', '\''];
    let name = words.next()?.trim_matches(quotes);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_name)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{operation, table};

    #[test]
    fn operation_and_table_are_read_from_the_statement() {
        for (statement, expected) in [
            (
                "SELECT a, b FROM users WHERE id = ?",
                ("select", Some("users")),
            ),
            (
                "insert into `Messages`(a) values (?)",
                ("insert", Some("messages")),
            ),
            ("UPDATE \"chat\" SET a = 1", ("update", Some("chat"))),
            ("delete from\n sessions", ("delete", Some("sessions"))),
            ("SELECT * FROM (SELECT 1)", ("select", Some("select"))),
            ("SELECT 1", ("select", None)),
            ("PRAGMA x", ("other", None)),
            ("", ("other", None)),
        ] {
            let read = (operation(statement), table(statement));
            assert_eq!((read.0, read.1.as_deref()), expected, "{statement}");
        }
    }
}
