//! What a target's last pages held: from the text of a series to its reference, and which series are alive.
//!
//! A series that is known by its text builds no labels. Pages repeat their series in the same order, so usually even the
//! look-up is spared: the reader asks for the text that came next the last time.
//!
//! A series is alive from the page that shows it to the first page that does not, or to the first scrape that fails; then it gets
//! a stale marker. A series whose samples bring their own times is not alive in this sense, as in Prometheus.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use stonechat_exposition::MetricType;
use stonechat_model::SeriesRef;

use crate::status::DropReason;

/// Index of a series in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// What becomes of the samples of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// First seen on the page that is being read.
    New,
    /// Stored under this reference.
    Stored(SeriesRef),
    /// Not stored, on every page for the same reason.
    Dropped(DropReason),
    /// The slot is free.
    Gone,
}

#[derive(Debug)]
struct Series {
    text: Box<[u8]>,
    kind: MetricType,
    fate: Fate,
    /// Its place on the last good page.
    position: u32,
    /// The page that last showed it.
    seen: u32,
    /// The page that last showed it without a time of its own.
    tracked: u32,
    alive: bool,
}

/// The series of one target.
#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    hasher: RandomState,
    by_text: HashTable<u32>,
    series: Vec<Series>,
    free: Vec<u32>,
    /// The series of the last good page in their order.
    order: Vec<u32>,
    alive: usize,
    /// Series of a predecessor whose texts are not known; they end unless the first page shows them.
    inherited: Vec<SeriesRef>,
    page: Page,
}

/// The page that is being read.
#[derive(Debug, Default)]
struct Page {
    number: u32,
    order: Vec<u32>,
    /// Series of the last good page that this one shows too.
    again: usize,
    /// Alive series that this page shows too.
    alive_again: usize,
    /// Series that will be alive if the page is good.
    awakened: Vec<u32>,
    /// Every series came exactly where the last page had it.
    same_order: bool,
}

impl SeriesCache {
    /// A cache that knows no texts, but which series were alive.
    pub(crate) fn inheriting(alive: Vec<SeriesRef>) -> Self {
        Self {
            inherited: alive,
            ..Self::default()
        }
    }

    /// How many series the last good page had.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Begins a page.
    pub(crate) fn begin(&mut self) {
        self.page.number = self.page.number.wrapping_add(1);
        self.page.order.clear();
        self.page.awakened.clear();
        (self.page.again, self.page.alive_again) = (0, 0);
        self.page.same_order = true;
    }

    /// The text of the series that the last good page had at a place; empty behind its end.
    pub(crate) fn expected(&self, place: usize) -> &[u8] {
        let index = self.order.get(place).copied();
        index.map_or(&[], |index| &self.series[index as usize].text)
    }

    /// The series that the last good page had at a place where [`expected`](Self::expected) gave a text.
    pub(crate) fn at(&self, place: usize) -> Slot {
        Slot(self.order[place])
    }

    /// Where the last good page had a series.
    pub(crate) fn place(&self, slot: Slot) -> usize {
        self.series[slot.0 as usize].position as usize
    }

    /// The series with a text.
    pub(crate) fn find(&mut self, text: &[u8]) -> Option<Slot> {
        self.page.same_order = false;
        let hash = self.hasher.hash_one(text);
        let series = &self.series;
        let found = self
            .by_text
            .find(hash, |index| *series[*index as usize].text == *text);
        found.copied().map(Slot)
    }

    /// Adds a series that [`find`](Self::find) did not find.
    pub(crate) fn insert(&mut self, text: &[u8], kind: MetricType, fate: Fate) -> Slot {
        let series = Series {
            text: text.into(),
            kind,
            fate,
            position: u32::MAX,
            seen: self.page.number.wrapping_sub(1),
            tracked: self.page.number.wrapping_sub(1),
            alive: false,
        };
        let index = if let Some(index) = self.free.pop() {
            self.series[index as usize] = series;
            index
        } else {
            self.series.push(series);
            u32::try_from(self.series.len() - 1).expect("a page has fewer than 2^32 bytes")
        };
        let (hasher, series) = (&self.hasher, &self.series);
        let hash_of = |index: &u32| hasher.hash_one(&*series[*index as usize].text);
        let hash = hash_of(&index);
        self.by_text.insert_unique(hash, index, hash_of);
        Slot(index)
    }

    /// Notes that the page shows a series, `timed` when with a time of its own. False when it showed it before.
    pub(crate) fn see(&mut self, slot: Slot, timed: bool) -> bool {
        let (index, number) = (slot.0, self.page.number);
        let series = &mut self.series[index as usize];
        let first = series.seen != number;
        if first {
            series.seen = number;
            self.page.order.push(index);
            self.page.again += usize::from(series.position != u32::MAX);
        }
        if !timed && series.tracked != number {
            series.tracked = number;
            if series.alive {
                self.page.alive_again += 1;
            } else {
                self.page.awakened.push(index);
            }
        }
        first
    }

    pub(crate) fn fate(&self, slot: Slot) -> Fate {
        self.series[slot.0 as usize].fate
    }

    /// Decides about a series.
    pub(crate) fn decide(&mut self, slot: Slot, fate: Fate) {
        if fate == Fate::Gone {
            self.remove(slot.0);
        } else {
            self.series[slot.0 as usize].fate = fate;
        }
    }

    fn remove(&mut self, index: u32) {
        let hash = self.hasher.hash_one(&*self.series[index as usize].text);
        if let Ok(entry) = self
            .by_text
            .find_entry(hash, |candidate| *candidate == index)
        {
            entry.remove();
            let series = &mut self.series[index as usize];
            series.fate = Fate::Gone;
            series.text = Box::default();
            series.alive = false;
            self.free.push(index);
        }
    }

    /// Ends a good page. Gives the series that are not on it any more.
    pub(crate) fn finish(&mut self) -> Vec<SeriesRef> {
        let mut ended = std::mem::take(&mut self.inherited);
        let Page { number, again, .. } = self.page;
        let all_again = again == self.order.len() && self.page.alive_again == self.alive;
        if !all_again {
            for index in std::mem::take(&mut self.order) {
                let series = &mut self.series[index as usize];
                if series.alive && series.tracked != number {
                    series.alive = false;
                    self.alive -= 1;
                    ended.extend(stored(series.fate));
                }
                if series.seen != number {
                    self.remove(index);
                }
            }
        }
        for index in std::mem::take(&mut self.page.awakened) {
            let series = &mut self.series[index as usize];
            if stored(series.fate).is_some() {
                series.alive = true;
                self.alive += 1;
            }
        }
        self.settle_order();
        self.not_shown(ended)
    }

    /// Makes the order of this page the one that is expected of the next.
    fn settle_order(&mut self) {
        if self.page.same_order && self.page.order.len() == self.order.len() {
            return;
        }
        std::mem::swap(&mut self.order, &mut self.page.order);
        let series = &mut self.series;
        self.order
            .retain(|index| series[*index as usize].fate != Fate::Gone);
        for (position, index) in (0..).zip(&self.order) {
            series[*index as usize].position = position;
        }
    }

    /// Without the series that the page shows under another text, such as with its labels in another order.
    fn not_shown(&self, ended: Vec<SeriesRef>) -> Vec<SeriesRef> {
        if ended.is_empty() {
            return ended;
        }
        let mut ended: HashSet<SeriesRef> = ended.into_iter().collect();
        for index in &self.order {
            let series = &self.series[*index as usize];
            if let Some(reference) = stored(series.fate).filter(|_| series.alive) {
                ended.remove(&reference);
            }
        }
        let mut ended: Vec<SeriesRef> = ended.into_iter().collect();
        ended.sort_unstable();
        ended
    }

    /// Ends a bad page, or a scrape without one: gives every series that was alive. Their texts stay known.
    pub(crate) fn fail(&mut self) -> Vec<SeriesRef> {
        for index in std::mem::take(&mut self.page.order) {
            if self.series[index as usize].position == u32::MAX {
                self.remove(index);
            }
        }
        let mut ended = std::mem::take(&mut self.inherited);
        if self.alive > 0 {
            for index in &self.order {
                let series = &mut self.series[*index as usize];
                if std::mem::take(&mut series.alive) {
                    ended.extend(stored(series.fate));
                }
            }
            self.alive = 0;
        }
        ended.sort_unstable();
        ended.dedup();
        ended
    }

    /// The series that are alive now.
    pub(crate) fn alive(&self) -> Vec<SeriesRef> {
        let series = self.series.iter().filter(|series| series.alive);
        let alive = series.filter_map(|series| stored(series.fate));
        alive.chain(self.inherited.iter().copied()).collect()
    }

    /// The text and type of the series stored under any of `references`.
    pub(crate) fn texts_of(
        &self,
        references: &HashSet<SeriesRef>,
    ) -> Vec<(Slot, SeriesRef, Box<[u8]>, MetricType)> {
        let series = (0..).zip(&self.series);
        let found = series.filter_map(|(index, series)| {
            let reference = stored(series.fate).filter(|found| references.contains(found))?;
            Some((Slot(index), reference, series.text.clone(), series.kind))
        });
        found.collect()
    }
}

fn stored(fate: Fate) -> Option<SeriesRef> {
    match fate {
        Fate::Stored(reference) => Some(reference),
        _ => None,
    }
}
