use std::sync::Arc;
use std::time::Instant;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use super::{Outcome, Pool};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Registry;

/// Commands to Redis: `redis_operations_total{operation,status}`,
/// `redis_operation_duration_seconds{operation}`, `redis_pool_connections{state}` and
/// `redis_memory_used_bytes`.
///
/// With the feature `redis`, `Redis::observed` wraps a connection, and every command is counted. Around a command of
/// any other client, such as `fred`, stands [`observe`](Self::observe).
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{Outcome, Redis};
///
/// let redis = Redis::register(&registry)?;
/// let command = redis.start("get");
/// // The command; an early return here counts as an error.
/// command.finish(Outcome::Ok);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Redis(Arc<Families>);

#[derive(Debug)]
struct Families {
    operations: Part<Counter>,
    duration: Part<Histogram>,
    pool: Pool,
    memory: Gauge,
}

/// The metrics of [`Redis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedisMetric {
    /// Counter of commands, by `operation` and `status`.
    Operations,
    /// Histogram of the time of a command, by `operation`.
    Duration,
    /// Gauge of the pool's connections, by `state`: `active` and `idle`.
    Pool,
    /// Gauge of the memory that Redis uses, without parts.
    Memory,
}

impl Key for RedisMetric {
    fn template(self) -> Template {
        match self {
            Self::Operations => {
                Template::new("redis_operations_total", "Commands, by how they ended.")
                    .labels(&["operation", "status"])
            }
            Self::Duration => Template::new(
                "redis_operation_duration_seconds",
                "Time from a command to its answer.",
            )
            .labels(&["operation"])
            .seconds(buckets::SECONDS_FAST),
            Self::Pool => Template::new("redis_pool_connections", "Connections of the pool.")
                .labels(&["state"]),
            Self::Memory => {
                Template::new("redis_memory_used_bytes", "Memory that Redis uses.").unit("bytes")
            }
        }
    }
}

impl Redis {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use RedisMetric::{Duration, Memory, Operations, Pool};
        Self::register_as(registry, &standard([Operations, Duration, Pool, Memory]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(RedisMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let by_state: Part<Gauge> = chosen.part(RedisMetric::Pool)?;
        let spare = || Part::<Gauge>::absent().with(&[]);
        Ok(Self(Arc::new(Families {
            operations: chosen.part(RedisMetric::Operations)?,
            duration: chosen.part(RedisMetric::Duration)?,
            pool: Pool::new(&by_state, spare(), spare()),
            memory: chosen.part::<Gauge>(RedisMetric::Memory)?.with(&[]),
        })))
    }

    /// Starts a command, which is counted and timed when it ends.
    pub fn start(&self, operation: &'static str) -> RedisCommand {
        RedisCommand {
            families: Arc::clone(&self.0),
            operation,
            start: Instant::now(),
            outcome: Outcome::Error,
        }
    }

    /// Runs one command of whichever client, and counts and times it. With `fred`, which has no place for an observer of
    /// all commands, this is the line:
    ///
    /// ```
    /// # struct Client;
    /// # impl Client {
    /// #     async fn get(&self, _key: &str) -> Result<u64, std::io::Error> {
    /// #         Ok(3)
    /// #     }
    /// # }
    /// # async fn online(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # let registry = stonechat_metrics::Registry::bare();
    /// let redis = stonechat_metrics::Redis::register(&registry)?;
    /// let online: u64 = redis.observe("get", client.get("online")).await?;
    /// # assert_eq!(online, 3);
    /// # let text = registry.encode(stonechat_metrics::Format::Text);
    /// # assert!(text.contains(r#"redis_operations_total{operation="get",status="ok"} 1"#));
    /// # Ok(())
    /// # }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(online(Client)).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the command.
    pub async fn observe<T, E>(
        &self,
        operation: &'static str,
        command: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let guard = self.start(operation);
        let result = command.await;
        guard.finish(Outcome::from(&result));
        result
    }

    /// Sets the connections of the pool: those in use, and those that wait for a command.
    pub fn set_pool(&self, active: u64, idle: u64) {
        self.0.pool.set(active, idle);
    }

    /// Sets the memory that Redis uses, in bytes: `used_memory` of its command `INFO memory`.
    pub fn set_memory(&self, bytes: u64) {
        self.0.memory.set(bytes as f64);
    }
}

/// One command, made by [`Redis::start`]. Dropped before [`finish`](Self::finish), it counts as an
/// error.
#[derive(Debug)]
#[must_use = "the command counts as failed when the guard is dropped"]
pub struct RedisCommand {
    families: Arc<Families>,
    operation: &'static str,
    start: Instant,
    outcome: Outcome,
}

impl RedisCommand {
    /// Ends the command.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for RedisCommand {
    fn drop(&mut self) {
        let Families {
            operations,
            duration,
            ..
        } = &*self.families;
        let parts = [self.operation, self.outcome.as_str()];
        duration.with(&parts).observe_duration(self.start.elapsed());
        operations.with(&parts).inc();
    }
}
