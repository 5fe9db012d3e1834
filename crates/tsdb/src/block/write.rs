//! Samples into a block.

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

/// Bytes that are collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Bytes after which the device may catch up, so that the last sync does not stall the log's.
const SYNC_BYTES: u64 = 32 << 20;

/// Bytes of timestamps after which a record of them ends.
const GRIDS_BYTES: usize = 128 << 10;

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
    page: PageBuilder,
    /// Times of the page's first and last sample.
    page_times: (i64, i64),
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
    /// Begins a block with a number that no other has.
    pub fn create(disk: &'a dyn Disk, dir: &'a Path, number: u64) -> io::Result<Self> {
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
            page: PageBuilder::default(),
            page_times: (i64::MAX, i64::MIN),
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
        let floats = columns.timestamps.chunks(PART_SAMPLES_MAX);
        for (timestamps, values) in floats.zip(columns.values.chunks(PART_SAMPLES_MAX)) {
            let place = self.place(ordinal, timestamps);
            self.page.push(place, values);
            self.end_part()?;
        }
        for histograms in columns.histograms.chunks(PART_SAMPLES_MAX / 16) {
            let timestamps: Vec<i64> = histograms.iter().map(|(timestamp, _)| *timestamp).collect();
            let place = self.place(ordinal, &timestamps);
            let values = histograms.iter().map(|(_, histogram)| &**histogram);
            self.page.push_histograms(place, values);
            self.end_part()?;
        }
        self.directory.samples += columns.len() as u64;
        Ok(())
    }

    fn place(&mut self, ordinal: u32, timestamps: &[i64]) -> Place {
        let (first, last) = (timestamps[0], timestamps[timestamps.len() - 1]);
        self.page_times.0 = self.page_times.0.min(first);
        self.page_times.1 = self.page_times.1.max(last);
        Place {
            ordinal,
            grid: self.grids.number(timestamps),
            start: 0,
        }
    }

    fn end_part(&mut self) -> io::Result<()> {
        if self.page.samples() >= PAGE_SAMPLES {
            self.end_page()?;
        }
        if self.grids.pending.len() >= GRIDS_BYTES {
            self.end_grids()?;
        }
        Ok(())
    }

    fn end_page(&mut self) -> io::Result<()> {
        let (ordinal_first, ordinal_last) = self.page.ordinals();
        self.payload.clear();
        self.page.finish(&mut self.payload)?;
        let spot = self.put_payload(Kind::Page)?;
        let (start, end) = self.page_times;
        self.page_times = (i64::MAX, i64::MIN);
        self.directory.start = self.directory.start.min(start);
        self.directory.end = self.directory.end.max(end);
        self.directory.pages.push(PageSpot {
            spot,
            ordinal_first,
            ordinal_last,
            start,
            end,
        });
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
        if self.page.samples() > 0 {
            self.end_page()?;
        }
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
