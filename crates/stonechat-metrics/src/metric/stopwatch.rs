//! The time between two moments of one request, which two readings of a clock make up most of the price of.
//!
//! Where Linux itself takes the time from the counter of the processor, because it has found it steady and the same on
//! all of them, so does this: a reading takes 7 ns instead of 16, and their difference one multiplication instead of
//! 8 ns. How long a tick is, is measured against the clock of the system while the process runs, so that
//! nobody waits for it; until then, and elsewhere, the time is that of the system.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Takes a time, once.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Start);

#[derive(Debug, Clone, Copy)]
enum Start {
    Ticks(u64),
    Clock(Instant),
}

impl Stopwatch {
    #[inline]
    pub fn start() -> Self {
        match tick_seconds() {
            Some(_) => Self(Start::Ticks(counter::read())),
            None => Self(Start::Clock(look())),
        }
    }

    /// Seconds since the start.
    #[inline]
    pub fn seconds(self) -> f64 {
        match (self.0, tick_seconds()) {
            (Start::Ticks(start), Some(tick)) => {
                // Two processors may be a few ticks apart.
                counter::read().saturating_sub(start) as f64 * tick
            }
            (Start::Clock(start), _) => start.elapsed().as_secs_f64(),
            // What a tick is stays known.
            (Start::Ticks(_), None) => 0.0,
        }
    }

    pub fn elapsed(self) -> Duration {
        Duration::try_from_secs_f64(self.seconds()).unwrap_or_default()
    }
}

/// Bits of the seconds that a tick takes; zero, if nobody knows.
static TICK: AtomicU64 = AtomicU64::new(0);

#[inline]
fn tick_seconds() -> Option<f64> {
    let bits = TICK.load(Ordering::Relaxed);
    (bits != 0).then(|| f64::from_bits(bits))
}

/// So long the counter is compared with the clock: then a reading that is late by a microsecond is an error of 2 ppm.
const COMPARE: Duration = Duration::from_millis(500);

/// Reads the clock of the system, and once in a process finds out how long a tick is.
#[cold]
fn look() -> Instant {
    static FIRST: OnceLock<Option<(Instant, u64)>> = OnceLock::new();
    let now = Instant::now();
    let first = FIRST.get_or_init(|| counter::is_clock().then(|| (now, counter::read())));
    if let Some((clock, ticks)) = first {
        let passed = now.duration_since(*clock);
        let ticks = counter::read().saturating_sub(*ticks);
        if passed >= COMPARE && ticks > 0 {
            let tick = passed.as_secs_f64() / ticks as f64;
            // The first answer stays, so that a time is in one measure from start to end.
            let _ = TICK.compare_exchange(0, tick.to_bits(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }
    now
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counter {
    #[inline]
    #[allow(unsafe_code, reason = "the instruction has no safe name")]
    pub fn read() -> u64 {
        // SAFETY: every processor of this architecture has the instruction, and it touches no memory. A kernel may
        // forbid it to programs, which `is_clock` excludes: there the kernel's own code in the program uses it.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// Whether the system takes the time from it.
    pub fn is_clock() -> bool {
        let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        std::fs::read_to_string(source).is_ok_and(|name| name.trim() == "tsc")
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod counter {
    pub fn read() -> u64 {
        0
    }

    pub fn is_clock() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_measures_agree() {
        let begin = Instant::now();
        // Until the tick is known, or cannot be.
        while tick_seconds().is_none() && begin.elapsed() < 2 * COMPARE {
            Stopwatch::start();
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(tick_seconds().is_some(), counter::is_clock());
        let (clock, stopwatch) = (Instant::now(), Stopwatch::start());
        std::thread::sleep(Duration::from_millis(200));
        let (taken, real) = (stopwatch.seconds(), clock.elapsed().as_secs_f64());
        // The clock is read outside, and the thread may be kept waiting in between.
        assert!(taken > 0.199 && taken < real * 1.001, "{taken} of {real}");
    }

    #[test]
    fn a_time_that_began_before_the_tick_was_known_goes_on() {
        let before = Stopwatch(Start::Clock(Instant::now()));
        std::thread::sleep(Duration::from_millis(20));
        assert!(before.elapsed() >= Duration::from_millis(20));
    }
}
