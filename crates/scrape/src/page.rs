//! From the text of a page to a batch of samples. Pure: the clock, the store and the network are elsewhere.

use stonechat_exposition::{Entries, Entry, Format, ParseError, Sample};
use stonechat_model::{Batch, Labels, SeriesRef, Timestamp};

use crate::cache::{Fate, SeriesCache, Slot};
use crate::exposed::{SeriesError, Stored, stored_labels};
use crate::job::ScrapeSettings;
use crate::status::{DropReason, Dropped};

/// How far ahead of us a sample's own time may be.
const AHEAD_MAX: std::time::Duration = std::time::Duration::from_mins(10);

/// Room in a batch for the series about a scrape.
const REPORTS_MAX: usize = 8;

/// Why a page is bad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("line {line}: {source}")]
    Series { line: usize, source: SeriesError },
}

/// What was read: samples of known series, and new series that the store has to be asked about.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) batch: Batch,
    fresh: Vec<Fresh>,
    /// Samples on the page, as far as it was read.
    pub(crate) scraped: usize,
    pub(crate) dropped: Dropped,
}

/// A sample of a series that has no reference yet.
#[derive(Debug)]
struct Fresh {
    slot: Slot,
    /// `None` when an earlier sample of the page has them.
    labels: Option<Labels>,
    timestamp: Option<Timestamp>,
    value: f64,
}

/// Reads a page. On an error the reading holds what came before it, for the counts.
pub(crate) fn read(
    page: &[u8],
    format: Format,
    cache: &mut SeriesCache,
    by: &By<'_>,
    now: Timestamp,
) -> (Reading, Result<(), PageError>) {
    let mut reading = Reading::at(now);
    // The series of the last page, and those about the scrape.
    reading.batch.values.reserve(cache.len() + REPORTS_MAX);
    cache.begin();
    let mut reader = Reader {
        entries: Entries::new(page, format),
        place: 0,
        cache,
        by,
        reading: &mut reading,
    };
    let outcome = loop {
        match reader.step() {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (reading, outcome)
}

/// What a page is read by.
pub(crate) struct By<'a> {
    /// Labels of the target.
    pub(crate) labels: &'a Labels,
    /// Settings of its job.
    pub(crate) settings: &'a ScrapeSettings,
}

struct Reader<'a, 'p> {
    entries: Entries<'p>,
    /// Where on the last page we are.
    place: usize,
    cache: &'a mut SeriesCache,
    by: &'a By<'a>,
    reading: &'a mut Reading,
}

impl<'p> Reader<'_, 'p> {
    /// Reads one entry; false at the end.
    fn step(&mut self) -> Result<bool, PageError> {
        let expected = self.cache.expected(self.place);
        let Some(entry) = self.entries.next_expecting(expected) else {
            return Ok(false);
        };
        let Entry::Sample(sample) = entry? else {
            return Ok(true);
        };
        self.reading.scraped += 1;
        if sample.is_expected {
            let slot = self.cache.at(self.place);
            self.place += 1;
            self.known(slot, &sample);
        } else if let Some(slot) = self.cache.find(sample.series) {
            self.place = self.cache.place(slot).saturating_add(1);
            self.known(slot, &sample);
        } else {
            self.unknown(&sample)?;
        }
        Ok(true)
    }

    /// The time of a sample, when it has its own and that counts.
    fn own_time(&self, sample: &Sample<'_>) -> Option<Timestamp> {
        sample
            .timestamp
            .filter(|_| self.by.settings.honor_timestamps)
    }

    fn is_untracked(&self, timestamp: Option<Timestamp>) -> bool {
        timestamp.is_some() && !self.by.settings.track_timestamps_staleness
    }

    fn drop_one(&mut self, reason: DropReason) {
        self.reading.dropped.add(reason, 1);
    }

    fn known(&mut self, slot: Slot, sample: &Sample<'_>) {
        let timestamp = self.own_time(sample);
        let fate = self.cache.fate(slot);
        // A series that loses its place to the limit has ended.
        let is_over = matches!(fate, Fate::Stored(_)) && self.is_full();
        let is_first = self
            .cache
            .see(slot, is_over || self.is_untracked(timestamp));
        if let Fate::Dropped(reason) = fate {
            return self.drop_one(reason);
        }
        if !is_first && timestamp.is_none() {
            return self.drop_one(DropReason::Duplicate);
        }
        if self.is_future(timestamp) {
            return self.drop_one(DropReason::Future);
        }
        match fate {
            Fate::Stored(_) if is_over => self.drop_one(DropReason::SampleLimit),
            Fate::Stored(reference) => self.reading.push(reference, timestamp, sample.value),
            _ => self.reading.fresh.push(Fresh {
                slot,
                labels: None,
                timestamp,
                value: sample.value,
            }),
        }
    }

    fn unknown(&mut self, sample: &Sample<'p>) -> Result<(), PageError> {
        let timestamp = self.own_time(sample);
        if self.is_future(timestamp) {
            self.drop_one(DropReason::Future);
            return Ok(());
        }
        // What cannot be admitted anyway need not be taken apart.
        let limit = self.by.settings.limits.samples;
        if limit.is_some_and(|limit| self.reading.fresh.len() >= limit) {
            self.drop_one(DropReason::SampleLimit);
            return Ok(());
        }
        let pairs = self.entries.labels(sample)?;
        let stored = stored_labels(pairs, self.by.labels, self.by.settings).map_err(|source| {
            PageError::Series {
                line: self.entries.line_of(sample),
                source,
            }
        })?;
        let (fate, labels) = match stored {
            Stored::As(labels) => (Fate::New, Some(labels)),
            Stored::Not(reason) => (Fate::Dropped(reason), None),
        };
        let slot = self.cache.insert(sample.series, sample.kind, fate);
        self.cache.see(slot, self.is_untracked(timestamp));
        match fate {
            Fate::Dropped(reason) => self.drop_one(reason),
            _ => self.reading.fresh.push(Fresh {
                slot,
                labels,
                timestamp,
                value: sample.value,
            }),
        }
        Ok(())
    }

    fn is_future(&self, timestamp: Option<Timestamp>) -> bool {
        let latest = self.reading.batch.timestamp.plus(AHEAD_MAX);
        timestamp.is_some_and(|timestamp| timestamp > latest)
    }

    fn is_full(&self) -> bool {
        let limit = self.by.settings.limits.samples;
        limit.is_some_and(|limit| self.reading.batch.len() >= limit)
    }
}

impl Reading {
    /// A reading without a sample.
    pub(crate) fn at(now: Timestamp) -> Self {
        Self {
            batch: Batch::at(now),
            ..Self::default()
        }
    }

    fn push(&mut self, reference: SeriesRef, timestamp: Option<Timestamp>, value: f64) {
        match timestamp {
            Some(timestamp) => self.batch.stamped.push((reference, timestamp, value)),
            None => self.batch.values.push((reference, value)),
        }
    }

    /// Asks for the references of new series and puts their samples into the batch, as many as the limit leaves room for:
    /// series that are known keep their places, so that a limit does not make them come and go.
    ///
    /// `series` gives the reference, or `None` when the store takes no more. Gives how many series are new.
    ///
    /// # Errors
    /// What `series` fails with.
    pub(crate) fn admit<E>(
        &mut self,
        cache: &mut SeriesCache,
        limit: Option<usize>,
        mut series: impl FnMut(&Labels) -> Result<Option<SeriesRef>, E>,
    ) -> Result<usize, E> {
        let (mut added, mut store_full) = (0, false);
        for fresh in std::mem::take(&mut self.fresh) {
            let full = limit.is_some_and(|limit| self.batch.len() >= limit);
            let reference = match (cache.fate(fresh.slot), &fresh.labels) {
                (Fate::Stored(reference), _) if !full => Some(reference),
                (Fate::New, Some(labels)) if !full && !store_full => {
                    let reference = series(labels)?;
                    store_full = reference.is_none();
                    added += usize::from(reference.is_some());
                    reference
                }
                _ => None,
            };
            if let Some(reference) = reference {
                cache.decide(fresh.slot, Fate::Stored(reference));
                self.push(reference, fresh.timestamp, fresh.value);
                continue;
            }
            self.dropped.add(
                if full {
                    DropReason::SampleLimit
                } else {
                    DropReason::SeriesLimit
                },
                1,
            );
            if cache.fate(fresh.slot) == Fate::New {
                cache.decide(fresh.slot, Fate::Gone);
            }
        }
        Ok(added)
    }

    /// Samples that relabelling left, whether stored or not.
    pub(crate) fn after_relabelling(&self) -> usize {
        self.scraped
            .saturating_sub(self.dropped.get(DropReason::Relabelled))
    }
}
