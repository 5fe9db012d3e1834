//! What was written, made durable in time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::disk::{Disk, DiskFile};

/// The shortest rest between two syncs, whatever the interval.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// Knows which files hold bytes that a power cut could take, and makes them durable from a thread of its own, so
/// that who appends never waits for the device.
#[derive(Debug)]
pub(crate) struct Syncer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Held during a sync, so that a second caller does not return before the first is through.
    running: Mutex<()>,
    failed: AtomicBool,
    syncs: AtomicU64,
    failures: AtomicU64,
    last_micros: AtomicU64,
}

#[derive(Debug, Default)]
struct Pending {
    files: Vec<Arc<dyn DiskFile>>,
    /// A file was made, so its name is not durable yet.
    names: bool,
    stopped: bool,
}

/// What the syncer has done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SyncCounts {
    pub syncs: u64,
    pub failures: u64,
    pub last: Duration,
}

impl Syncer {
    /// For the files in `dir`.
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self {
            disk,
            dir,
            pending: Mutex::default(),
            wake: Condvar::new(),
            running: Mutex::default(),
            failed: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            last_micros: AtomicU64::new(0),
        }
    }

    /// Notes that a file was made.
    pub fn made(&self) {
        self.pending.lock().names = true;
    }

    /// Notes that a file was written to.
    pub fn written(&self, file: &Arc<dyn DiskFile>) {
        let mut pending = self.pending.lock();
        // Only the last file is ever written to.
        if pending
            .files
            .last()
            .is_none_or(|last| !Arc::ptr_eq(last, file))
        {
            pending.files.push(Arc::clone(file));
        }
    }

    /// Makes durable what was written before the call.
    pub fn sync(&self) -> io::Result<()> {
        let _running = self.running.lock();
        let (files, names) = {
            let mut pending = self.pending.lock();
            (
                std::mem::take(&mut pending.files),
                std::mem::take(&mut pending.names),
            )
        };
        if files.is_empty() && !names {
            return Ok(());
        }
        let begun = Instant::now();
        let mut outcome = files.iter().try_for_each(|file| file.sync());
        if names && outcome.is_ok() {
            outcome = self.disk.sync_dir(&self.dir);
        }
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_micros.store(micros, Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = &outcome {
            // A second try would succeed without having written anything: the kernel forgets what it could not write.
            self.failed.store(true, Ordering::Relaxed);
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "the log could not be made durable; a block will hold what it held");
        }
        outcome
    }

    /// True once after a sync failed: then what is on disk has to be written again.
    pub fn take_failed(&self) -> bool {
        self.failed.swap(false, Ordering::Relaxed)
    }

    /// What was done so far.
    pub fn counts(&self) -> SyncCounts {
        SyncCounts {
            syncs: self.syncs.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            last: Duration::from_micros(self.last_micros.load(Ordering::Relaxed)),
        }
    }

    /// Starts the thread.
    pub fn start(self: &Arc<Self>, interval: Duration) -> io::Result<JoinHandle<()>> {
        let syncer = Arc::clone(self);
        std::thread::Builder::new()
            .name("tsdb-sync".to_owned())
            .spawn(move || syncer.run(interval))
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.pending.lock().stopped = true;
        self.wake.notify_all();
    }

    fn run(&self, interval: Duration) {
        loop {
            let pause = pause(interval, self.counts().last);
            let mut pending = self.pending.lock();
            if !pending.stopped {
                self.wake.wait_for(&mut pending, pause);
            }
            let stopped = pending.stopped;
            drop(pending);
            if stopped {
                return;
            }
            // Counted and logged where it fails.
            let _ = self.sync();
        }
    }
}

/// How long to rest so that what is written right after a sync began is durable one interval later, if syncs go on
/// taking as long as the last one did.
fn pause(interval: Duration, last: Duration) -> Duration {
    let pause = interval.saturating_sub(last * 2).max(interval / 4);
    pause.max(PAUSE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_less_when_syncs_are_slow() {
        for (last, expected) in [(0, 1000), (100, 800), (400, 250), (5000, 250)] {
            let last = Duration::from_millis(last);
            assert_eq!(pause(Duration::from_secs(1), last).as_millis(), expected);
        }
    }
}
