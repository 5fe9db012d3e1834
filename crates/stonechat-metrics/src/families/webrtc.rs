mod session; // what happens in one session

use std::sync::Arc;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Registry;

pub use session::{CloseReason, IceState, MediaSession};

/// Buckets for sessions: 1 minute to 2 hours.
const SESSION: &[f64] = &[60.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0];

/// Buckets for finding a way to the peer: 0.1 to 12.8 seconds.
const CONNECT: &[f64] = &[0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8];

/// WebRTC sessions: how many there are, how they begin and end, and how good picture and sound are
/// while they last.
///
/// `webrtc_active_sessions`, `webrtc_sessions_created_total{device_id}`,
/// `webrtc_sessions_closed_total{device_id,reason}`, `webrtc_session_duration_seconds{device_id}`,
/// `webrtc_ice_connection_state{session_id,state}`,
/// `webrtc_ice_candidates_added_total{session_id}`,
/// `webrtc_ice_connection_time_seconds{session_id}`, and by `session_id` the gauges
/// `webrtc_video_frame_rate`, `webrtc_video_bitrate_bps`, `webrtc_packet_loss_ratio`,
/// `webrtc_rtt_seconds` and `webrtc_jitter_seconds`, each of them once it was measured. Series with a
/// `session_id` go with their session, after one more scrape.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{CloseReason, IceState, WebRtc};
///
/// let session = WebRtc::register(&registry)?.session("s-1", "camera-7");
/// session.candidate_added();
/// session.ice_state(IceState::Checking);
/// session.ice_state(IceState::Connected); // observes the time since the session began
/// session.set_loss(0.02);
/// session.close(CloseReason::Normal); // dropped instead, it counts as `dropped`
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebRtc(Arc<Families>);

/// The metrics of [`WebRtc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WebRtcMetric {
    /// Gauge of open sessions, without parts.
    Active,
    /// Counter of sessions that began, by `device_id`.
    Created,
    /// Counter of sessions that ended, by `device_id` and `reason`.
    Closed,
    /// Histogram of how long sessions were, by `device_id`.
    Duration,
    /// Gauge that is 1 for the state that the connection is in and 0 for those that it was in, by
    /// `session_id` and `state`.
    IceState,
    /// Counter of the peer's addresses, by `session_id`.
    Candidates,
    /// Histogram of the time from the beginning to being connected, by `session_id`.
    ConnectTime,
    /// Gauge of pictures a second, by `session_id`.
    FrameRate,
    /// Gauge of bits of video a second, by `session_id`.
    Bitrate,
    /// Gauge of the part of packets that was lost, from 0 to 1, by `session_id`.
    Loss,
    /// Gauge of the time to the peer and back, by `session_id`.
    RoundTrip,
    /// Gauge of how unevenly packets arrive, by `session_id`.
    Jitter,
}

const SESSION_ID: &[&str] = &["session_id"];
const DEVICE_ID: &[&str] = &["device_id"];

impl Key for WebRtcMetric {
    fn template(self) -> Template {
        let new = Template::new;
        match self {
            Self::Active => new("webrtc_active_sessions", "Sessions that are open."),
            Self::Created => {
                new("webrtc_sessions_created_total", "Sessions that began.").labels(DEVICE_ID)
            }
            Self::Closed => new(
                "webrtc_sessions_closed_total",
                "Sessions that ended, and why.",
            )
            .labels(&["device_id", "reason"]),
            Self::Duration => new("webrtc_session_duration_seconds", "How long sessions were.")
                .labels(DEVICE_ID)
                .seconds(SESSION),
            Self::IceState => new(
                "webrtc_ice_connection_state",
                "1 for the state that the connection is in, 0 for those that it was in.",
            )
            .labels(&["session_id", "state"]),
            Self::Candidates => new(
                "webrtc_ice_candidates_added_total",
                "Addresses of the peer that were tried.",
            )
            .labels(SESSION_ID),
            Self::ConnectTime => new(
                "webrtc_ice_connection_time_seconds",
                "Time from the beginning of the session to being connected.",
            )
            .labels(SESSION_ID)
            .seconds(CONNECT),
            Self::FrameRate => new("webrtc_video_frame_rate", "Pictures a second.")
                .labels(SESSION_ID)
                .measured(),
            Self::Bitrate => new("webrtc_video_bitrate_bps", "Bits of video a second.")
                .labels(SESSION_ID)
                .measured(),
            Self::Loss => new(
                "webrtc_packet_loss_ratio",
                "Part of the packets that was lost, from 0 to 1.",
            )
            .labels(SESSION_ID)
            .unit("ratio")
            .measured(),
            Self::RoundTrip => new("webrtc_rtt_seconds", "Time to the peer and back.")
                .labels(SESSION_ID)
                .unit("seconds")
                .measured(),
            Self::Jitter => new("webrtc_jitter_seconds", "How unevenly packets arrive.")
                .labels(SESSION_ID)
                .unit("seconds")
                .measured(),
        }
    }
}

#[derive(Debug)]
struct Families {
    registry: Registry,
    active: Gauge,
    created: Part<Counter>,
    closed: Part<Counter>,
    duration: Part<Histogram>,
    ice_state: Part<Gauge>,
    candidates: Part<Counter>,
    connect_time: Part<Histogram>,
    frame_rate: Part<Gauge>,
    bitrate: Part<Gauge>,
    loss: Part<Gauge>,
    round_trip: Part<Gauge>,
    jitter: Part<Gauge>,
}

impl WebRtc {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use WebRtcMetric::{
            Active, Bitrate, Candidates, Closed, ConnectTime, Created, Duration, FrameRate,
            IceState, Jitter, Loss, RoundTrip,
        };
        let all = [
            Active,
            Created,
            Closed,
            Duration,
            IceState,
            Candidates,
            ConnectTime,
            FrameRate,
            Bitrate,
            Loss,
            RoundTrip,
            Jitter,
        ];
        Self::register_as(registry, &standard(all))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(WebRtcMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        Ok(Self(Arc::new(Families {
            registry: registry.clone(),
            active: chosen.part::<Gauge>(WebRtcMetric::Active)?.with(&[]),
            created: chosen.part(WebRtcMetric::Created)?,
            closed: chosen.part(WebRtcMetric::Closed)?,
            duration: chosen.part(WebRtcMetric::Duration)?,
            ice_state: chosen.part(WebRtcMetric::IceState)?,
            candidates: chosen.part(WebRtcMetric::Candidates)?,
            connect_time: chosen.part(WebRtcMetric::ConnectTime)?,
            frame_rate: chosen.part(WebRtcMetric::FrameRate)?,
            bitrate: chosen.part(WebRtcMetric::Bitrate)?,
            loss: chosen.part(WebRtcMetric::Loss)?,
            round_trip: chosen.part(WebRtcMetric::RoundTrip)?,
            jitter: chosen.part(WebRtcMetric::Jitter)?,
        })))
    }

    /// Begins a session; keep it as long as it lasts.
    pub fn session(&self, session_id: &str, device_id: &str) -> MediaSession {
        MediaSession::begin(&self.0, session_id, device_id)
    }
}
