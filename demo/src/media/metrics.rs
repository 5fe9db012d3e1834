use stonechat_metrics::{
    HttpMetric, HttpServer, Named, RegisterError, Registry, ResourceMetric, Resources, WebRtc,
    WebRtcMetric, WebSocketMetric, WebSockets,
};

/// Everything that media measures, under the names of the dashboards that such services have.
#[derive(Debug, Clone)]
pub(crate) struct MediaMetrics {
    pub http: HttpServer,
    pub calls: WebRtc,
    pub sockets: WebSockets,
}

impl MediaMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let media = registry.namespace("media");
        resources(&media)?;
        Ok(Self {
            http: http(&media)?,
            calls: calls(&media)?,
            sockets: sockets(&media)?,
        })
    }
}

fn http(media: &Registry) -> Result<HttpServer, RegisterError> {
    let duration = Named::new("http_duration_seconds")
        .buckets([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]);
    HttpServer::register_as(
        media,
        &[
            (HttpMetric::Requests, Named::standard()),
            (HttpMetric::Duration, duration),
            (HttpMetric::InFlight, Named::standard()),
        ],
    )
}

fn sockets(media: &Registry) -> Result<WebSockets, RegisterError> {
    let names = [
        WebSocketMetric::Connections,
        WebSocketMetric::Messages,
        WebSocketMetric::MessageSize,
    ];
    WebSockets::register_as(media, &names.map(|metric| (metric, Named::standard())))
}

fn calls(media: &Registry) -> Result<WebRtc, RegisterError> {
    let connect_time = Named::new("ice_connection_time_milliseconds").milliseconds();
    // The calls of the demo take seconds, those of real services up to hours.
    let duration = Named::new("session_duration_seconds").buckets([
        1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0,
    ]);
    WebRtc::register_as(
        media,
        &[
            (WebRtcMetric::Active, Named::new("active_sessions")),
            (WebRtcMetric::Created, Named::new("sessions_created_total")),
            (WebRtcMetric::Closed, Named::new("sessions_closed_total")),
            (WebRtcMetric::Duration, duration),
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
