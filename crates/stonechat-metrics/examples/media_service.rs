//! The metrics of media-service, a WebRTC service, under the names that its dashboards know.
//!
//! `cargo run -p stonechat-metrics --features axum --example media_service`, and `monitoring/media-service` watches it;
//! `-- --listen ADDRESS` lets it listen elsewhere than where that folder looks for it.

#[path = "simulation/run.rs"]
mod run;

use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

use stonechat_metrics::{
    CloseReason, ConnectionGuard, Direction, HttpMetric, HttpServer, IceState, MediaSession, Named,
    RegisterError, Registry, ResourceMetric, Resources, WebRtc, WebRtcMetric, WebSocketMetric,
    WebSockets,
};

/// Everything that media-service counts.
pub struct MediaService {
    http: HttpServer,
    sockets: WebSockets,
    calls: WebRtc,
    /// Calls under way, oldest first.
    open: VecDeque<(MediaSession, ConnectionGuard)>,
}

/// Most calls under way.
const OPEN_MAX: usize = 20;

impl MediaService {
    /// Registers the families.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let media = registry.namespace("media");
        resources(&media)?;
        let duration = Named::new("http_duration_seconds")
            .buckets([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]);
        let http = [
            (HttpMetric::Requests, Named::standard()),
            (HttpMetric::Duration, duration),
            (HttpMetric::InFlight, Named::standard()),
        ];
        let sockets = [
            (WebSocketMetric::Connections, Named::standard()),
            (WebSocketMetric::Messages, Named::standard()),
            (WebSocketMetric::MessageSize, Named::standard()),
        ];
        Ok(Self {
            http: HttpServer::register_as(&media, &http)?,
            sockets: WebSockets::register_as(&media, &sockets)?,
            calls: calls(&media)?,
            open: VecDeque::new(),
        })
    }

    /// Makes the traffic of a tenth of a second.
    pub fn round(&mut self, number: u64) {
        self.http.start("GET", "/health").finish("200");
        if number.is_multiple_of(10) {
            self.begin_call(number);
        }
        self.sockets.message("candidate", Direction::In);
        let size = self.sockets.message_size("candidate", Direction::In);
        size.observe(100.0 + run::roll(number, 1, 400) as f64);
        for (position, (call, _)) in self.open.iter().enumerate() {
            let roll = |salt, end| run::roll(number, salt + 10 * position as u64, end);
            call.set_frame_rate(25.0 + roll(2, 6) as f64);
            call.set_bitrate(900_000.0 + roll(3, 300_000) as f64);
            call.set_loss(roll(4, 30) as f64 / 1_000.0);
            call.set_round_trip(Duration::from_millis(20 + roll(5, 60)));
            call.set_jitter(Duration::from_micros(500 + roll(6, 9_000)));
        }
    }

    fn begin_call(&mut self, number: u64) {
        self.http.start("POST", "/sessions").finish("201");
        let device = format!("camera-{}", run::roll(number, 7, 5));
        let call = self.calls.session(&format!("s{}", number / 10), &device);
        call.ice_state(IceState::New);
        for _ in 0..=run::roll(number, 8, 4) {
            call.candidate_added();
        }
        call.ice_state(IceState::Checking);
        if run::roll(number, 9, 12) == 1 {
            call.ice_state(IceState::Failed);
            call.close(CloseReason::IceFailed);
            return;
        }
        call.ice_state(IceState::Connected);
        self.open.push_back((call, self.sockets.connect()));
        if self.open.len() > OPEN_MAX
            && let Some((oldest, _)) = self.open.pop_front()
        {
            let silent = run::roll(number, 10, 3) == 0;
            oldest.close(if silent {
                CloseReason::InactiveTimeout
            } else {
                CloseReason::Normal
            });
        }
    }
}

fn calls(media: &Registry) -> Result<WebRtc, RegisterError> {
    let connect_time = Named::new("ice_connection_time_milliseconds").milliseconds();
    WebRtc::register_as(
        media,
        &[
            (WebRtcMetric::Active, Named::new("active_sessions")),
            (WebRtcMetric::Created, Named::new("sessions_created_total")),
            (WebRtcMetric::Closed, Named::new("sessions_closed_total")),
            (
                WebRtcMetric::Duration,
                Named::new("session_duration_seconds"),
            ),
            (WebRtcMetric::IceState, Named::new("ice_connection_state")),
            (
                WebRtcMetric::Candidates,
                Named::new("ice_candidates_added_total"),
            ),
            (WebRtcMetric::ConnectTime, connect_time),
            (WebRtcMetric::FrameRate, Named::new("video_frame_rate")),
            (WebRtcMetric::Bitrate, Named::new("video_bitrate_bps")),
            (WebRtcMetric::Loss, Named::new("packet_loss_ratio")),
            (WebRtcMetric::RoundTrip, Named::new("rtt_milliseconds")),
            (WebRtcMetric::Jitter, Named::new("jitter_milliseconds")),
        ],
    )
}

fn resources(media: &Registry) -> Result<Resources, RegisterError> {
    Resources::register_as(
        media,
        &[
            (ResourceMetric::Cpu, Named::new("cpu_usage_ratio")),
            (ResourceMetric::Resident, Named::new("memory_usage_bytes")),
            (
                ResourceMetric::Allocated,
                Named::new("memory_heap_alloc_bytes"),
            ),
            (ResourceMetric::Heap, Named::new("memory_heap_sys_bytes")),
            (ResourceMetric::Tasks, Named::new("goroutine_count")),
        ],
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::bare();
    let mut service = MediaService::register(&registry)?;
    run::run("127.0.0.1:19123", registry, |number| service.round(number)).await
}
