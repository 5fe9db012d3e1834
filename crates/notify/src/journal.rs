//! The delivery log on disk: the file `deliveries` in the data folder, one event a line as JSON, from the moment at which an
//! alert is heard of to the last answer about it. It says why somebody was told, or was not.
//!
//! It is written by a thread of its own, so that a slow disk delays no message. When the file is full it becomes
//! `deliveries.1`, and the one of that name before is gone. What decides who is told stands elsewhere, in `nflog`.

mod event; // what is written
mod writer; // the thread that writes

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::time::Duration;

use stonechat_metrics::Counter;
use stonechat_model::{Labels, Timestamp};

pub use self::event::{Event, Happened, QuietBy, Told};
use self::writer::Order;

/// The most events that wait for the disk; what goes beyond is dropped and counted.
const QUEUE_MAX: usize = 1 << 16;

/// How long whoever reads waits for what was written before.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// The log. Clones write to the same one.
#[derive(Debug, Clone)]
pub(crate) struct Journal(Arc<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    orders: Sender<Order>,
    /// Events that wait for the disk.
    waiting: Arc<AtomicUsize>,
    dropped: Counter,
    /// Makes names of messages that no other start gives.
    begun: u64,
    messages: AtomicU64,
}

impl Journal {
    /// Writes to the file in a folder, which exists.
    pub(crate) fn open(folder: &Path, dropped: Counter, now: Timestamp) -> io::Result<Self> {
        let path = folder.join("deliveries");
        // A channel with a limit of its own would take memory for all of it at once.
        let (orders, taken) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        writer::start(&path, taken, Arc::clone(&waiting))?;
        Ok(Self(Arc::new(Open {
            path,
            orders,
            waiting,
            dropped,
            begun: now.millis().unsigned_abs(),
            messages: AtomicU64::new(0),
        })))
    }

    /// A name for a message.
    pub(crate) fn message_id(&self) -> String {
        let open = &self.0;
        let count = open.messages.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{count:x}", open.begun)
    }

    /// Writes an event, soon.
    pub(crate) fn write(&self, at: Timestamp, event: Event) {
        let open = &self.0;
        let is_full = open.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE_MAX;
        let order = Order::Write(Happened { at, event });
        if is_full || open.orders.send(order).is_err() {
            open.waiting.fetch_sub(1, Ordering::Relaxed);
            open.dropped.inc();
        }
    }

    /// Waits until all events are written, but not for ever.
    pub(crate) fn flush(&self) {
        let open = &self.0;
        let (done, written) = sync_channel(1);
        if open.orders.send(Order::Flush(done)).is_ok() {
            // What is not written by then is missing, and nothing else.
            let _ = written.recv_timeout(FLUSH_TIME);
        }
    }

    /// All that is known of an alert, oldest first. Reads files.
    pub(crate) fn of_alert(&self, fingerprint: &str) -> io::Result<Vec<Happened>> {
        let open = &self.0;
        self.flush();
        let mut found = Vec::new();
        let mut messages = HashSet::new();
        open.lines(|line| found.extend(concerns(line, fingerprint, &mut messages)))?;
        Ok(found)
    }

    /// The alerts of which the log knows that they fired, by fingerprint, each with its labels and when it was last heard to fire.
    /// Reads files.
    pub(crate) fn alerts(&self) -> io::Result<BTreeMap<String, (Labels, Timestamp)>> {
        let open = &self.0;
        self.flush();
        let mut alerts = BTreeMap::new();
        open.lines(|line| {
            // Most lines are of other events, and reading them as JSON would take the longest.
            let fires = line.contains(r#""what":"fires""#);
            let happened = fires.then(|| serde_json::from_str(line).ok()).flatten();
            if let Some(Happened {
                at,
                event: Event::Fires { alert, labels, .. },
            }) = happened
            {
                alerts.insert(alert, (labels, at));
            }
        })?;
        Ok(alerts)
    }
}

impl Open {
    /// Gives all lines, oldest first.
    fn lines(&self, mut take: impl FnMut(&str)) -> io::Result<()> {
        for path in [writer::older(&self.path), self.path.clone()] {
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let lines = bytes.split(|byte| *byte == b'\n');
            lines
                .filter_map(|line| std::str::from_utf8(line).ok())
                .for_each(&mut take);
        }
        Ok(())
    }
}

/// The event of a line that concerns an alert, or a message about it.
fn concerns(line: &str, fingerprint: &str, messages: &mut HashSet<String>) -> Option<Happened> {
    // Most lines are of others, and reading them as JSON would take the longest.
    if !line.contains(fingerprint) && !messages.iter().any(|id| line.contains(id.as_str())) {
        return None;
    }
    // Half a line, as after a power cut, is none.
    let happened: Happened = serde_json::from_str(line).ok()?;
    let concerned = match &happened.event {
        Event::Fires { alert, .. }
        | Event::Ends { alert, .. }
        | Event::Quiet { alert, .. }
        | Event::Audible { alert, .. } => alert == fingerprint,
        Event::Message { id, alerts, .. } => {
            let about = alerts.iter().any(|told| told.alert == fingerprint);
            if about {
                messages.insert(id.clone());
            }
            about
        }
        Event::Attempt { id, .. } | Event::Outcome { id, .. } => messages.contains(id),
    };
    concerned.then_some(happened)
}

#[cfg(test)]
mod tests;
