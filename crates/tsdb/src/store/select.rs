//! Samples out.

mod find; // which series, and where their samples are

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stonechat_model::{
    Columns, Labels, Matcher, QueryableError, Selection, SeriesReader, SeriesRef, TimeRange,
};

use super::Shared;
use crate::block::{Block, Neighbours};
use crate::head::{Ranked, Series};
use find::Finding;

/// How long before the newest sample the present begins: as long as a query looks back.
const PRESENT: Duration = Duration::from_mins(5);

/// Series that matched. Each is as it is when it is read; what retention drops before that is not in it.
pub(super) struct Selected<'a> {
    store: &'a Shared,
    entries: Vec<Entry>,
    blocks: Vec<Arc<Block>>,
    /// The blocks as they were then.
    generation: u64,
    range: TimeRange,
}

/// One series, and where its samples are.
struct Entry {
    labels: Labels,
    /// Its reference, if the head knows it.
    reference: Option<SeriesRef>,
    head: Option<Arc<Series>>,
    /// Places in `blocks`, and numbers of the series in them.
    blocks: Vec<(u32, u32)>,
}

impl Ranked for Entry {
    fn reference(&self) -> Option<SeriesRef> {
        self.reference
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// What is kept from one series that is read to the next.
struct Scratch {
    /// Of each block.
    neighbours: Vec<Neighbours>,
    recent: Columns,
}

impl Selection for Selected<'_> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.entries[index].labels
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        self.read_with(&mut self.scratch(), index, columns)
    }

    fn reader(&self) -> SeriesReader<'_> {
        let mut scratch = self.scratch();
        Box::new(move |index, columns| self.read_with(&mut scratch, index, columns))
    }
}

impl Selected<'_> {
    fn scratch(&self) -> Scratch {
        Scratch {
            neighbours: self.blocks.iter().map(|_| Neighbours::default()).collect(),
            recent: Columns::default(),
        }
    }

    fn read_with(
        &self,
        scratch: &mut Scratch,
        index: usize,
        columns: &mut Columns,
    ) -> Result<(), QueryableError> {
        let entry = &self.entries[index];
        let (floats, histograms) = (columns.timestamps.len(), columns.histograms.len());
        // The head first: what leaves it meanwhile is in a block that is looked for afterwards.
        let Scratch { neighbours, recent } = scratch;
        recent.clear();
        if let Some(series) = &entry.head {
            series
                .read(self.range, recent)
                .map_err(|error| QueryableError::Damaged {
                    what: format!("a chunk of {} in memory ({error})", entry.labels),
                })?;
        }
        for &(block, ordinal) in &entry.blocks {
            let block = block as usize;
            let (block, neighbours) = (&self.blocks[block], &mut neighbours[block]);
            block.read_beside(neighbours, ordinal, self.range, columns)?;
        }
        if self.store.blocks.generation() != self.generation {
            self.read_newer(&entry.labels, columns)?;
        }
        columns.timestamps.append(&mut recent.timestamps);
        columns.values.append(&mut recent.values);
        columns.histograms.append(&mut recent.histograms);
        merge_columns(columns, floats, histograms);
        Ok(())
    }

    /// Reads a series from blocks that came after the selection.
    fn read_newer(&self, labels: &Labels, columns: &mut Columns) -> Result<(), QueryableError> {
        let exact: Vec<Matcher> = labels
            .iter()
            .map(|(name, value)| Matcher::equal(name, value))
            .collect();
        for block in self.store.blocks.current().iter() {
            if !block.overlaps(self.range)
                || self
                    .blocks
                    .iter()
                    .any(|known| known.number() == block.number())
            {
                continue;
            }
            for ordinal in block.resolve(&exact)? {
                // Others may have these labels and more.
                if block.labels(ordinal)? == *labels {
                    block.read(ordinal, self.range, columns)?;
                }
            }
        }
        Ok(())
    }
}

/// Brings what stands behind `floats` and `histograms` into the order of time, each time once.
pub(super) fn merge_columns(columns: &mut Columns, floats: usize, histograms: usize) {
    let times = &columns.timestamps[floats..];
    if !times.is_sorted_by(|one, next| one < next) {
        let values = &columns.values[floats..];
        let mut samples: Vec<(i64, f64)> =
            times.iter().copied().zip(values.iter().copied()).collect();
        // Stable, so that of two samples of one time the one that was stored first stays.
        samples.sort_by_key(|(time, _)| *time);
        samples.dedup_by_key(|(time, _)| *time);
        columns.timestamps.truncate(floats);
        columns.values.truncate(floats);
        columns
            .timestamps
            .extend(samples.iter().map(|(time, _)| *time));
        columns
            .values
            .extend(samples.iter().map(|(_, value)| *value));
    }
    let own = &columns.histograms[histograms..];
    if !own.is_sorted_by(|(one, _), (next, _)| one < next) {
        let mut own = columns.histograms.split_off(histograms);
        own.sort_by_key(|(time, _)| *time);
        own.dedup_by_key(|(time, _)| *time);
        columns.histograms.append(&mut own);
    }
}

impl Shared {
    fn overlapping(&self, range: TimeRange) -> Vec<Arc<Block>> {
        let blocks = self.blocks.current();
        let overlapping = blocks.iter().filter(|block| block.overlaps(range));
        overlapping.cloned().collect()
    }

    /// The series that satisfy every matcher and may have samples in the range.
    pub(super) fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Selected<'_>, QueryableError> {
        let sets = [matchers.to_vec()];
        self.select_any(&sets, range)
    }

    fn select_any(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Selected<'_>, QueryableError> {
        // The generation first: a block that comes between the two is then read twice, not left out.
        let generation = self.blocks.generation();
        // The head before the blocks: what leaves it in between is found twice, not left out.
        let mut finding = Finding::of(&self.head, matcher_sets, range);
        let blocks = self.overlapping(range);
        for (number, block) in (0..).zip(&blocks) {
            finding.add(number, block, &block.resolve_any(matcher_sets)?)?;
        }
        Ok(Selected {
            store: self,
            entries: finding.sorted(),
            blocks,
            generation,
            range,
        })
    }

    /// The range in which series of the head are looked for when names and values are asked. If it reaches to the present and there
    /// is no matcher, all of them are taken, as Prometheus does: to look at each would take a thousand times as long.
    fn range_of_names(&self, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> TimeRange {
        let newest = self.gauges.newest();
        let reaches = newest
            .is_some_and(|newest| range.start <= newest && newest.minus(PRESENT) <= range.end);
        match matcher_sets.is_empty() && reaches {
            true => TimeRange::ALL,
            false => range,
        }
    }

    /// See [`Queryable::series`](stonechat_model::Queryable::series).
    pub(super) fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        let selected = self.select_any(matcher_sets, range)?;
        Ok(selected
            .entries
            .into_iter()
            .map(|entry| entry.labels)
            .collect())
    }

    /// See [`Queryable::label_names`](stonechat_model::Queryable::label_names).
    pub(super) fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        let in_head = self.range_of_names(matcher_sets, range);
        let mut names: BTreeSet<String> = self
            .head
            .label_names(matcher_sets, in_head)
            .into_iter()
            .collect();
        for block in self.overlapping(range) {
            names.extend(block.label_names(&block.resolve_any(matcher_sets)?)?);
        }
        Ok(names.into_iter().collect())
    }

    /// See [`Queryable::label_values`](stonechat_model::Queryable::label_values).
    pub(super) fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        let in_head = self.range_of_names(matcher_sets, range);
        let head = self.head.label_values(name, matcher_sets, in_head);
        let mut values: BTreeSet<String> = head.into_iter().collect();
        for block in self.overlapping(range) {
            block.label_values(name, &block.resolve_any(matcher_sets)?, &mut values)?;
        }
        Ok(values.into_iter().collect())
    }
}
