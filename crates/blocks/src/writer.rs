//! A block that is being written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stonechat_model::{Columns, Histogram, Labels};

use crate::block::{FLOAT_HISTOGRAMS, FLOATS};
use crate::index::{ChunkPlace, IndexWriter};
use crate::meta::{BlockMeta, BlockStats, Compaction};
use crate::segments::SegmentWriter;
use crate::{BlockError, histogram, tombstones, ulid, xor};

/// Samples in a chunk, as in Prometheus.
const CHUNK_SAMPLES_MAX: usize = 120;

/// Writes a block: series in the order of their labels, then [`finish`](Self::finish).
///
/// The block has its name only when it is whole; until then its folder ends in `.tmp-for-creation`, which Prometheus and
/// [`find_blocks`](crate::find_blocks) pass over.
#[derive(Debug)]
pub struct BlockWriter {
    ulid: String,
    unfinished: PathBuf,
    finished: PathBuf,
    segments: SegmentWriter,
    index: IndexWriter,
    stats: BlockStats,
    /// Times of the first and the last sample.
    range: Option<(i64, i64)>,
}

/// Samples of one chunk.
enum Run<'a> {
    Floats(Vec<(i64, f64)>),
    Histograms(&'a [(i64, Arc<Histogram>)]),
}

impl BlockWriter {
    /// Begins a block under `folder`, which is made if missing. `now` and `random` become its name.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn create(folder: &Path, now: u64, random: u128) -> Result<Self, BlockError> {
        let ulid = ulid::ulid(now, random);
        let unfinished = folder.join(format!("{ulid}.tmp-for-creation"));
        let chunks = unfinished.join("chunks");
        fs::create_dir_all(&chunks).map_err(BlockError::file(&chunks))?;
        Ok(Self {
            finished: folder.join(&ulid),
            ulid,
            unfinished,
            segments: SegmentWriter::new(chunks),
            index: IndexWriter::default(),
            stats: BlockStats::default(),
            range: None,
        })
    }

    /// Adds a series and its samples, which are in order of time. A series without samples is left out.
    ///
    /// # Errors
    /// When it is not behind the series before it, or cannot be written.
    pub fn add(&mut self, labels: &Labels, columns: &Columns) -> Result<(), BlockError> {
        let mut places = Vec::new();
        for run in runs(columns) {
            let (encoding, chunk, first, last, count) = match &run {
                Run::Floats(samples) => {
                    let ends = (samples.first(), samples.last());
                    let (Some(first), Some(last)) = ends else {
                        continue;
                    };
                    self.stats.num_float_samples += samples.len() as u64;
                    (FLOATS, xor::encode(samples), first.0, last.0, samples.len())
                }
                Run::Histograms(samples) => {
                    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
                        continue;
                    };
                    self.stats.num_histogram_samples += samples.len() as u64;
                    let chunk = histogram::encode(samples);
                    (FLOAT_HISTOGRAMS, chunk, first.0, last.0, samples.len())
                }
            };
            let reference = self.segments.put(encoding, &chunk)?;
            places.push(ChunkPlace {
                min_time: first,
                max_time: last,
                reference,
            });
            self.stats.num_samples += count as u64;
            let (start, end) = self.range.unwrap_or((first, last));
            self.range = Some((start.min(first), end.max(last)));
        }
        if places.is_empty() {
            return Ok(());
        }
        self.stats.num_chunks += places.len() as u64;
        self.index.add(labels, places)
    }

    /// Makes the block whole and durable. A block without a sample is removed again.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn finish(mut self) -> Result<Option<(PathBuf, BlockMeta)>, BlockError> {
        self.segments.finish()?;
        let Some((start, end)) = self.range else {
            fs::remove_dir_all(&self.unfinished).map_err(BlockError::file(&self.unfinished))?;
            return Ok(None);
        };
        self.stats.num_series = self.index.len() as u64;
        let meta = BlockMeta {
            ulid: self.ulid.clone(),
            min_time: start,
            // The first moment behind the block.
            max_time: end.saturating_add(1),
            stats: self.stats,
            compaction: Compaction {
                level: 1,
                sources: vec![self.ulid],
                ..Compaction::default()
            },
            version: 1,
            other: serde_json::Map::new(),
        };
        self.index.write(&self.unfinished.join("index"))?;
        write(&self.unfinished.join("tombstones"), &tombstones::none())?;
        let path = self.unfinished.join("meta.json");
        let json = meta.to_json().map_err(BlockError::file(&path))?;
        write(&path, &json)?;
        for folder in [&self.unfinished.join("chunks"), &self.unfinished] {
            sync_folder(folder)?;
        }
        fs::rename(&self.unfinished, &self.finished).map_err(BlockError::file(&self.finished))?;
        if let Some(folder) = self.finished.parent() {
            sync_folder(folder)?;
        }
        Ok(Some((self.finished, meta)))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BlockError> {
    let written = fs::write(path, bytes).and_then(|()| File::open(path)?.sync_all());
    written.map_err(BlockError::file(path))
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> Result<(), BlockError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(BlockError::file(folder))
}

/// Samples of a series in order of time, cut where a chunk has to end: floats and histograms do not stand in one chunk, nor
/// histograms of different layouts.
fn runs(columns: &Columns) -> Vec<Run<'_>> {
    let floats: Vec<(i64, f64)> = columns
        .timestamps
        .iter()
        .copied()
        .zip(columns.values.iter().copied())
        .collect();
    let (mut floats, mut histograms) = (floats.as_slice(), columns.histograms.as_slice());
    let mut runs = Vec::new();
    while !(floats.is_empty() && histograms.is_empty()) {
        let next_float = floats.first().map_or(i64::MAX, |sample| sample.0);
        let next_histogram = histograms.first().map_or(i64::MAX, |sample| sample.0);
        if histograms.is_empty() || (next_float < next_histogram && !floats.is_empty()) {
            let run = floats
                .iter()
                .take(CHUNK_SAMPLES_MAX)
                .take_while(|sample| histograms.is_empty() || sample.0 < next_histogram);
            let (run, rest) = floats.split_at(run.count());
            runs.push(Run::Floats(run.to_vec()));
            floats = rest;
        } else {
            let mut length = 1;
            while length < histograms.len().min(CHUNK_SAMPLES_MAX)
                && (floats.is_empty() || histograms[length].0 < next_float)
                && histogram::share_a_chunk(&histograms[length - 1].1, &histograms[length].1)
            {
                length += 1;
            }
            let (run, rest) = histograms.split_at(length);
            runs.push(Run::Histograms(run));
            histograms = rest;
        }
    }
    runs
}
