//! The load: users that register, log in, connect, and chat through real WebSockets; and users who
//! call media.

mod circle; // who talks with whom
mod latency; // percentiles of delivery times
mod metrics; // what the load shows of itself
mod phone; // users who call
mod random; // chance, without a dependency
mod report; // what it comes to in the end
mod socket; // one user's WebSocket
mod user; // the life of one user

use std::sync::Arc;
use std::time::{Duration, Instant};

use stonechat_metrics::{RegisterError, Registry, serve_admin};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::LoadArgs;
use crate::call::Caller;
use crate::control::follow_faults;
use crate::ending::Endings;
use crate::fault::Faults;
use crate::listen::ListenError;
use crate::wire::UnixMillis;
use circle::Circles;
use metrics::LoadMetrics;
use phone::{PhoneMetrics, Phones};
use report::Tally;
use user::User;

pub use report::LoadReport;

/// How long a user waits for an answer of the HTTP API.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// Between the first calls of two phones.
const PHONE_DISTANCE: Duration = Duration::from_millis(200);
/// How long the users may take to close their WebSockets in the end.
const CLOSE_MAX: Duration = Duration::from_secs(4);

/// The load could not start. That the chat is not there is no error: the users keep trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The address for metrics is taken: stop what holds it, or choose another one.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Two metrics contradict each other: a mistake in this program.
    #[error(transparent)]
    Metrics(#[from] RegisterError),
    /// The system refused signal handlers.
    #[error("signals cannot be handled")]
    Signals(#[source] std::io::Error),
}

/// What the users share.
#[derive(Debug)]
struct Load {
    args: LoadArgs,
    /// Tells the messages of this run from those of an earlier one.
    run: u64,
    started: Instant,
    api: Caller,
    metrics: LoadMetrics,
    tally: Tally,
}

/// Lets users chat until the time is up, a signal comes, or standard input ends, as the arguments
/// say; then closes their WebSockets and returns what it came to.
///
/// # Errors
///
/// When the address for metrics is taken, or signals cannot be handled.
pub async fn run_load(args: LoadArgs) -> Result<LoadReport, LoadError> {
    let endings =
        Endings::new(args.end.time, args.end.exit_with_stdin).map_err(LoadError::Signals)?;
    let registry = Registry::new();
    let metrics = LoadMetrics::register(&registry)?;
    let faults = Arc::new(Faults::default());
    let phones = Phones::new(
        args.calls.clone(),
        Arc::clone(&faults),
        PhoneMetrics::register(&registry)?,
    );
    let failed = |source| ListenError {
        name: "the load's metrics",
        address: args.metrics,
        source,
    };
    let admin = serve_admin(args.metrics, registry).await.map_err(failed)?;
    tracing::info!(
        users = args.users, rate = args.rate, calls = args.calls.calls, gateway = %args.gateway,
        metrics = %admin.local_addr(), "load starts"
    );
    let load = Arc::new(Load {
        run: u64::try_from(UnixMillis::now().0).unwrap_or_default(),
        started: Instant::now(),
        api: Caller::new("the chat", args.gateway, CALL_TIMEOUT),
        metrics,
        tally: Tally::default(),
        args,
    });
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let _stop_on_drop = stop.clone().drop_guard();
    tasks.spawn(ramp_up(Arc::clone(&load), tasks.clone(), stop.clone()));
    if load.args.calls.calls > 0 {
        let (control, stopped) = (load.args.calls.control, stop.clone());
        tasks.spawn(async move {
            let following = follow_faults(control, &faults);
            stopped.run_until_cancelled(following).await;
        });
        tasks.spawn(hand_out(Arc::new(phones), tasks.clone(), stop.clone()));
    }

    let ending = endings.first().await;
    tracing::info!(%ending, "load ends");
    stop.cancel();
    tasks.close();
    if timeout(CLOSE_MAX, tasks.wait()).await.is_err() {
        tracing::warn!("some users were cut off");
    }
    admin.shutdown().await;
    Ok(load.tally.report(load.args.users, load.started.elapsed()))
}

/// Lets the users arrive one after the other, at even distances.
async fn ramp_up(load: Arc<Load>, tasks: TaskTracker, stop: CancellationToken) {
    let count = load.args.users;
    let circles = Circles::new(count as usize, load.run);
    let distance = load.args.ramp / count;
    for number in 0..count as usize {
        let user = User::new(Arc::clone(&load), number, circles.of(number));
        tasks.spawn(user.live(stop.clone()));
        if stop.run_until_cancelled(sleep(distance)).await.is_none() {
            return;
        }
    }
}

/// Gives the phones to their users, one after the other, so that they do not call all at once.
async fn hand_out(phones: Arc<Phones>, tasks: TaskTracker, stop: CancellationToken) {
    for number in 0..phones.count() {
        tasks.spawn(Arc::clone(&phones).ring(number, stop.clone()));
        if stop
            .run_until_cancelled(sleep(PHONE_DISTANCE))
            .await
            .is_none()
        {
            return;
        }
    }
}
