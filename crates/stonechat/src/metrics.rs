//! The program's own metrics: the configuration, and what the store counts about itself.

use stonechat_metrics::{Counter, Gauge, RegisterError, Registry};
use stonechat_model::Timestamp;
use stonechat_tsdb::StoreStats;

/// How the configuration and the store are.
#[derive(Clone)]
pub(crate) struct ServerMetrics {
    /// 1 when the last reload succeeded.
    pub(crate) reload_successful: Gauge,
    reload_success_time: Gauge,
    gauges: Vec<(Gauge, Read<f64>)>,
    counters: Vec<(Counter, Read<u64>)>,
}

/// A name, a help text, and where the store keeps the value.
type Row<T> = (&'static str, &'static str, Read<T>);

/// Takes a value out of what the store says of itself.
type Read<T> = fn(&StoreStats) -> T;

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric is a float; no size here comes near 2^53"
)]
const GAUGES: [Row<f64>; 11] = [
    ("head_series", "Series in memory.", |stats| {
        stats.series as f64
    }),
    (
        "head_samples",
        "Samples in memory, as of the last maintenance.",
        |stats| stats.samples as f64,
    ),
    (
        "head_chunk_bytes",
        "Compressed samples in memory, as of the last maintenance.",
        |stats| stats.chunk_bytes as f64,
    ),
    (
        "writable",
        "Whether the last samples could be written: 0 when the disk is full, for example.",
        |stats| f64::from(u8::from(stats.write_failure.is_none())),
    ),
    (
        "history_complete",
        "Whether the log is read back: until then, old samples are missing in answers.",
        |stats| f64::from(u8::from(!stats.recovering)),
    ),
    ("log_bytes", "Size of the write-ahead log.", |stats| {
        stats.log_bytes as f64
    }),
    ("blocks", "Blocks on disk.", |stats| stats.blocks as f64),
    ("block_bytes", "Size of the blocks on disk.", |stats| {
        stats.block_bytes as f64
    }),
    ("block_samples", "Samples in the blocks on disk.", |stats| {
        stats.block_samples as f64
    }),
    (
        "log_sync_seconds",
        "How long the last fsync of the log took.",
        |stats| stats.sync_last.as_secs_f64(),
    ),
    (
        "replay_seconds",
        "How long reading the log back took at the start.",
        |stats| stats.replay.as_secs_f64(),
    ),
];

const COUNTERS: [Row<u64>; 15] = [
    (
        "samples_appended_total",
        "Samples that were stored.",
        |stats| stats.samples_accepted_total,
    ),
    (
        "samples_out_of_order_total",
        "Samples refused because their series has a newer one.",
        |stats| stats.samples_out_of_order_total,
    ),
    (
        "samples_duplicate_total",
        "Samples refused because their series has another value at that time.",
        |stats| stats.samples_duplicate_total,
    ),
    (
        "samples_too_old_total",
        "Samples refused because they are older than the retention.",
        |stats| stats.samples_too_old_total,
    ),
    (
        "series_refused_total",
        "Series refused by the limit.",
        |stats| stats.series_refused_total,
    ),
    (
        "series_removed_total",
        "Series removed because all their samples were too old.",
        |stats| stats.series_removed_total,
    ),
    (
        "append_failures_total",
        "Batches lost because the log could not be written.",
        |stats| stats.append_failures_total,
    ),
    (
        "log_sync_failures_total",
        "Times that the log could not be made durable.",
        |stats| stats.sync_failures_total,
    ),
    (
        "flush_failures_total",
        "Times that samples in memory could not be written into a block.",
        |stats| stats.flush_failures_total,
    ),
    (
        "flushes_total",
        "Times that samples in memory were written into a block.",
        |stats| stats.flushes_total,
    ),
    (
        "compactions_total",
        "Times that blocks were merged.",
        |stats| stats.compactions_total,
    ),
    (
        "compaction_failures_total",
        "Times that blocks could not be merged.",
        |stats| stats.compaction_failures_total,
    ),
    (
        "blocks_removed_total",
        "Blocks dropped because of their age, or to make room.",
        |stats| stats.blocks_removed_total,
    ),
    (
        "blocks_written_bytes_total",
        "Bytes of blocks that were written.",
        |stats| stats.blocks_written_bytes_total,
    ),
    (
        "log_damages_total",
        "Places at which the log was found damaged at the start.",
        |stats| stats.damages,
    ),
];

impl ServerMetrics {
    /// Registers all of them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let (config, tsdb) = (
            registry.namespace("stonechat_config"),
            registry.namespace("stonechat_tsdb"),
        );
        let gauge = |(name, help, read): Row<f64>| Ok((tsdb.gauge(name, help).register()?, read));
        let counter =
            |(name, help, read): Row<u64>| Ok((tsdb.counter(name, help).register()?, read));
        Ok(Self {
            reload_successful: config
                .gauge(
                    "last_reload_successful",
                    "Whether the last reload of the configuration succeeded.",
                )
                .register()?,
            reload_success_time: config
                .gauge(
                    "last_reload_success_timestamp_seconds",
                    "When the configuration was last read successfully.",
                )
                .register()?,
            gauges: GAUGES
                .into_iter()
                .map(gauge)
                .collect::<Result<_, RegisterError>>()?,
            counters: COUNTERS
                .into_iter()
                .map(counter)
                .collect::<Result<_, RegisterError>>()?,
        })
    }

    /// A configuration was read and is in force.
    pub(crate) fn reloaded(&self, now: Timestamp) {
        self.reload_successful.set(1.0);
        self.reload_success_time.set(now.seconds());
    }

    /// Takes over what the store counted.
    pub(crate) fn read(&self, stats: &StoreStats) {
        for (gauge, read) in &self.gauges {
            gauge.set(read(stats));
        }
        for (counter, read) in &self.counters {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a counter is a float, as everywhere in Prometheus"
            )]
            let missing = read(stats) as f64 - counter.get();
            if missing > 0.0 {
                counter.inc_by_f64(missing);
            }
        }
    }
}
