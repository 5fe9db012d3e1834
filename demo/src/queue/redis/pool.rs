use std::fmt;
use std::ops::{Deref, DerefMut};

use parking_lot::Mutex;
use redis::{Client, RedisError};
use stonechat_metrics::Redis as RedisMetrics;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Connection, RESPONSE_TIMEOUT, connect};

/// Connections to one server, each lent to one command at a time, so that a slow one does not hold up the others.
pub(super) struct Pool {
    size: usize,
    idle: Mutex<Vec<Connection>>,
    /// As many permits as connections, so that whoever has one finds a connection.
    permits: Semaphore,
    metrics: RedisMetrics,
}

impl Pool {
    pub async fn open(
        client: &Client,
        size: usize,
        metrics: RedisMetrics,
    ) -> Result<Self, RedisError> {
        let mut idle = Vec::with_capacity(size);
        for _ in 0..size {
            let connection = connect(client, RESPONSE_TIMEOUT).await?;
            idle.push(metrics.observed(connection));
        }
        let pool = Self {
            size,
            idle: Mutex::new(idle),
            permits: Semaphore::new(size),
            metrics,
        };
        pool.show(size);
        Ok(pool)
    }

    /// Waits for a connection that nobody uses.
    pub async fn take(&self) -> Lent<'_> {
        let permit = self.permits.acquire().await;
        let permit = permit.expect("nobody closes the semaphore");
        let mut idle = self.idle.lock();
        let connection = idle.pop().expect("there is one for each permit");
        self.show(idle.len());
        Lent {
            connection: Some(connection),
            pool: self,
            _permit: permit,
        }
    }

    fn show(&self, idle: usize) {
        let active = self.size - idle;
        self.metrics.set_pool(active as u64, idle as u64);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A connection until it is given back by dropping it.
pub(super) struct Lent<'a> {
    connection: Option<Connection>,
    pool: &'a Pool,
    /// Given back after the connection, as fields are dropped later.
    _permit: SemaphorePermit<'a>,
}

impl Deref for Lent<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("it is there until the drop")
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("it is there until the drop")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock();
        idle.extend(self.connection.take());
        self.pool.show(idle.len());
    }
}
