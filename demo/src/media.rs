//! Media: calls over WebRTC. A caller offers over HTTP or a WebSocket what it wants to send; picture and sound then
//! come over UDP, those of all calls to one socket. Sound goes back to the caller, as an echo.

mod api; // offers, and hanging up
mod call; // one call: no clock, no sockets
mod exchange; // all calls: which packet belongs to which
mod metrics; // what is measured
mod signal; // the API over a WebSocket
mod socket; // the UDP socket and the clock around the exchange

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::{Candidate, RtcConfig};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::listen::UdpListener;
use crate::rtc;
use crate::secret::{NoRandom, hex, random_bytes};
use call::Call;

pub(crate) use api::router;
#[cfg(test)]
pub(crate) use exchange::Exchange;
pub(crate) use metrics::MediaMetrics;
pub(crate) use socket::Shell;

/// Most calls at one time.
const CALLS_MAX: usize = 200;
/// Orders to the exchange that wait for it.
const ORDERS_WAITING_MAX: usize = 64;

/// How long media waits for its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaConfig {
    /// A call that has no connection for so long has failed.
    pub connect_max: Duration,
    /// A call that brings neither picture nor sound for so long is closed.
    pub silence_max: Duration,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            connect_max: Duration::from_secs(5),
            silence_max: Duration::from_secs(5),
        }
    }
}

/// The service, as its API sees it.
#[derive(Debug)]
pub(crate) struct Media {
    config: MediaConfig,
    rtc: RtcConfig,
    /// Where picture and sound arrive.
    address: SocketAddr,
    metrics: MediaMetrics,
    seats: Arc<Semaphore>,
    /// As many WebSockets as calls.
    lines: Arc<Semaphore>,
    orders: mpsc::Sender<Order>,
}

/// What the API asks of the exchange.
#[derive(Debug)]
enum Order {
    Take(Box<Call>),
    /// Answered with whether there was such a call.
    HangUp(String, oneshot::Sender<bool>),
}

/// A call cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCall {
    #[error("media has as many calls as it takes")]
    Full,
    #[error("media is going away")]
    GoingAway,
    #[error("the offer cannot be used: {0}")]
    Offer(String),
    #[error(transparent)]
    Random(#[from] NoRandom),
}

impl Media {
    /// Media at this socket. Nothing happens there before the shell runs.
    pub fn new(udp: UdpListener, config: MediaConfig, metrics: MediaMetrics) -> (Self, Shell) {
        let (media, orders) = Self::without_shell(udp.address, config, metrics);
        (media, Shell::new(udp, orders))
    }

    /// Media whose calls arrive at this address, and whose orders somebody else carries out.
    fn without_shell(
        address: SocketAddr,
        config: MediaConfig,
        metrics: MediaMetrics,
    ) -> (Self, mpsc::Receiver<Order>) {
        let (orders, waiting) = mpsc::channel(ORDERS_WAITING_MAX);
        let media = Self {
            config,
            rtc: rtc::config(),
            address,
            metrics,
            seats: Arc::new(Semaphore::new(CALLS_MAX)),
            lines: Arc::new(Semaphore::new(CALLS_MAX)),
            orders,
        };
        (media, waiting)
    }

    /// Media that only answers offers.
    #[cfg(test)]
    pub fn without_socket(address: SocketAddr, metrics: MediaMetrics) -> Self {
        Self::without_shell(address, MediaConfig::default(), metrics).0
    }

    /// Calls that it would take now.
    pub fn free_seats(&self) -> usize {
        self.seats.available_permits()
    }

    /// Takes a call, and gives its identifier and the answer to the offer.
    async fn take(&self, device_id: &str, offer: &str) -> Result<(String, String), NoCall> {
        let (call, answer) = self.answer(device_id, offer, Instant::now())?;
        let session_id = call.session_id().to_owned();
        self.order(Order::Take(Box::new(call))).await?;
        Ok((session_id, answer))
    }

    /// A call for the exchange, and the answer to its offer.
    pub fn answer(
        &self,
        device_id: &str,
        offer: &str,
        now: Instant,
    ) -> Result<(Call, String), NoCall> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let seat = seat.map_err(|_| NoCall::Full)?;
        let unusable = |error: &dyn std::fmt::Display| NoCall::Offer(error.to_string());
        let candidates = offer.matches("a=candidate:").count();
        let offer = SdpOffer::from_sdp_string(offer).map_err(|error| unusable(&error))?;
        let mut rtc = self.rtc.clone().build(now);
        let here = Candidate::host(self.address, "udp").map_err(|error| unusable(&error))?;
        rtc.add_local_candidate(here);
        let answer = rtc.sdp_api().accept_offer(offer);
        let answer = answer.map_err(|error| unusable(&error))?.to_sdp_string();

        let session_id = hex(&random_bytes::<8>()?);
        let session = self.metrics.calls.session(&session_id, device_id);
        (0..candidates).for_each(|_| session.candidate_added());
        let call = Call::new(session_id, rtc, session, self.config, now).seated(seat);
        Ok((call, answer))
    }

    /// Ends a call; false if there is none of this identifier.
    async fn hang_up(&self, session_id: String) -> Result<bool, NoCall> {
        let (done, answer) = oneshot::channel();
        self.order(Order::HangUp(session_id, done)).await?;
        answer.await.map_err(|_| NoCall::GoingAway)
    }

    async fn order(&self, order: Order) -> Result<(), NoCall> {
        let given = self.orders.send(order).await;
        given.map_err(|_| NoCall::GoingAway)
    }
}
