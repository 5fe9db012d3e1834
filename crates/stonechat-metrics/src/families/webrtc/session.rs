use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Families;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::session::Session;

/// How a session ended; the values of a label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// One of the two sides hung up.
    Normal,
    /// Nothing came for too long.
    InactiveTimeout,
    /// There was no way to the peer, or it was lost.
    IceFailed,
    /// The program let go of the session without saying why: an error, or a panic.
    Dropped,
}

impl CloseReason {
    /// The value of the label: `normal_close`, `inactive_timeout`, `ice_failed` or `dropped`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal_close",
            Self::InactiveTimeout => "inactive_timeout",
            Self::IceFailed => "ice_failed",
            Self::Dropped => "dropped",
        }
    }
}

/// Where the connection to a peer stands; the values of a label `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IceState {
    /// Nothing has been tried.
    New,
    /// Addresses are being tried.
    Checking,
    /// A way was found.
    Connected,
    /// A way was found, and no better one is looked for.
    Completed,
    /// The way was lost, and may come back.
    Disconnected,
    /// There is no way.
    Failed,
    /// The connection is over.
    Closed,
}

impl IceState {
    /// The value of the label: the word of the W3C's API, such as `checking`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

/// One session, made by [`WebRtc::session`](crate::WebRtc::session); its series go with it. Using it
/// takes a lock only where the state of the connection changes.
pub struct MediaSession {
    families: Arc<Families>,
    session_id: Box<str>,
    device_id: Box<str>,
    _active: GaugeGuard,
    start: Instant,
    candidates: Counter,
    connect_time: Histogram,
    frame_rate: Gauge,
    bitrate: Gauge,
    loss: Gauge,
    round_trip: Gauge,
    jitter: Gauge,
    ice: Mutex<Ice>,
    reason: CloseReason,
    #[cfg(feature = "str0m")]
    str0m: Mutex<crate::integrations::Str0mState>,
    /// Last, so that its series end after they have got their last values.
    series: Session,
}

#[derive(Default)]
struct Ice {
    /// The state that is 1.
    state: Option<(IceState, Gauge)>,
    connected: bool,
}

impl MediaSession {
    pub(super) fn begin(families: &Arc<Families>, session_id: &str, device_id: &str) -> Self {
        let series = families.registry.session();
        let id = [session_id];
        families.created.with(&[device_id]).inc();
        Self {
            candidates: families.candidates.own(&series, &id),
            connect_time: families.connect_time.own(&series, &id),
            frame_rate: families.frame_rate.own(&series, &id),
            bitrate: families.bitrate.own(&series, &id),
            loss: families.loss.own(&series, &id),
            round_trip: families.round_trip.own(&series, &id),
            jitter: families.jitter.own(&series, &id),
            _active: families.active.hold(),
            families: Arc::clone(families),
            session_id: session_id.into(),
            device_id: device_id.into(),
            start: Instant::now(),
            ice: Mutex::new(Ice::default()),
            reason: CloseReason::Dropped,
            #[cfg(feature = "str0m")]
            str0m: Mutex::default(),
            series,
        }
    }

    /// Counts an address of the peer that is tried.
    pub fn candidate_added(&self) {
        self.candidates.inc();
    }

    /// Notes where the connection stands. The first time that it is connected, the time since the
    /// session began is observed. A session that ends is closed, unless its connection has failed.
    pub fn ice_state(&self, state: IceState) {
        let mut ice = self.ice.lock();
        if !ice.connected && matches!(state, IceState::Connected | IceState::Completed) {
            ice.connected = true;
            self.connect_time.observe_duration(self.start.elapsed());
        }
        let parts = [&*self.session_id, state.as_str()];
        let now = self.families.ice_state.own(&self.series, &parts);
        if let Some((_, before)) = ice.state.take() {
            before.set(0.0);
        }
        now.set(1.0);
        ice.state = Some((state, now));
    }

    /// Sets the pictures a second.
    pub fn set_frame_rate(&self, frames: f64) {
        self.frame_rate.set(frames);
    }

    /// Sets the bits of video a second.
    pub fn set_bitrate(&self, bits: f64) {
        self.bitrate.set(bits);
    }

    /// Sets the part of the packets that was lost, from 0 to 1.
    pub fn set_loss(&self, ratio: f64) {
        self.loss.set(ratio);
    }

    /// Sets the time to the peer and back.
    pub fn set_round_trip(&self, time: Duration) {
        self.round_trip.set_duration(time);
    }

    /// Sets how unevenly packets arrive.
    pub fn set_jitter(&self, time: Duration) {
        self.jitter.set_duration(time);
    }

    #[cfg(feature = "str0m")]
    pub(crate) fn str0m(&self) -> parking_lot::MutexGuard<'_, crate::integrations::Str0mState> {
        self.str0m.lock()
    }

    /// Ends the session.
    pub fn close(mut self, reason: CloseReason) {
        self.reason = reason;
    }
}

impl Drop for MediaSession {
    fn drop(&mut self) {
        // The last scrape is not to see a connection that is there no more; that it failed is how
        // it ended.
        let state = self.ice.get_mut().state.as_ref().map(|(state, _)| *state);
        if state.is_some_and(|state| state != IceState::Failed) {
            self.ice_state(IceState::Closed);
        }
        let Families {
            closed, duration, ..
        } = &*self.families;
        let device_id = &*self.device_id;
        closed.with(&[device_id, self.reason.as_str()]).inc();
        duration
            .with(&[device_id])
            .observe_duration(self.start.elapsed());
    }
}

impl fmt::Debug for MediaSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaSession")
            .field("session_id", &self.session_id)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}
