//! Samples out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use stonechat_model::{Columns, Labels, Matcher, QueryableError, Selection, TimeRange};

use super::Shared;
use super::blocks::Blocks;
use crate::block::Block;
use crate::head::Series;

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
    head: Option<Arc<Series>>,
    /// Places in `blocks`, and numbers of the series in them.
    blocks: Vec<(u32, u32)>,
}

impl Selection for Selected<'_> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.entries[index].labels
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        let entry = &self.entries[index];
        let (floats, histograms) = (columns.timestamps.len(), columns.histograms.len());
        // The head first: what leaves it meanwhile is in a block that is looked for afterwards.
        let mut recent = Columns::default();
        if let Some(series) = &entry.head {
            series
                .read(self.range, &mut recent)
                .map_err(|error| QueryableError::Damaged {
                    what: format!("a chunk of {} in memory ({error})", entry.labels),
                })?;
        }
        for &(block, ordinal) in &entry.blocks {
            self.blocks[block as usize].read(ordinal, self.range, columns)?;
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
}

impl Selected<'_> {
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
    fn overlapping(&self, range: TimeRange) -> (Blocks, Vec<Arc<Block>>) {
        let blocks = self.blocks.current();
        let overlapping = blocks
            .iter()
            .filter(|block| block.overlaps(range))
            .cloned()
            .collect();
        (blocks, overlapping)
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
        let (_, blocks) = self.overlapping(range);
        let in_head = self.head.select_any(matcher_sets, range);
        let mut entries: Vec<Entry> = in_head
            .into_iter()
            .map(|series| Entry {
                labels: series.labels().clone(),
                head: Some(series),
                blocks: Vec::new(),
            })
            .collect();
        let mut places: HashMap<Labels, usize, foldhash::fast::RandomState> = HashMap::default();
        if !blocks.is_empty() {
            places.extend(
                entries
                    .iter()
                    .enumerate()
                    .map(|(place, entry)| (entry.labels.clone(), place)),
            );
        }
        for (number, block) in (0..).zip(&blocks) {
            for ordinal in block.resolve_any(matcher_sets)? {
                let labels = block.labels(ordinal)?;
                let place = *places.entry(labels).or_insert_with_key(|labels| {
                    entries.push(Entry {
                        labels: labels.clone(),
                        head: None,
                        blocks: Vec::new(),
                    });
                    entries.len() - 1
                });
                entries[place].blocks.push((number, ordinal));
            }
        }
        entries.sort_unstable_by(|one, other| one.labels.cmp(&other.labels));
        Ok(Selected {
            store: self,
            entries,
            blocks,
            generation,
            range,
        })
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
        let (_, blocks) = self.overlapping(range);
        let mut names: BTreeSet<String> = self
            .head
            .label_names(matcher_sets, range)
            .into_iter()
            .collect();
        for block in blocks {
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
        let (_, blocks) = self.overlapping(range);
        let head = self.head.label_values(name, matcher_sets, range);
        let mut values: BTreeSet<String> = head.into_iter().collect();
        for block in blocks {
            values.extend(block.label_values(name, &block.resolve_any(matcher_sets)?)?);
        }
        Ok(values.into_iter().collect())
    }
}
