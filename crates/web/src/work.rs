//! Work that reads the store: on a thread of its own, at one of the places that there are for queries, and no longer
//! than somebody waits for it.

use std::time::Duration;

use stonechat_promql::Cancel;
use tokio::time::Instant;

use crate::Rooms;
use crate::answer::{ApiError, ErrorType};

/// Does work. When the client goes away, the future is dropped, and with it the wait for a place or, at the next look at
/// the switch, the work. The wait counts as part of the time that is allowed.
pub(crate) async fn run<T: Send + 'static>(
    rooms: Rooms,
    timeout: Option<Duration>,
    work: impl FnOnce(&Rooms, &Cancel) -> T + Send + 'static,
) -> Result<Done<T>, ApiError> {
    let began = Instant::now();
    // The client may ask for less time than the server gives, not for more.
    let allowed = rooms.engine.options().timeout;
    let deadline = began + timeout.map_or(allowed, |timeout| timeout.min(allowed));
    let permit = tokio::time::timeout_at(deadline, rooms.queries.clone().acquire_owned()).await;
    let permit = permit
        .map_err(|_| ApiError::new(ErrorType::Timeout, "query timed out in query queue"))?
        .map_err(|_| ApiError::new(ErrorType::Unavailable, "the server stops"))?;
    let waited = began.elapsed();
    let guard = CancelOnDrop(Cancel::new());
    let cancel = guard.0.clone();
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let began = Instant::now();
        let value = work(&rooms, &cancel);
        Done {
            value,
            waited,
            worked: began.elapsed(),
        }
    });
    tokio::time::timeout_at(deadline, work)
        .await
        .map_err(|_| {
            ApiError::new(
                ErrorType::Timeout,
                "query timed out in expression evaluation",
            )
        })?
        .map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))
}

/// What came of work, and how long it took.
pub(crate) struct Done<T> {
    pub(crate) value: T,
    /// For a place.
    pub(crate) waited: Duration,
    /// At the place.
    pub(crate) worked: Duration,
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
