//! How long to wait between attempts: longer each time, and never the same for two, so that receivers that come
//! back are not met by everyone at once.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The waits of one message. The numbers are Alertmanager's.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    next: Duration,
}

const FACTOR: f64 = 1.5;
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A wait is up to that part shorter or longer than planned.
const JITTER: f64 = 0.5;

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        Self { next: first }
    }

    /// The next wait. `chance` lies between 0 and 1.
    pub(crate) fn wait(&mut self, chance: f64) -> Duration {
        let wait = self.next.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance);
        self.next = self.next.mul_f64(FACTOR).min(WAIT_MAX);
        wait
    }
}

/// A number from 0 to 1 that nobody foresees; the standard library seeds its hash maps with it.
#[expect(
    clippy::cast_precision_loss,
    reason = "a wait needs no more than 53 random bits"
)]
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_minute() {
        let mut backoff = Backoff::new(Duration::from_millis(500));
        let waits: Vec<u128> = (0..15).map(|_| backoff.wait(0.5).as_millis()).collect();
        assert_eq!(waits[..4], [500, 750, 1125, 1687]);
        assert_eq!(waits[14], 60_000);
    }

    #[test]
    fn waits_stray_by_half() {
        let wait = |chance| Backoff::new(Duration::from_secs(10)).wait(chance);
        assert_eq!(wait(0.0), Duration::from_secs(5));
        assert_eq!(wait(1.0), Duration::from_secs(15));
        for _ in 0..100 {
            assert!((0.0..=1.0).contains(&chance()));
        }
    }
}
