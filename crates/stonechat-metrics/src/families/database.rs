use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "sqlx")]
use super::WatchedPools;
use super::named::{Chosen, Key, Named, Part, Template, standard};
use super::{Outcome, Pool};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, Histogram, Timer};
#[cfg(feature = "sqlx")]
use crate::registry::Refreshed;
use crate::registry::Registry;

/// Queries to a database: `db_query_duration_seconds{operation,table}`; the number of queries, the
/// connections of a pool and other names by [`register_as`](Self::register_as).
///
/// The label values are `&'static str`, so that they come from the program and not from data.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// let database = stonechat_metrics::Database::register(&registry)?;
/// let query = database.start("select", "users");
/// // The query; its time is observed when `query` is dropped.
/// drop(query);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Database(Arc<Families>);

#[derive(Debug)]
struct Families {
    queries: Part<Counter>,
    duration: Part<Histogram>,
    pool: Pool,
    /// The gauges of the pool that there are.
    #[cfg(feature = "sqlx")]
    pool_gauges: Vec<Refreshed>,
}

/// The metrics of [`Database`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabaseMetric {
    /// Counter of queries, by `operation`, `table` and `status`.
    Queries,
    /// Histogram of the time of a query, by `operation` and `table`.
    Duration,
    /// Gauge of the pool's connections, by `state`: `active` and `idle`.
    Pool,
    /// Gauge of connections in use, without parts.
    PoolActive,
    /// Gauge of connections that wait for a query, without parts.
    PoolIdle,
}

impl Key for DatabaseMetric {
    fn template(self) -> Template {
        match self {
            Self::Queries => Template::new("db_queries_total", "Queries, by how they ended.")
                .labels(&["operation", "table", "status"]),
            Self::Duration => Template::new(
                "db_query_duration_seconds",
                "Time of a query, with waiting for a connection.",
            )
            .labels(&["operation", "table"])
            .seconds(buckets::SECONDS_FAST),
            Self::Pool => {
                Template::new("db_pool_connections", "Connections of the pool.").labels(&["state"])
            }
            Self::PoolActive => Template::new("db_connections_active", "Connections in use."),
            Self::PoolIdle => {
                Template::new("db_connections_idle", "Connections that wait for a query.")
            }
        }
    }
}

impl Database {
    /// Registers the family.
    ///
    /// # Errors
    ///
    /// A different metric has its name.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Self::register_as(registry, &standard([DatabaseMetric::Duration]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(DatabaseMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let by_state: Part<Gauge> = chosen.part(DatabaseMetric::Pool)?;
        let active: Part<Gauge> = chosen.part(DatabaseMetric::PoolActive)?;
        let idle: Part<Gauge> = chosen.part(DatabaseMetric::PoolIdle)?;
        #[cfg(feature = "sqlx")]
        let pool_gauges = [&by_state, &active, &idle].map(Part::refreshed);
        Ok(Self(Arc::new(Families {
            #[cfg(feature = "sqlx")]
            pool_gauges: pool_gauges.into_iter().flatten().collect(),
            queries: chosen.part(DatabaseMetric::Queries)?,
            duration: chosen.part(DatabaseMetric::Duration)?,
            pool: Pool::new(&by_state, active.with(&[]), idle.with(&[])),
        })))
    }

    /// Starts the clock for one query; dropping it observes the time.
    pub fn start(&self, operation: &'static str, table: &'static str) -> Timer {
        self.0.duration.with(&[operation, table]).start_timer()
    }

    /// Starts one query, which is counted and timed when it ends.
    pub fn query(&self, operation: &'static str, table: &'static str) -> QueryGuard {
        QueryGuard {
            families: Arc::clone(&self.0),
            operation,
            table,
            start: Instant::now(),
            outcome: Outcome::Error,
        }
    }

    /// Runs one query, and counts and times it.
    ///
    /// # Errors
    ///
    /// Those of the query.
    pub async fn observe<T, E>(
        &self,
        operation: &'static str,
        table: &'static str,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let guard = self.query(operation, table);
        let result = query.await;
        guard.finish(Outcome::from(&result));
        result
    }

    /// Observes the time of a query that somebody else has measured.
    #[cfg(feature = "sqlx")]
    pub(crate) fn took(&self, operation: &str, table: &str, elapsed: std::time::Duration) {
        let duration = self.0.duration.with(&[operation, table]);
        duration.observe_duration(elapsed);
    }

    /// The pools that are in the gauges of a registry; none if there are no such gauges.
    #[cfg(feature = "sqlx")]
    pub(crate) fn watched_pools(&self, registry: &Registry) -> Option<Arc<WatchedPools>> {
        let Families {
            pool, pool_gauges, ..
        } = &*self.0;
        let watched = || WatchedPools {
            gauges: pool.clone(),
            pools: parking_lot::Mutex::default(),
        };
        (!pool_gauges.is_empty()).then(|| registry.refresher(pool_gauges.clone(), watched))
    }

    /// Sets the connections of the pool: those in use, and those that wait for a query.
    pub fn set_pool(&self, active: u64, idle: u64) {
        self.0.pool.set(active, idle);
    }
}

/// One query, made by [`Database::query`]. Dropped before [`finish`](Self::finish), it counts as an
/// error.
#[derive(Debug)]
#[must_use = "the query counts as failed when the guard is dropped"]
pub struct QueryGuard {
    families: Arc<Families>,
    operation: &'static str,
    table: &'static str,
    start: Instant,
    outcome: Outcome,
}

impl QueryGuard {
    /// Ends the query.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for QueryGuard {
    fn drop(&mut self) {
        let Families {
            queries, duration, ..
        } = &*self.families;
        let parts = [self.operation, self.table, self.outcome.as_str()];
        duration.with(&parts).observe_duration(self.start.elapsed());
        queries.with(&parts).inc();
    }
}
