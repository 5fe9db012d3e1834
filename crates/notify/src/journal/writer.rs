//! The thread that writes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::Happened;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Order {
    Write(Happened),
    /// Say when all before is written.
    Flush(SyncSender<()>),
}

/// When the file has this length, another is begun.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The most events that are written in one step.
const BATCH_MAX: usize = 1000;

/// Where the file goes when it is full.
pub(super) fn older(path: &Path) -> PathBuf {
    path.with_extension("1")
}

/// Opens the file and begins to write what comes, until nobody sends any more. What is written is taken off `waiting`.
pub(super) fn start(
    path: &Path,
    orders: Receiver<Order>,
    waiting: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut writer = Writer::open(path)?;
    let thread = std::thread::Builder::new().name("deliveries".to_owned());
    thread.spawn(move || {
        while let Ok(first) = orders.recv() {
            let rest = orders.try_iter().take(BATCH_MAX);
            let events = writer.take(std::iter::once(first).chain(rest));
            waiting.fetch_sub(events, Ordering::Relaxed);
        }
    })?;
    Ok(())
}

struct Writer {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// It could not be written, and that was said.
    failing: bool,
}

impl Writer {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        if bytes > 0 {
            // Behind half a line, as after a power cut, a new one begins.
            file.write_all(b"\n")?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            bytes,
            failing: false,
        })
    }

    /// Writes, and says how many events there were.
    fn take(&mut self, orders: impl Iterator<Item = Order>) -> usize {
        let (mut lines, mut waiting, mut events) = (Vec::new(), Vec::new(), 0);
        for order in orders {
            match order {
                Order::Write(happened) => {
                    events += 1;
                    // Texts and numbers always become JSON.
                    let _ = serde_json::to_writer(&mut lines, &happened);
                    lines.push(b'\n');
                }
                Order::Flush(done) => waiting.push(done),
            }
        }
        let written = self.write(&lines);
        if let Err(error) = &written
            && !self.failing
        {
            tracing::error!(file = %self.path.display(), %error, "the delivery log cannot be written");
        }
        self.failing = written.is_err();
        for done in waiting {
            // Whoever asked may have given up.
            let _ = done.send(());
        }
        events
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.bytes + lines.len() as u64 > FILE_BYTES_MAX && self.bytes > 0 {
            fs::rename(&self.path, older(&self.path))?;
            *self = Self::open(&self.path)?;
        }
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}
