//! Samples out of a block.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use roaring::RoaringBitmap;
use stonechat_model::{Columns, Labels, TimeRange};

use super::cache::{Cache, GridChunk, Piece};
use super::directory::{Directory, PageSpot, Spot, TRAILER_BYTES, read_trailer};
use super::grid::take_grids;
use super::index::{LabelChunk, RowChunk, unpack};
use super::page::{Page, Part, Values};
use super::tombstones::{Tombstone, bury, read_tombstones, tombstones_path, write_tombstones};
use super::{BlockError, block_path};
use crate::disk::{Disk, DiskRead};
use crate::log::{HEADER_BYTES, Header, Kind, check_header, open_record};

/// The pieces of a block that the last series was read from: its neighbours mostly are in the same.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Of each span of time, with its offset; for as long as they take no more than [`NEIGHBOURS_BYTES`].
    pages: Vec<Option<(u64, Arc<Page>)>>,
    bytes: usize,
    grids: Option<(u64, Arc<GridChunk>)>,
}

/// Appends what is in the range of values and their timestamps.
fn take_part(values: Values<'_>, timestamps: &[i64], range: TimeRange, columns: &mut Columns) {
    let from = timestamps.partition_point(|&time| time < range.start.millis());
    let to = timestamps
        .partition_point(|&time| time <= range.end.millis())
        .max(from);
    match values {
        Values::Floats(values) => {
            columns.timestamps.extend_from_slice(&timestamps[from..to]);
            columns.values.extend_from_slice(&values[from..to]);
        }
        Values::Histograms(histograms) => {
            let pairs = timestamps[from..to].iter().zip(&histograms[from..to]);
            columns
                .histograms
                .extend(pairs.map(|(time, histogram)| (*time, Arc::clone(histogram))));
        }
    }
}

/// Pages of neighbours take so many bytes at most; the cache has what goes beyond.
const NEIGHBOURS_BYTES: usize = 8 << 20;

/// Where spans of time begin and end in the list of pages: within one, series only rise.
fn spans(pages: &[PageSpot]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut from = 0;
    for place in 1..=pages.len() {
        let falls = |page: &PageSpot| page.ordinal_first < pages[place - 1].ordinal_last;
        if pages.get(place).is_none_or(falls) {
            spans.push(from..place);
            from = place;
        }
    }
    spans
}

/// A block that is open for reading.
#[derive(Debug)]
pub(crate) struct Block {
    number: u64,
    path: PathBuf,
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskRead>,
    bytes: u64,
    pub(super) directory: Directory,
    /// The pages of each span of time.
    spans: Vec<Range<usize>>,
    pub(super) cache: Arc<Cache>,
    tombstones: RwLock<Arc<Vec<Tombstone>>>,
    /// Its samples are elsewhere or expired: the file goes with the last reader.
    obsolete: AtomicBool,
}

impl Drop for Block {
    fn drop(&mut self) {
        if !self.obsolete.load(Ordering::Relaxed) {
            return;
        }
        // A block that a power cut brings back would hide what came after it, so that it is gone has to last, and what was
        // deleted from it goes later.
        let gone = self.disk.remove(&self.path).and_then(|()| {
            let dir = self.path.parent();
            dir.map_or(Ok(()), |dir| self.disk.sync_dir(dir))
        });
        if let Err(error) = gone {
            tracing::warn!(file = %self.path.display(), %error, "a block that is no longer needed may stay");
        } else if self.has_tombstones() {
            // What stays is emptied by the next block of this number.
            let _ = self.disk.remove(&tombstones_path(&self.path));
        }
    }
}

impl Block {
    /// Opens a block and reads its directory.
    pub fn open(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        number: u64,
        cache: &Arc<Cache>,
    ) -> Result<Self, BlockError> {
        let path = block_path(dir, number);
        let failed = |source| BlockError::Read {
            path: path.clone(),
            source,
        };
        let damaged = |offset| BlockError::Damaged {
            path: path.clone(),
            offset,
        };
        let file = disk.open_at(&path).map_err(failed)?;
        let bytes = file.length().map_err(failed)?;
        if bytes < (HEADER_BYTES + TRAILER_BYTES) as u64 {
            return Err(damaged(0));
        }
        let mut front = [0; HEADER_BYTES];
        file.read_at(&mut front, 0).map_err(failed)?;
        if let Header::Foreign(version) = check_header(&front) {
            return Err(BlockError::Version { path, version });
        }
        let at = bytes - TRAILER_BYTES as u64;
        let mut trailer = [0; TRAILER_BYTES];
        file.read_at(&mut trailer, at).map_err(failed)?;
        let spot = read_trailer(&trailer)
            .filter(|spot| {
                spot.offset
                    .checked_add(spot.length.into())
                    .is_some_and(|end| end <= at)
            })
            .ok_or_else(|| damaged(at))?;
        let mut record = vec![0; spot.length as usize];
        file.read_at(&mut record, spot.offset).map_err(failed)?;
        let directory = open_record(&record, Kind::Directory)
            .and_then(Directory::take)
            .ok_or_else(|| damaged(spot.offset))?;
        let tombstones = match disk.open_at(&tombstones_path(&path)) {
            Ok(file) => read_tombstones(&*file).map_err(failed)?.unwrap_or_else(|| {
                tracing::error!(block = %path.display(), "what was deleted from a block cannot be read and is shown again");
                Vec::new()
            }),
            Err(_) => Vec::new(),
        };
        Ok(Self {
            tombstones: RwLock::new(Arc::new(tombstones)),
            number,
            path,
            disk: Arc::clone(disk),
            file,
            bytes,
            spans: spans(&directory.pages),
            directory,
            cache: Arc::clone(cache),
            obsolete: AtomicBool::new(false),
        })
    }

    /// Its number; a higher one was written later.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Times of its first and last sample.
    pub fn times(&self) -> (i64, i64) {
        (self.directory.start, self.directory.end)
    }

    /// Number of series.
    pub fn series(&self) -> u32 {
        self.directory.series
    }

    /// Number of samples.
    pub fn samples(&self) -> u64 {
        self.directory.samples
    }

    /// How often its samples were merged.
    pub fn level(&self) -> u8 {
        self.directory.level
    }

    /// Segments of the log before this number are in this block or in older ones.
    pub fn log_until(&self) -> u64 {
        self.directory.log_until
    }

    /// Numbers of the blocks it stands for.
    pub fn replaces(&self) -> &[u64] {
        &self.directory.replaces
    }

    /// Lets the file go with the last reader.
    pub fn retire(&self) {
        self.obsolete.store(true, Ordering::Relaxed);
    }

    /// True when a sample may lie in the range.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.directory.start <= range.end.millis() && range.start.millis() <= self.directory.end
    }

    /// True when something was deleted that is still in the file.
    pub fn has_tombstones(&self) -> bool {
        !self.tombstones.read().is_empty()
    }

    /// Where what was deleted is noted.
    pub fn tombstones_path(&self) -> PathBuf {
        tombstones_path(&self.path)
    }

    /// Deletes samples of series.
    pub fn delete(&self, series: RoaringBitmap, range: TimeRange) -> io::Result<()> {
        let mut tombstones = self.tombstones.write();
        let mut more = tombstones.to_vec();
        more.push(Tombstone { range, series });
        write_tombstones(&*self.disk, &self.path, self.number, &more)?;
        *tombstones = Arc::new(more);
        Ok(())
    }

    /// Appends the samples of a series in the range to `columns`, in order of time.
    pub fn read(
        &self,
        ordinal: u32,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<(), BlockError> {
        self.read_beside(&mut Neighbours::default(), ordinal, range, columns)
    }

    /// The same for one of many series.
    pub fn read_beside(
        &self,
        neighbours: &mut Neighbours,
        ordinal: u32,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<(), BlockError> {
        let before = (columns.timestamps.len(), columns.histograms.len());
        self.read_all(neighbours, ordinal, range, columns)?;
        let tombstones = self.tombstones.read();
        if !tombstones.is_empty() {
            let tombstones = Arc::clone(&tombstones);
            bury(&tombstones, ordinal, columns, before);
        }
        Ok(())
    }

    fn read_all(
        &self,
        neighbours: &mut Neighbours,
        ordinal: u32,
        range: TimeRange,
        columns: &mut Columns,
    ) -> Result<(), BlockError> {
        let Neighbours {
            pages,
            bytes,
            grids,
        } = neighbours;
        pages.resize(self.spans.len(), None);
        for (span, last) in self.spans.iter().zip(pages) {
            let pages = &self.directory.pages[span.clone()];
            let first = pages.partition_point(|page| page.ordinal_last < ordinal);
            let own = pages[first..]
                .iter()
                .take_while(|page| page.ordinal_first <= ordinal);
            for spot in own {
                if spot.start > range.end.millis() || spot.end < range.start.millis() {
                    continue;
                }
                let known = last.take();
                *bytes -= known.as_ref().map_or(0, |(_, page)| page.heap_bytes());
                let page = match known {
                    Some((offset, page)) if offset == spot.spot.offset => page,
                    _ => self.page(spot)?,
                };
                for part in page.parts_of(ordinal) {
                    let damaged = || self.damaged(spot.spot);
                    let timestamps = self.timestamps(grids, part).ok_or_else(damaged)??;
                    take_part(page.values(part), timestamps, range, columns);
                }
                if *bytes + page.heap_bytes() <= NEIGHBOURS_BYTES {
                    *bytes += page.heap_bytes();
                    *last = Some((spot.spot.offset, page));
                }
            }
        }
        Ok(())
    }

    /// The timestamps of a part; nothing when there are no such ones.
    fn timestamps<'a>(
        &self,
        last: &'a mut Option<(u64, Arc<GridChunk>)>,
        part: &Part,
    ) -> Option<Result<&'a [i64], BlockError>> {
        let grids = &self.directory.grids;
        let chunk = grids
            .partition_point(|(first, _)| *first <= part.place.grid)
            .checked_sub(1)?;
        let (first, spot) = grids[chunk];
        let known = last
            .take_if(|(offset, _)| *offset == spot.offset)
            .map_or_else(|| self.grids(spot), |(_, chunk)| Ok(chunk));
        let (_, chunk) = match known {
            Ok(chunk) => last.insert((spot.offset, chunk)),
            Err(error) => return Some(Err(error)),
        };
        let grid = chunk.get(part.place.grid.wrapping_sub(first) as usize)?;
        let start = part.place.start as usize;
        grid.get(start..start.checked_add(part.samples as usize)?)
            .map(Ok)
    }

    /// The record in which the labels of a series are, with the first series in it and the first behind it.
    pub(super) fn rows_of(&self, ordinal: u32) -> Result<(u32, u32, Spot), BlockError> {
        let rows = &self.directory.rows;
        let behind = rows.partition_point(|(first, _)| *first <= ordinal);
        let chunk = behind.checked_sub(1).and_then(|chunk| rows.get(chunk));
        let &(first, spot) = chunk.ok_or_else(|| self.damaged(Spot::default()))?;
        let behind = rows
            .get(behind)
            .map_or(self.directory.series, |(first, _)| *first);
        Ok((first, behind, spot))
    }

    /// The labels of a series.
    pub fn labels(&self, ordinal: u32) -> Result<Labels, BlockError> {
        let (first, _, spot) = self.rows_of(ordinal)?;
        let rows = self.rows(spot)?;
        let row = rows
            .row(ordinal.wrapping_sub(first) as usize)
            .ok_or_else(|| self.damaged(spot))?;
        let mut chunks = Vec::with_capacity(row.len());
        for &(name, value) in row {
            let (name, values) = self
                .directory
                .labels
                .get(name as usize)
                .ok_or_else(|| self.damaged(spot))?;
            let place = values
                .partition_point(|chunk| chunk.number <= value)
                .saturating_sub(1);
            let label = values.get(place).ok_or_else(|| self.damaged(spot))?;
            chunks.push((
                name,
                self.label_chunk(label.spot)?,
                value.wrapping_sub(label.number) as usize,
                label.spot,
            ));
        }
        let mut pairs = Vec::with_capacity(chunks.len());
        for (name, chunk, place, spot) in &chunks {
            let value = chunk.value(*place).ok_or_else(|| self.damaged(*spot))?;
            pairs.push((&***name, value));
        }
        Labels::from_pairs(pairs).map_err(|_| self.damaged(spot))
    }

    /// The error of a record that is not what it should be.
    pub(super) fn damaged(&self, spot: Spot) -> BlockError {
        BlockError::Damaged {
            path: self.path.clone(),
            offset: spot.offset,
        }
    }

    fn page(&self, spot: &PageSpot) -> Result<Arc<Page>, BlockError> {
        let key = (self.number, spot.spot.offset);
        if let Some(Piece::Page(page)) = self.cache.pages.get(key) {
            return Ok(page);
        }
        let decode = |payload: &[u8]| Page::decode(payload).ok();
        let page = Arc::new(self.record(spot.spot, Kind::Page, decode)?);
        let piece = Piece::Page(Arc::clone(&page));
        self.cache.pages.insert(key, piece, page.heap_bytes());
        Ok(page)
    }

    fn grids(&self, spot: Spot) -> Result<Arc<GridChunk>, BlockError> {
        let key = (self.number, spot.offset);
        if let Some(Piece::Grids(grids)) = self.cache.index.get(key) {
            return Ok(grids);
        }
        let decode = |payload: &[u8]| take_grids(&unpack(payload)?);
        let grids = Arc::new(self.record(spot, Kind::Grids, decode)?);
        let bytes = grids.iter().map(|grid| grid.len() * 8 + 16).sum();
        self.cache
            .index
            .insert(key, Piece::Grids(Arc::clone(&grids)), bytes);
        Ok(grids)
    }

    fn rows(&self, spot: Spot) -> Result<Arc<RowChunk>, BlockError> {
        let key = (self.number, spot.offset);
        if let Some(Piece::Rows(rows)) = self.cache.index.get(key) {
            return Ok(rows);
        }
        let rows = Arc::new(self.record(spot, Kind::Rows, RowChunk::take)?);
        self.cache
            .index
            .insert(key, Piece::Rows(Arc::clone(&rows)), rows.heap_bytes());
        Ok(rows)
    }

    pub(super) fn label_chunk(&self, spot: Spot) -> Result<Arc<LabelChunk>, BlockError> {
        let key = (self.number, spot.offset);
        if let Some(Piece::Labels(chunk)) = self.cache.index.get(key) {
            return Ok(chunk);
        }
        let chunk = Arc::new(self.record(spot, Kind::LabelValues, LabelChunk::take)?);
        self.cache
            .index
            .insert(key, Piece::Labels(Arc::clone(&chunk)), chunk.heap_bytes());
        Ok(chunk)
    }

    fn record<T>(
        &self,
        spot: Spot,
        kind: Kind,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, BlockError> {
        let mut record = vec![0; spot.length as usize];
        self.file
            .read_at(&mut record, spot.offset)
            .map_err(|source| BlockError::Read {
                path: self.path.clone(),
                source,
            })?;
        let decoded = open_record(&record, kind).and_then(decode);
        decoded.ok_or_else(|| self.damaged(spot))
    }

    /// Reads everything once and says what is damaged.
    pub fn verify(&self) -> Vec<BlockError> {
        let directory = &self.directory;
        let pages = directory.pages.iter().map(|page| self.page(page).err());
        let grids = directory
            .grids
            .iter()
            .map(|(_, spot)| self.grids(*spot).err());
        let rows = directory
            .rows
            .iter()
            .map(|(_, spot)| self.rows(*spot).err());
        let chunks = directory.labels.iter().flat_map(|(_, chunks)| chunks);
        let labels = chunks.map(|chunk| self.label_chunk(chunk.spot).err());
        pages
            .chain(grids)
            .chain(rows)
            .chain(labels)
            .flatten()
            .collect()
    }
}
