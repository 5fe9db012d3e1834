mod statement; // what the text of a query is about

use std::fmt;
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::families::Database;
use crate::registry::Registry;
use statement::{operation, table};

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
    /// the operation and the table read from its text; a table that is not plainly there is `unknown`.
    /// Like sqlx's own log it sees how long a query took, but not how it ended.
    ///
    /// sqlx tells of a query at the level `debug`, and of a slow one at `warn` instead. A filter for
    /// the whole subscriber, such as `info`, would leave only the slow ones, so give the log and this
    /// layer a filter each:
    ///
    /// ```no_run
    /// # fn subscribe(database: &stonechat_metrics::Database) {
    /// use tracing_subscriber::filter::{LevelFilter, Targets};
    /// use tracing_subscriber::prelude::*;
    ///
    /// let queries = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
    /// tracing_subscriber::registry()
    ///     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
    ///     .with(database.sqlx_layer().with_filter(queries))
    ///     .init();
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

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;

    use crate::encode::Format;
    use crate::families::Database;
    use crate::registry::Registry;

    #[test]
    fn each_query_is_observed_once_whatever_the_log_shows() {
        let registry = Registry::bare();
        let database = Database::register(&registry).unwrap();
        let queries = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
        let log = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
        let subscriber = tracing_subscriber::registry()
            .with(log.with_filter(LevelFilter::WARN))
            .with(database.sqlx_layer().with_filter(queries));
        tracing::subscriber::with_default(subscriber, || {
            let summary = "SELECT 1 FROM users";
            tracing::debug!(target: "sqlx::query", summary, db.statement = "", elapsed_secs = 0.5);
            // A slow one has this event instead of the other, not beside it.
            tracing::warn!(
                target: "sqlx::query",
                summary,
                db.statement = "",
                elapsed_secs = 2.0,
                "slow statement: execution time exceeded alert threshold"
            );
            tracing::warn!(target: "sqlx::pool::acquire", elapsed_secs = 9.0, "slow acquire");
        });
        let text = registry.encode(Format::Text);
        for (value, expected) in [("count", "2"), ("sum", "2.5")] {
            let labels = r#"{operation="select",table="users"}"#;
            let line = format!("db_query_duration_seconds_{value}{labels} {expected}");
            assert!(text.contains(&line), "{line} in {text}");
        }
    }
}
