//! `stonechat tsdb import`: samples in.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stonechat_blocks::{Block, find_blocks};
use stonechat_exposition::{Entries, Entry, Format as TextFormat};
use stonechat_metrics::Registry;
use stonechat_model::{Columns, Labels, TimeRange, Timestamp};
use stonechat_remote::{Message, Receiver, ReceiverLimits, RemoteMetrics};
use stonechat_tsdb::Store;

use super::Format;
use super::progress::Progress;
use super::sink::{Sink, Totals};
use super::window::windows;

/// Samples are brought in one such range of time after the other, as they once came.
const WINDOW: Duration = Duration::from_hours(2);

/// The longest request of remote write that is read.
const REQUEST_BYTES_MAX: usize = 256 << 20;

pub(super) fn run(store: &Arc<Store>, from: &Path, format: Option<Format>) -> Result<()> {
    let told = || format!("{} cannot be read", from.display());
    let metadata = fs::metadata(from).with_context(told)?;
    let format = format.unwrap_or(match metadata.is_dir() {
        true => Format::Prometheus,
        false => Format::Openmetrics,
    });
    let totals = match format {
        Format::Prometheus => blocks(store, from)?,
        Format::Openmetrics => text(store, &fs::read(from).with_context(told)?)
            .with_context(|| from.display().to_string())?,
        Format::RemoteWrite => return requests(store, &fs::read(from).with_context(told)?),
    };
    println!("{totals}");
    Ok(())
}

/// Prometheus' blocks, oldest first.
fn blocks(store: &Store, folder: &Path) -> Result<Totals> {
    let found = find_blocks(folder)?;
    if found.is_empty() {
        bail!(
            "{} is no block and has none; a running Prometheus has its newest samples in none: make a snapshot there first",
            folder.display()
        );
    }
    let mut totals = Totals::default();
    for (path, meta) in found {
        let block = Block::open(&path)?;
        let mut sink = Sink::new(store);
        let series: Vec<_> = (0..block.len())
            .map(|index| block.series(index))
            .collect::<Result<_, _>>()?;
        let range = TimeRange {
            start: Timestamp::from_millis(meta.min_time),
            // The block's own end is behind its last sample; one that is later than it says is taken as well.
            end: Timestamp::from_millis(meta.max_time),
        };
        let windows = windows(range, WINDOW);
        let mut progress = Progress::new("importing", (windows.len() * series.len()) as u64);
        for window in windows {
            for series in &series {
                let mut columns = Columns::default();
                block.read_range(series, window, &mut columns)?;
                sink.add(&series.labels, &columns)?;
                progress.step();
            }
            sink.flush()?;
        }
        drop(progress);
        println!("{}: {} series", meta.ulid, block.len());
        totals.add(sink.totals);
    }
    Ok(totals)
}

/// OpenMetrics text. All of it is read first, as families stand one after the other and not in order of time.
fn text(store: &Store, page: &[u8]) -> Result<Totals> {
    let format = TextFormat::of_content_type(Some("application/openmetrics-text; version=1.0.0"))?;
    let mut sink = Sink::new(store);
    let mut entries = Entries::new(page, format);
    while let Some(entry) = entries.next() {
        let Entry::Sample(sample) = entry? else {
            continue;
        };
        let line = entries.line_of(&sample);
        let at = sample.timestamp.with_context(|| {
            format!("line {line}: the sample has no time, and every one needs its own")
        })?;
        let pairs = entries.labels(&sample)?;
        let labels = Labels::from_pairs(pairs).with_context(|| format!("line {line}"))?;
        let mut columns = Columns::default();
        columns.push(at, sample.value);
        sink.add(&labels, &columns)?;
    }
    sink.flush()?;
    Ok(sink.totals)
}

/// Requests of remote write, each behind its length.
fn requests(store: &Arc<Store>, mut dump: &[u8]) -> Result<()> {
    let limits = ReceiverLimits {
        body_bytes_max: REQUEST_BYTES_MAX,
        ..ReceiverLimits::default()
    };
    let metrics = RemoteMetrics::register(&Registry::bare())?;
    let receiver = Receiver::new(Arc::clone(store) as _, metrics, limits);
    let (all, mut stored, mut count) = (dump.len(), 0, 0_u64);
    let mut progress = Progress::new("importing", all as u64 >> 20);
    while !dump.is_empty() {
        let at = all - dump.len();
        let body = take(&mut dump).with_context(|| {
            format!("at byte {at}: there is no request behind its length; is this a dump of remote write?")
        })?;
        count += 1;
        match receiver.write(Message::Version1, body, Timestamp::MAX) {
            Ok(written) => stored += written.samples + written.histograms,
            Err(refusal) if refusal.status.is_server_error() => bail!("request {count}: {refusal}"),
            Err(refusal) => {
                stored += refusal.written.samples + refusal.written.histograms;
                println!("request {count}: {refusal}");
            }
        }
        if (all - dump.len()) >> 20 > at >> 20 {
            progress.step();
        }
    }
    drop(progress);
    println!("{count} requests, {stored} samples stored");
    Ok(())
}

/// What stands behind its length, which is a varint.
fn take<'a>(dump: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0_usize;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = dump.split_first()?;
        *dump = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let (body, rest) = dump.split_at_checked(length)?;
            *dump = rest;
            return Some(body);
        }
    }
    None
}
