use stonechat_metrics::{Counter, Family, Gauge, Histogram, RegisterError, Registry, buckets};

/// Scrapers that ask for protobuf also get native histograms, of so many buckets.
const NATIVE_BUCKETS_MAX: usize = 80;

/// What the load shows of itself: the chat as its users see it.
#[derive(Debug, Clone)]
pub(super) struct LoadMetrics {
    pub connected: Gauge,
    /// By status: `ok`, `error`.
    pub connects: Family<Counter, 1>,
    pub lost: Counter,
    /// By type and status: `ok`, `error`, `timeout`.
    pub sent: Family<Counter, 2>,
    pub received: Counter,
    pub send_seconds: Histogram,
    pub delivery_seconds: Histogram,
}

impl LoadMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let load = registry.namespace("chat_load");
        let seconds = |name, help| {
            load.histogram(name, help)
                .unit("seconds")
                .native(NATIVE_BUCKETS_MAX)
                .buckets(buckets::SECONDS.iter().copied().chain([30.0, 60.0]))
                .register()
        };
        Ok(Self {
            connected: load
                .gauge("users_connected", "Users with an open WebSocket.")
                .register()?,
            connects: load
                .counter("connects_total", "Attempts to log in and connect.")
                .labels(["status"])
                .register()?,
            lost: load
                .counter("connections_lost_total", "WebSockets that the chat ended.")
                .register()?,
            sent: load
                .counter(
                    "messages_sent_total",
                    "Messages sent, by the answer that came.",
                )
                .labels(["type", "status"])
                .register()?,
            received: load
                .counter(
                    "messages_received_total",
                    "Messages that reached their recipient.",
                )
                .register()?,
            send_seconds: seconds("send_duration_seconds", "From sending to the answer.")?,
            delivery_seconds: seconds(
                "delivery_duration_seconds",
                "From sending to the arrival at the recipient.",
            )?,
        })
    }
}
