use stonechat_metrics::{Counter, Family, Gauge, RegisterError, Registry};

/// What the phones show of themselves: calls as callers see them.
#[derive(Debug, Clone)]
pub(in crate::load) struct PhoneMetrics {
    pub(super) active: Gauge,
    /// By end: `hung_up`, `closed_by_media`, `abandoned`, `failed`.
    pub(super) calls: Family<Counter, 1>,
    pub(super) packets_sent: Counter,
    pub(super) packets_lost: Counter,
    pub(super) echoes: Counter,
}

impl PhoneMetrics {
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let load = registry.namespace("chat_load");
        let packets = load
            .counter(
                "call_packets_total",
                "Packets that phones sent to media, and those of them that the line lost.",
            )
            .labels(["status"])
            .register()?;
        Ok(Self {
            active: load
                .gauge("calls_active", "Calls that phones are in.")
                .register()?,
            calls: load
                .counter("calls_total", "Calls that ended, by how.")
                .labels(["end"])
                .register()?,
            packets_sent: packets.with(["sent"]),
            packets_lost: packets.with(["lost"]),
            echoes: load
                .counter("call_echoes_total", "Sounds that came back from media.")
                .register()?,
        })
    }
}
