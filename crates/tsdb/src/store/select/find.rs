//! Which series match, and where their samples are.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use roaring::RoaringBitmap;
use stonechat_model::{Labels, Matcher, SeriesRef, TimeRange};

use super::Entry;
use crate::block::{Block, BlockError, References};
use crate::head::{Head, Series};

/// Series as they are found. One that the head knows is told apart by its reference, any other by its labels.
pub(super) struct Finding<'a> {
    head: &'a Head,
    entries: Vec<Entry>,
    /// Places of series that the head knows.
    known: HashMap<SeriesRef, u32, RandomState>,
    /// Places of those that it does not.
    others: HashMap<Labels, u32, RandomState>,
    /// Some were told apart by their labels.
    looked_up: bool,
    /// Series that the head had ever made before.
    made: u64,
}

/// A series of a block, and which series of the head it is, if that is noted.
type Noted = (u32, Option<SeriesRef>);

/// So many series are looked at while no other can be made.
const NOTED_MAX: usize = 4096;

impl<'a> Finding<'a> {
    /// Begins with the series of the head that satisfy any of the matcher sets and may have samples in the range.
    pub fn of(head: &'a Head, matcher_sets: &[Vec<Matcher>], range: TimeRange) -> Self {
        let made = head.made();
        let series = head.select_any(matcher_sets, range);
        let entry = |(reference, series): (SeriesRef, Arc<Series>)| Entry {
            labels: series.labels().clone(),
            reference: Some(reference),
            head: Some(series),
            blocks: Vec::new(),
        };
        Self {
            head,
            entries: series.into_iter().map(entry).collect(),
            known: HashMap::default(),
            others: HashMap::default(),
            looked_up: false,
            made,
        }
    }

    /// Adds series of a block.
    pub fn add(
        &mut self,
        number: u32,
        block: &Block,
        ordinals: &RoaringBitmap,
    ) -> Result<(), BlockError> {
        if self.known.is_empty() {
            // Only now, as there may be no block.
            let entries = (0..).zip(&self.entries);
            self.known
                .extend(entries.filter_map(|(place, entry)| Some((entry.reference?, place))));
        }
        let mut references: Option<Arc<References>> = None;
        let mut noted: Vec<Noted> = Vec::with_capacity(ordinals.len() as usize);
        for ordinal in ordinals {
            let references = match &references {
                Some(references) if references.has(ordinal) => references,
                _ => references.insert(block.references(ordinal)?),
            };
            noted.push((ordinal, references.get(ordinal)));
        }
        for noted in noted.chunks(NOTED_MAX) {
            for (ordinal, place) in self.places(noted) {
                let place = match place {
                    Some(place) => place,
                    None => self.look_up(block, ordinal)?,
                };
                self.entries[place as usize].blocks.push((number, ordinal));
            }
        }
        Ok(())
    }

    /// The places of series that are noted and still those of the head.
    fn places(&mut self, noted: &[Noted]) -> Vec<(u32, Option<u32>)> {
        let registry = self.head.registry();
        let (known, entries) = (&mut self.known, &mut self.entries);
        let mut place = |reference: SeriesRef| {
            if let Some(&place) = known.get(&reference) {
                return Some(place);
            }
            let labels = registry.get(reference)?.labels().clone();
            let place = push(entries, labels, Some(reference));
            known.insert(reference, place);
            Some(place)
        };
        let places = noted
            .iter()
            .map(|&(ordinal, reference)| (ordinal, reference.and_then(&mut place)));
        places.collect()
    }

    /// The place of a series by its labels; notes its reference if the head knows it.
    fn look_up(&mut self, block: &Block, ordinal: u32) -> Result<u32, BlockError> {
        self.looked_up = true;
        let labels = block.labels(ordinal)?;
        let reference = self.head.registry().find(&labels);
        let Some(reference) = reference else {
            if let Some(&place) = self.others.get(&labels) {
                return Ok(place);
            }
            let place = push(&mut self.entries, labels.clone(), None);
            self.others.insert(labels, place);
            return Ok(place);
        };
        block.references(ordinal)?.set(ordinal, reference);
        if let Some(&place) = self.known.get(&reference) {
            return Ok(place);
        }
        // The head made it after it was asked which series match, or found no sample of it in the range: another block may have shown
        // it as a stranger meanwhile.
        let place = match self.others.get(&labels) {
            Some(&place) => place,
            None => push(&mut self.entries, labels, Some(reference)),
        };
        self.known.insert(reference, place);
        Ok(place)
    }

    /// The series, sorted by labels.
    pub fn sorted(mut self) -> Vec<Entry> {
        self.head.sort(&mut self.entries);
        if self.looked_up || self.head.made() != self.made {
            // The head may have forgotten a series, or made it anew, between two blocks: then it is here twice.
            self.entries.dedup_by(|next, one| {
                let same = next.labels == one.labels;
                if same {
                    one.blocks.append(&mut next.blocks);
                    one.blocks.sort_unstable();
                    one.head = one.head.take().or_else(|| next.head.take());
                }
                same
            });
        }
        self.entries
    }
}

fn push(entries: &mut Vec<Entry>, labels: Labels, reference: Option<SeriesRef>) -> u32 {
    entries.push(Entry {
        labels,
        reference,
        head: None,
        blocks: Vec::new(),
    });
    // As many as references.
    (entries.len() - 1) as u32
}
