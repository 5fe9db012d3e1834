use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::latency::Latencies;

/// What all users together count.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub connected: AtomicU64,
    pub connected_max: AtomicU64,
    pub accepted: AtomicU64,
    pub failed: AtomicU64,
    pub expected: AtomicU64,
    pub delivered: AtomicU64,
    pub lost: AtomicU64,
    pub delivery: Latencies,
}

impl Tally {
    /// One user more is connected.
    pub fn connect(&self) {
        let now = self.connected.fetch_add(1, Ordering::Relaxed) + 1;
        self.connected_max.fetch_max(now, Ordering::Relaxed);
    }

    /// One user less is connected.
    pub fn disconnect(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn report(&self, users: u32, elapsed: Duration) -> LoadReport {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LoadReport {
            users,
            connected_max: get(&self.connected_max),
            accepted: get(&self.accepted),
            failed: get(&self.failed),
            expected: get(&self.expected),
            delivered: get(&self.delivered),
            connections_lost: get(&self.lost),
            delivery_p50: self.delivery.percentile(0.5),
            delivery_p95: self.delivery.percentile(0.95),
            delivery_p99: self.delivery.percentile(0.99),
            elapsed,
        }
    }
}

/// What a run of the load came to. Its text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Users that were to chat.
    pub users: u32,
    /// Most users connected at one time.
    pub connected_max: u64,
    /// Messages that the chat accepted.
    pub accepted: u64,
    /// Messages that it refused, or did not answer in time.
    pub failed: u64,
    /// Deliveries owed for the accepted messages: one for each recipient.
    pub expected: u64,
    /// Deliveries that arrived.
    pub delivered: u64,
    /// WebSockets that the chat ended.
    pub connections_lost: u64,
    /// Half of the deliveries took no longer; `None` without any. Right to about 10 %.
    pub delivery_p50: Option<Duration>,
    /// 95 % of the deliveries took no longer.
    pub delivery_p95: Option<Duration>,
    /// 99 % of the deliveries took no longer.
    pub delivery_p99: Option<Duration>,
    /// From start to end.
    pub elapsed: Duration,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} users connected, {} messages accepted, {} failed, {} of {} deliveries arrived",
            self.connected_max,
            self.users,
            self.accepted,
            self.failed,
            self.delivered,
            self.expected
        )?;
        if let (Some(p50), Some(p95), Some(p99)) =
            (self.delivery_p50, self.delivery_p95, self.delivery_p99)
        {
            let millis = |latency: Duration| latency.as_secs_f64() * 1_000.0;
            write!(
                f,
                " (p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms)",
                millis(p50),
                millis(p95),
                millis(p99)
            )?;
        }
        write!(
            f,
            ", {} connections lost, in {:.1} s",
            self.connections_lost,
            self.elapsed.as_secs_f64()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line() {
        let tally = Tally::default();
        tally.connect();
        tally.connect();
        tally.disconnect();
        tally.accepted.store(7, Ordering::Relaxed);
        tally.expected.store(21, Ordering::Relaxed);
        tally.delivered.store(20, Ordering::Relaxed);
        tally.delivery.record(Duration::from_millis(2));
        let report = tally.report(3, Duration::from_millis(1_500));
        assert_eq!(
            report.to_string(),
            "2 of 3 users connected, 7 messages accepted, 0 failed, 20 of 21 deliveries arrived \
             (p50 2.1 ms, p95 2.1 ms, p99 2.1 ms), 0 connections lost, in 1.5 s"
        );
    }
}
