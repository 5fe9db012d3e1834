//! The thread that keeps memory and disk within their limits.

use std::io;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Shared;

/// Bytes that a sample takes in the head, about, before it is in a block.
const SAMPLE_BYTES: u64 = 3;

/// Bytes of samples for each series before the head is written into a block, where no limit is set: twelve
/// minutes at four scrapes a minute.
const SERIES_BYTES: u64 = 150;

/// The least such limit.
const HEAD_BYTES_MIN: u64 = 4 << 20;

/// How long a batch waits at most for a head that is twice as large as its limit.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What no query has wanted for so long, and at most twice as long, is no longer kept unpacked.
const CACHE_AGE: Duration = Duration::from_mins(1);

/// How long the thread rests after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Wakes the thread, and whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    rung: Mutex<bool>,
    wake: Condvar,
    done: Condvar,
}

impl Alarm {
    /// Wakes the thread.
    pub fn ring(&self) {
        let mut rung = self.rung.lock();
        if !*rung {
            *rung = true;
            self.wake.notify_all();
        }
    }
}

/// Starts the thread. It ends when the store is closed.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let shared = Arc::downgrade(shared);
    std::thread::Builder::new()
        .name("tsdb-keeper".to_owned())
        .spawn(move || run(&shared))
}

fn run(shared: &Weak<Shared>) {
    let mut aged = Instant::now();
    while let Some(shared) = shared.upgrade() {
        {
            let mut rung = shared.alarm.rung.lock();
            if !*rung && !shared.is_closed() {
                shared.alarm.wake.wait_for(&mut rung, PAUSE);
            }
            *rung = false;
        }
        if shared.is_closed() {
            return;
        }
        if aged.elapsed() >= CACHE_AGE {
            aged = Instant::now();
            shared.blocks.age_cache();
        }
        if shared.recovery.get().is_some() && shared.head_is_full() {
            let mut maintenance = shared.maintenance.lock();
            // Counted and logged where it fails.
            let failed = shared.head_is_full() && shared.write_head(&mut maintenance).is_err();
            drop(maintenance);
            shared.alarm.done.notify_all();
            if failed && !shared.is_closed() {
                std::thread::sleep(PAUSE);
            }
        }
        shared.head.renew_order();
    }
}

impl Shared {
    fn head_bytes(&self) -> u64 {
        self.gauges.head_samples() * SAMPLE_BYTES
    }

    fn head_bytes_max(&self) -> u64 {
        let series = self.gauges.series() * SERIES_BYTES;
        self.options
            .head_bytes_max
            .unwrap_or(HEAD_BYTES_MIN.max(series))
    }

    /// True when the head has to be written into a block.
    pub(super) fn head_is_full(&self) -> bool {
        !self.options.read_only && self.head_bytes() >= self.head_bytes_max()
    }

    /// Wakes the thread when the head has grown to its limit.
    pub(super) fn watch_growth(&self) {
        if self.head_is_full() {
            self.alarm.ring();
        }
    }

    /// Waits while the head is so far over its limit that writing it out has to come first. When that does not go on, as on a
    /// full disk, the batch goes on after a while: whether it can be taken, the log says.
    pub(super) fn await_room(&self) {
        if self.head_bytes() < 2 * self.head_bytes_max()
            || self.is_closed()
            || self.recovery.get().is_none()
        {
            return;
        }
        let mut rung = self.alarm.rung.lock();
        *rung = true;
        self.alarm.wake.notify_all();
        self.alarm.done.wait_for(&mut rung, WAIT_MAX);
    }
}
