use crate::buckets;
use crate::error::RegisterError;
use crate::family::Family;
use crate::metric::{Histogram, Timer};
use crate::registry::Registry;

/// Queries to a database: `db_query_duration_seconds{operation,table}`.
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
pub struct Database {
    duration: Family<Histogram, 2>,
}

impl Database {
    /// Registers the family.
    ///
    /// # Errors
    ///
    /// A different metric has its name.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let duration = registry
            .histogram(
                "db_query_duration_seconds",
                "Time of a query, with waiting for a connection.",
            )
            .unit("seconds")
            .buckets(buckets::SECONDS_FAST.iter().copied())
            .labels(["operation", "table"])
            .register()?;
        Ok(Self { duration })
    }

    /// Starts the clock for one query; dropping it observes the time.
    pub fn start(&self, operation: &'static str, table: &'static str) -> Timer {
        self.duration.with([operation, table]).start_timer()
    }
}
