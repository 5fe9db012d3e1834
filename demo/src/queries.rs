use stonechat_metrics::{Database, DatabaseMetric, Named, RegisterError, Registry};
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// What sqlx itself tells of its queries: how long the database took, without the wait for a
/// connection and without the faults of the chat. It tells it in the log of the process, so it is
/// the program that listens, and a chat that shows it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use stonechat_demo::{Addresses, ChatConfig, Queries};
/// use tracing_subscriber::prelude::*;
///
/// let queries = Queries::register()?;
/// tracing_subscriber::registry().with(queries.layer()).init();
/// let config = ChatConfig {
///     queries: Some(queries),
///     ..ChatConfig::embedded(Addresses::any_free())
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Queries {
    registry: Registry,
    database: Database,
}

impl Queries {
    /// A registry of its own with their metrics, which the registry of logic includes.
    ///
    /// # Errors
    ///
    /// Two metrics contradict each other: a mistake in this program.
    pub fn register() -> Result<Self, RegisterError> {
        let registry = Registry::bare();
        let duration = Named::new("sqlx_query_duration_seconds");
        let names = [(DatabaseMetric::Duration, duration)];
        let database = Database::register_as(&registry.namespace("chat"), &names)?;
        Ok(Self { registry, database })
    }

    /// What the program puts beside its log. It has a filter of its own, so that the log need not
    /// show the queries.
    pub fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let queries = Targets::new().with_target("sqlx::query", LevelFilter::DEBUG);
        self.database.sqlx_layer().with_filter(queries)
    }

    pub(crate) fn shown_by(&self, registry: &Registry) -> Result<(), RegisterError> {
        registry.include(&self.registry)
    }
}
