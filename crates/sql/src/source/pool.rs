//! Connections that are opened when they are needed, kept while they are of use, and never more than allowed.
//!
//! The pool of sqlx does not tell on which of the server's connections a statement runs, and without that a statement cannot be
//! cancelled there; so this is our own, and it serves Redis as well.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Answering, Ask, Question, SourceError};
use crate::plan::{PoolLimits, Request};
use crate::rows::Rows;

/// How long cancelling on the server may take. The connection counts against the pool's limit meanwhile.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// What a pool must know about a kind of server.
pub(super) trait Server: Send + Sync + 'static {
    /// A connection.
    type Connection: Send + 'static;
    /// A request that was checked.
    type Order: Send + Sync;

    /// Checks a request before anything is sent.
    fn check(&self, request: &Request) -> Result<Self::Order, SourceError>;

    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = Result<Self::Connection, SourceError>> + Send;

    /// Whether a connection that was not used for a while still answers.
    fn ping(&self, connection: &mut Self::Connection) -> impl Future<Output = bool> + Send;

    /// Whether a connection has to be tried each time, whatever the limits of the pool say.
    fn pings_always(&self) -> bool {
        false
    }

    /// Asks, and takes at most `rows_max` rows.
    fn run(
        &self,
        connection: &mut Self::Connection,
        order: &Self::Order,
        terms: Terms<'_>,
    ) -> impl Future<Output = Result<Rows, Failure>> + Send;

    /// Ends on the server what the connection is still doing. The connection is closed after that.
    fn cancel(&self, connection: &mut Self::Connection) -> impl Future<Output = ()> + Send;

    /// Takes leave of the server, so that it does not log a lost client.
    fn close(&self, connection: Self::Connection) -> impl Future<Output = ()> + Send;
}

/// What goes with an order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    /// Values for the parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// Most rows.
    pub rows_max: usize,
}

/// How asking failed, which decides what becomes of the connection.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no; the connection is as good as before.
    Query(SourceError),
    /// The answer was not read to its end: cancel it, and close the connection.
    Unfinished(SourceError),
    /// The connection is gone. If it had been used before, a new one gets the same order once.
    Lost(SourceError),
}

impl Failure {
    /// What went wrong.
    pub(super) fn error(self) -> SourceError {
        let (Self::Query(error) | Self::Unfinished(error) | Self::Lost(error)) = self;
        error
    }
}

/// A pool of connections to one server.
pub(super) struct Pool<S: Server> {
    shared: Arc<Shared<S>>,
}

struct Shared<S: Server> {
    server: S,
    limits: PoolLimits,
    permits: Arc<Semaphore>,
    idle: Mutex<Idle<S::Connection>>,
}

struct Idle<C> {
    /// The one used last is at the end and goes first, so that those not needed grow old.
    connections: Vec<Kept<C>>,
    /// Whether a task waits to close those that nobody used.
    is_watched: bool,
}

struct Kept<C> {
    connection: C,
    opened: Instant,
    used: Instant,
}

impl<S: Server> Pool<S> {
    /// A pool without connections yet.
    pub(super) fn new(server: S, limits: PoolLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.connections_max.max(1) as usize));
        let idle = Mutex::new(Idle {
            connections: Vec::new(),
            is_watched: false,
        });
        Self {
            shared: Arc::new(Shared {
                server,
                limits,
                permits,
                idle,
            }),
        }
    }
}

impl<S: Server> Ask for Pool<S> {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        Box::pin(async move {
            let order = self.shared.server.check(question.request)?;
            let deadline = Instant::now() + question.timeout;
            let Ok(permit) =
                timeout_at(deadline, self.shared.permits.clone().acquire_owned()).await
            else {
                return Err(SourceError::Connect(format!(
                    "all {} connections were busy for {:?}",
                    self.shared.limits.connections_max, question.timeout
                )));
            };
            let permit = permit.expect("the semaphore is never closed");
            let terms = Terms {
                parameters: question.parameters,
                rows_max: question.rows_max,
            };
            timeout_at(deadline, self.shared.clone().answer(permit, &order, terms))
                .await
                .unwrap_or(Err(SourceError::Timeout(question.timeout)))
        })
    }
}

impl<S: Server> Shared<S> {
    async fn answer(
        self: Arc<Self>,
        permit: OwnedSemaphorePermit,
        order: &S::Order,
        terms: Terms<'_>,
    ) -> Result<Rows, SourceError> {
        let mut permit = Some(permit);
        loop {
            let (kept, was_used) = self.take().await?;
            let mut lease = Lease {
                shared: self.clone(),
                kept: Some(kept),
                permit: permit.take(),
            };
            match self.server.run(lease.connection(), order, terms).await {
                Ok(rows) => {
                    lease.give_back();
                    return Ok(rows);
                }
                Err(Failure::Query(error)) => {
                    lease.give_back();
                    return Err(error);
                }
                // Dropping the lease cancels.
                Err(Failure::Unfinished(error)) => return Err(error),
                Err(Failure::Lost(error)) => {
                    permit = lease.discard();
                    // What happened to one has most likely happened to all: the server was restarted.
                    self.idle.lock().connections.clear();
                    if !was_used {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// A connection, and whether it had been used before.
    async fn take(self: &Arc<Self>) -> Result<(Kept<S::Connection>, bool), SourceError> {
        loop {
            let kept = self.idle.lock().connections.pop();
            let Some(mut kept) = kept else { break };
            if self.is_over(&kept) {
                self.clone().close(kept);
                continue;
            }
            let tried = self.limits.ping || self.server.pings_always();
            if !tried || self.answers(&mut kept.connection).await {
                return Ok((kept, true));
            }
        }
        let limit = self.limits.connect_timeout;
        let connection = timeout(limit, self.server.connect())
            .await
            .map_err(|_| SourceError::Connect(format!("no connection within {limit:?}")))??;
        let now = Instant::now();
        let kept = Kept {
            connection,
            opened: now,
            used: now,
        };
        Ok((kept, false))
    }

    async fn answers(&self, connection: &mut S::Connection) -> bool {
        timeout(self.limits.connect_timeout, self.server.ping(connection))
            .await
            .unwrap_or(false)
    }

    fn is_over(&self, kept: &Kept<S::Connection>) -> bool {
        let over = |limit: Option<Duration>, since: Instant| {
            limit.is_some_and(|limit| since.elapsed() >= limit)
        };
        over(self.limits.lifetime_max, kept.opened) || over(self.limits.idle_max, kept.used)
    }

    fn put(self: &Arc<Self>, mut kept: Kept<S::Connection>) {
        kept.used = Instant::now();
        if self.is_over(&kept) {
            self.clone().close(kept);
            return;
        }
        let mut idle = self.idle.lock();
        idle.connections.push(kept);
        if let Some(pace) = self.pace()
            && !idle.is_watched
        {
            idle.is_watched = true;
            tokio::spawn(watch(Arc::downgrade(self), pace));
        }
    }

    fn close(self: Arc<Self>, kept: Kept<S::Connection>) {
        tokio::spawn(async move {
            // One that does not answer even now is dropped, which closes it too.
            let _ = timeout(CANCEL_LIMIT, self.server.close(kept.connection)).await;
        });
    }

    /// How often to look for connections that are over.
    fn pace(&self) -> Option<Duration> {
        [self.limits.idle_max, self.limits.lifetime_max]
            .into_iter()
            .flatten()
            .min()
            .map(|limit| limit.max(Duration::from_millis(100)))
    }
}

/// Closes connections that nobody used for too long, until there are none. Without this one that is never
/// asked again would be held for ever.
async fn watch<S: Server>(shared: Weak<Shared<S>>, pace: Duration) {
    loop {
        sleep(pace).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut idle = shared.idle.lock();
        let over = idle.connections.extract_if(.., |kept| shared.is_over(kept));
        over.for_each(|kept| shared.clone().close(kept));
        if idle.connections.is_empty() {
            idle.is_watched = false;
            return;
        }
    }
}

/// A connection in use. Dropped before it was given back (a timeout, or nobody waits any more), it is cancelled on the
/// server in the background and closed.
struct Lease<S: Server> {
    shared: Arc<Shared<S>>,
    kept: Option<Kept<S::Connection>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl<S: Server> Lease<S> {
    fn connection(&mut self) -> &mut S::Connection {
        let kept = self.kept.as_mut();
        &mut kept
            .expect("a lease has its connection until it ends")
            .connection
    }

    fn give_back(mut self) {
        if let Some(kept) = self.kept.take() {
            self.shared.put(kept);
        }
    }

    /// Closes the connection; its place in the pool can be used for the next.
    fn discard(mut self) -> Option<OwnedSemaphorePermit> {
        self.kept = None;
        self.permit.take()
    }
}

impl<S: Server> Drop for Lease<S> {
    fn drop(&mut self) {
        let (shared, permit) = (self.shared.clone(), self.permit.take());
        let Some(mut kept) = self.kept.take() else {
            return;
        };
        // Without a runtime the process is ending, and its connections with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let cancel = shared.server.cancel(&mut kept.connection);
                if timeout(CANCEL_LIMIT, cancel).await.is_err() {
                    tracing::warn!(
                        "a query that took too long could not be cancelled on its server in time"
                    );
                }
                drop(kept);
                drop(permit);
            });
        }
    }
}
