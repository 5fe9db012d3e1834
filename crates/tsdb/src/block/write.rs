//! Samples into a block.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stonechat_model::{Columns, Labels};

use super::block_path;
use super::directory::{Directory, LabelSpot, PageSpot, Spot, trailer};
use super::files::UNFINISHED;
use super::grid::GridWriter;
use super::index::{IndexRecord, IndexWriter, pack};
use super::page::{PageBuilder, Place};
use super::tombstones::tombstones_path;
use crate::disk::{Disk, DiskFile};
use crate::log::{FileKind, HEADER_BYTES, Kind, header, put_record};

/// Samples after which a page ends: `pco` then has enough to learn from, and reading one series unpacks little else.
const PAGE_SAMPLES: usize = 12_000;

/// The most samples of a part; a longer series goes on in the next page.
const PART_SAMPLES_MAX: usize = 48_000;

/// How many samples a histogram counts as.
const HISTOGRAM_WEIGHT: usize = 16;

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Bytes after which the device may catch up, so that the last sync does not stall the log's.
const SYNC_BYTES: u64 = 32 << 20;

/// Bytes of timestamps after which a record of them ends.
const GRIDS_BYTES: usize = 128 << 10;

/// The least samples of a series, on the average, that one span of time is worth.
const SPAN_SAMPLES: u64 = 120;

/// The most spans of time in a block: pages of each are being filled at the same time.
const SPANS_MAX: u64 = 64;

/// How long the spans of time are into which a block with so many samples of so many series over so many milliseconds is
/// divided. Who looks at the last minutes has to unpack the last span only.
pub(crate) fn span_millis(millis: u64, samples: u64, series: u64) -> u64 {
    let of_one = (samples / series.max(1)).max(1);
    match (of_one / SPAN_SAMPLES).min(SPANS_MAX) {
        0 | 1 => u64::MAX,
        spans => (millis / spans).max(1),
    }
}

/// A page that is being filled.
#[derive(Debug)]
struct OpenPage {
    page: PageBuilder,
    /// Samples in it; a histogram counts as several.
    weight: usize,
    /// Times of the first and the last sample.
    start: i64,
    end: i64,
}

impl Default for OpenPage {
    fn default() -> Self {
        Self {
            page: PageBuilder::default(),
            weight: 0,
            start: i64::MAX,
            end: i64::MIN,
        }
    }
}

/// Writes a block series by series. Until [`finish`](Self::finish), which is atomic, nobody sees it.
#[derive(Debug)]
pub(crate) struct BlockWriter<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    number: u64,
    unfinished: PathBuf,
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    offset: u64,
    unsynced: u64,
    payload: Vec<u8>,
    /// In milliseconds.
    span: i64,
    /// By the number of their span.
    open: BTreeMap<i64, OpenPage>,
    /// Pages that are written, with the numbers of their spans.
    pages: Vec<(i64, PageSpot)>,
    grids: GridWriter,
    index: IndexWriter,
    directory: Directory,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub number: u64,
    pub bytes: u64,
    pub samples: u64,
    pub series: u32,
}

impl<'a> BlockWriter<'a> {
    /// Begins a block with a number that no other has, divided into spans of so many milliseconds.
    pub fn create(disk: &'a dyn Disk, dir: &'a Path, number: u64, span: u64) -> io::Result<Self> {
        let unfinished = block_path(dir, number).with_extension(UNFINISHED);
        // Of an earlier block of this number, if any.
        let _ = disk.remove(&tombstones_path(&unfinished));
        Ok(Self {
            file: disk.create(&unfinished)?,
            disk,
            dir,
            number,
            unfinished,
            buffer: header(FileKind::Block, number).to_vec(),
            offset: HEADER_BYTES as u64,
            unsynced: 0,
            payload: Vec::new(),
            span: i64::try_from(span.max(1)).unwrap_or(i64::MAX),
            open: BTreeMap::new(),
            pages: Vec::new(),
            grids: GridWriter::default(),
            index: IndexWriter::default(),
            directory: Directory {
                start: i64::MAX,
                end: i64::MIN,
                ..Directory::default()
            },
        })
    }

    /// Adds a series, which stands behind the last in [`block_order`](super::block_order). One without samples is left out.
    pub fn push(&mut self, labels: &Labels, columns: &Columns) -> io::Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        let ordinal = self.index.series();
        self.index.push(labels);
        let mut from = 0;
        while let Some(&first) = columns.timestamps.get(from) {
            let span = self.span_of(first);
            let rest = &columns.timestamps[from..];
            let rest = &rest[..rest.len().min(PART_SAMPLES_MAX)];
            let count = rest.partition_point(|&time| self.span_of(time) == span);
            let to = from + count;
            let place = self.place(ordinal, &columns.timestamps[from..to]);
            let open = self.open(span, &columns.timestamps[from..to]);
            open.page.push(place, &columns.values[from..to]);
            open.weight += count;
            self.end_part(span)?;
            from = to;
        }
        let mut rest = columns.histograms.as_slice();
        while let Some((first, _)) = rest.first() {
            let span = self.span_of(*first);
            let most = &rest[..rest.len().min(PART_SAMPLES_MAX / HISTOGRAM_WEIGHT)];
            let count = most.partition_point(|(time, _)| self.span_of(*time) == span);
            let (own, behind) = rest.split_at(count);
            let timestamps: Vec<i64> = own.iter().map(|(timestamp, _)| *timestamp).collect();
            let place = self.place(ordinal, &timestamps);
            let values = own.iter().map(|(_, histogram)| &**histogram);
            let open = self.open(span, &timestamps);
            open.page.push_histograms(place, values);
            open.weight += count * HISTOGRAM_WEIGHT;
            self.end_part(span)?;
            rest = behind;
        }
        self.directory.samples += columns.len() as u64;
        Ok(())
    }

    fn span_of(&self, time: i64) -> i64 {
        time.div_euclid(self.span)
    }

    fn place(&mut self, ordinal: u32, timestamps: &[i64]) -> Place {
        Place {
            ordinal,
            grid: self.grids.number(timestamps),
            start: 0,
        }
    }

    /// The page for samples of these times.
    fn open(&mut self, span: i64, timestamps: &[i64]) -> &mut OpenPage {
        let open = self.open.entry(span).or_default();
        open.start = open.start.min(timestamps[0]);
        open.end = open.end.max(timestamps[timestamps.len() - 1]);
        open
    }

    fn end_part(&mut self, span: i64) -> io::Result<()> {
        let weight = self.open.get(&span).map_or(0, |open| open.weight);
        if weight >= PAGE_SAMPLES {
            self.end_page(span)?;
        }
        if self.grids.pending.len() >= GRIDS_BYTES {
            self.end_grids()?;
        }
        Ok(())
    }

    fn end_page(&mut self, span: i64) -> io::Result<()> {
        let Some(open) = self.open.get_mut(&span) else {
            return Ok(());
        };
        let (ordinal_first, ordinal_last) = open.page.ordinals();
        self.payload.clear();
        open.page.finish(&mut self.payload)?;
        let (start, end) = (open.start, open.end);
        (open.start, open.end, open.weight) = (i64::MAX, i64::MIN, 0);
        let spot = self.put_payload(Kind::Page)?;
        self.directory.start = self.directory.start.min(start);
        self.directory.end = self.directory.end.max(end);
        let page = PageSpot {
            spot,
            ordinal_first,
            ordinal_last,
            start,
            end,
        };
        self.pages.push((span, page));
        Ok(())
    }

    fn end_grids(&mut self) -> io::Result<()> {
        self.payload = pack(&self.grids.pending)?;
        let spot = self.put_payload(Kind::Grids)?;
        self.directory.grids.push((self.grids.pending_first, spot));
        self.grids.pending.clear();
        self.grids.pending_first = self.grids.count();
        Ok(())
    }

    /// Completes the block. Without a sample there is none, and nothing stays behind. `log_until` is the number of the
    /// first segment of the log that is not in it, `replaces` those of the blocks it stands for.
    pub fn finish(
        mut self,
        log_until: u64,
        replaces: &[u64],
        level: u8,
    ) -> io::Result<Option<Written>> {
        self.directory.log_until = log_until;
        self.directory.level = level;
        self.directory.replaces = replaces.to_vec();
        let written = self.complete();
        if !matches!(written, Ok(Some(_))) {
            // Gives the room back on a full disk; if that fails too, the next start removes it.
            let _ = self.disk.remove(&self.unfinished);
        }
        written
    }

    /// Gives the block up.
    pub fn abandon(self) {
        let _ = self.disk.remove(&self.unfinished);
    }

    fn complete(&mut self) -> io::Result<Option<Written>> {
        if self.index.series() == 0 {
            return Ok(None);
        }
        let open = self.open.iter().filter(|(_, open)| open.page.samples() > 0);
        for span in open.map(|(span, _)| *span).collect::<Vec<_>>() {
            self.end_page(span)?;
        }
        // Within a span they are in the order of their series.
        self.pages.sort_by_key(|(span, _)| *span);
        let pages = self.pages.drain(..).map(|(_, page)| page);
        self.directory.pages = pages.collect();
        if !self.grids.pending.is_empty() {
            self.end_grids()?;
        }
        self.directory.series = self.index.series();
        std::mem::take(&mut self.index).finish(|record, payload| {
            self.payload.clear();
            self.payload.extend_from_slice(payload);
            match record {
                IndexRecord::Rows(first) => {
                    let spot = self.put_payload(Kind::Rows)?;
                    self.directory.rows.push((first, spot));
                }
                IndexRecord::Values(name, value, number) => {
                    let spot = self.put_payload(Kind::LabelValues)?;
                    let chunk = LabelSpot {
                        spot,
                        value,
                        number,
                    };
                    match self.directory.labels.last_mut() {
                        Some((last, chunks)) if *last == name => chunks.push(chunk),
                        _ => self.directory.labels.push((name, vec![chunk])),
                    }
                }
            }
            Ok(())
        })?;
        self.payload.clear();
        self.directory.put(&mut self.payload)?;
        let spot = self.put_payload(Kind::Directory)?;
        self.buffer.extend(trailer(spot));
        self.offset += trailer(spot).len() as u64;
        self.flush()?;
        self.file.sync()?;
        self.disk
            .rename(&self.unfinished, &block_path(self.dir, self.number))?;
        self.disk.sync_dir(self.dir)?;
        Ok(Some(Written {
            number: self.number,
            bytes: self.offset,
            samples: self.directory.samples,
            series: self.directory.series,
        }))
    }

    /// Writes `self.payload` as a record.
    fn put_payload(&mut self, kind: Kind) -> io::Result<Spot> {
        let from = self.buffer.len();
        let payload = std::mem::take(&mut self.payload);
        put_record(&mut self.buffer, kind, |bytes| {
            bytes.extend_from_slice(&payload);
        })?;
        self.payload = payload;
        let length = self.buffer.len() - from;
        let spot = Spot {
            offset: self.offset,
            // At most a payload of 16 MiB.
            length: length as u32,
        };
        self.offset += length as u64;
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(spot)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.append(&self.buffer)?;
        self.unsynced += self.buffer.len() as u64;
        self.buffer.clear();
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.file.sync()?;
        }
        Ok(())
    }
}
