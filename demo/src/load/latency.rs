use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds grow by this factor, so a percentile is right to about 10 %.
const FACTOR: f64 = 1.1;
const FIRST_BOUND_SECONDS: f64 = 0.000_1;
/// The last bound is beyond ten minutes; what takes longer counts as that.
const BOUNDS: usize = 170;

/// How long things took, for percentiles; all users count into one.
#[derive(Debug)]
pub(super) struct Latencies {
    counts: [AtomicU64; BOUNDS],
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BOUNDS],
        }
    }
}

impl Latencies {
    pub fn record(&self, latency: Duration) {
        let steps = (latency.as_secs_f64() / FIRST_BOUND_SECONDS)
            .max(1.0)
            .log(FACTOR)
            .ceil();
        // Finite and not negative, because of `max`.
        let index = (steps as usize).min(BOUNDS - 1);
        self.counts[index].fetch_add(1, Ordering::Relaxed);
    }

    /// What `share` of all latencies stay below; `None` if there are none.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .collect();
        let total: u64 = counts.iter().sum();
        let rank = (total as f64 * share).ceil().max(1.0) as u64;
        let mut below = 0;
        let index = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        let exponent = i32::try_from(index).unwrap_or(i32::MAX);
        Some(Duration::from_secs_f64(
            FIRST_BOUND_SECONDS * FACTOR.powi(exponent),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_ten_percent() {
        let latencies = Latencies::default();
        assert_eq!(latencies.percentile(0.5), None);
        (1..=1_000).for_each(|millis| latencies.record(Duration::from_millis(millis)));
        for (share, seconds) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let found = latencies.percentile(share).unwrap().as_secs_f64();
            assert!(
                (seconds..seconds * 1.11).contains(&found),
                "{share}: {found}"
            );
        }
    }

    #[test]
    fn extremes_have_a_place() {
        let latencies = Latencies::default();
        latencies.record(Duration::ZERO);
        assert_eq!(latencies.percentile(1.0), Some(Duration::from_micros(100)));
        latencies.record(Duration::from_secs(1_000_000));
        assert!(latencies.percentile(1.0).unwrap() > Duration::from_secs(600));
    }
}
