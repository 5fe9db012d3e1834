//! One target's answers, from what came over the network to what is stored. Knows no sockets, and takes the time from its caller.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stonechat_exposition::{Format, read_labels};
use stonechat_model::{
    AppendError, Appended, Appender, Batch, Labels, STALE_NAN, SeriesRef, Timestamp, is_stale,
};

use crate::cache::{Fate, SeriesCache};
use crate::error::{FetchError, ScrapeError};
use crate::exposed::{Stored, report_labels, stored_labels};
use crate::fetch::Page;
use crate::job::ScrapeSettings;
use crate::metrics::{Outcome, ScrapeMetrics};
use crate::page::{self, By, Reading};
use crate::status::{DropReason, Health, LastScrape};
use crate::target::Target;

/// The series about a scrape itself; the last three only on request.
const REPORTS: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
const REPORTS_ALWAYS: usize = 5;

/// What is remembered about a target between its scrapes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) cache: SeriesCache,
    pub(crate) reports: [Option<SeriesRef>; REPORTS.len()],
}

impl Memory {
    /// For a successor whose settings make other series of the same texts: only what was alive is handed on.
    pub(crate) fn without_texts(self) -> Self {
        Self {
            cache: SeriesCache::inheriting(self.cache.alive()),
            reports: self.reports,
        }
    }
}

/// A target with its memory and the store.
pub(crate) struct Scraper {
    pub(crate) target: Arc<Target>,
    pub(crate) settings: Arc<ScrapeSettings>,
    pub(crate) appender: Arc<dyn Appender>,
    pub(crate) metrics: ScrapeMetrics,
    pub(crate) memory: Memory,
}

/// What a page came to.
#[derive(Default)]
struct Digest {
    reading: Reading,
    series_added: usize,
    ended: Vec<SeriesRef>,
    body_bytes: usize,
    /// The page was larger than its limit.
    is_oversize: bool,
}

impl Scraper {
    /// Stores what a scrape that began at `started`, on the wall clock `at`, brought, and what it says about itself.
    pub(crate) fn digest(
        &mut self,
        fetched: Result<Page, FetchError>,
        at: Timestamp,
        started: Instant,
    ) -> LastScrape {
        let (mut digest, outcome) = self.read(fetched, at);
        let duration = started.elapsed();
        let stored = self.store(&mut digest, outcome.is_ok(), duration);
        let outcome = outcome.and(stored);
        let label = outcome
            .as_ref()
            .map_or_else(ScrapeError::outcome, |()| Outcome::Ok);
        let body_bytes = digest.body_bytes;
        self.metrics.ended(label, started.elapsed(), body_bytes);
        self.metrics.dropped(&digest.reading.dropped);
        LastScrape {
            at: Some(at),
            duration,
            health: if outcome.is_ok() {
                Health::Up
            } else {
                Health::Down
            },
            error: outcome
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default(),
            samples: digest.reading.scraped,
            dropped: digest.reading.dropped,
            body_bytes,
        }
    }

    /// Reads the page into a batch. A failed scrape counts as a page on which no series is left.
    fn read(
        &mut self,
        fetched: Result<Page, FetchError>,
        at: Timestamp,
    ) -> (Digest, Result<(), ScrapeError>) {
        let mut digest = Digest {
            reading: Reading::at(at),
            ..Digest::default()
        };
        let read = fetched
            .map_err(|error| {
                digest.is_oversize = matches!(error, FetchError::BodySize { .. });
                ScrapeError::from(error)
            })
            .and_then(|page| self.read_page(&page, at, &mut digest));
        match read {
            Ok(()) => digest.ended = self.memory.cache.finish(),
            Err(_) => {
                digest.ended = self.memory.cache.fail();
                digest.reading.batch = Batch::at(at);
                digest.series_added = 0;
            }
        }
        (digest, read)
    }

    fn read_page(
        &mut self,
        page: &Page,
        at: Timestamp,
        digest: &mut Digest,
    ) -> Result<(), ScrapeError> {
        digest.body_bytes = page.body.len();
        // An answer without a byte is a page without a series, whatever its type.
        let format = if page.body.is_empty() {
            Format::Text
        } else {
            let named = Format::of_content_type(page.content_type.as_deref());
            named.or_else(|error| self.settings.fallback.ok_or(error))?
        };
        let by = By {
            labels: &self.target.labels,
            settings: &self.settings,
        };
        let cache = &mut self.memory.cache;
        let (reading, outcome) = page::read(&page.body, format, cache, &by, at);
        digest.reading = reading;
        outcome?;
        let appender = &self.appender;
        let limit = self.settings.limits.samples;
        let admitted = digest
            .reading
            .admit(cache, limit, |labels| reference(appender.as_ref(), labels));
        digest.series_added = admitted?;
        Ok(())
    }

    /// Appends the samples of the page, the ends of series, and the series about the scrape.
    fn store(
        &mut self,
        digest: &mut Digest,
        is_good: bool,
        duration: Duration,
    ) -> Result<(), ScrapeError> {
        let limit = self.settings.limits.samples.unwrap_or_default();
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts and sizes stay far below 2^53"
        )]
        let numbers = [
            f64::from(u8::from(is_good)),
            duration.as_secs_f64(),
            digest.reading.scraped as f64,
            digest.reading.after_relabelling() as f64,
            digest.series_added as f64,
            self.target.timeout.as_secs_f64(),
            limit as f64,
            if digest.is_oversize {
                -1.0
            } else {
                digest.body_bytes as f64
            },
        ];
        let shown = if self.settings.extra_metrics {
            REPORTS.len()
        } else {
            REPORTS_ALWAYS
        };
        let batch = &mut digest.reading.batch;
        batch
            .values
            .extend(digest.ended.iter().map(|ended| (*ended, STALE_NAN)));
        for (index, number) in numbers.into_iter().enumerate().take(shown) {
            match self.report(index)? {
                Some(reference) => batch.values.push((reference, number)),
                None => digest.reading.dropped.add(DropReason::SeriesLimit, 1),
            }
        }
        let appended = self.append(batch)?;
        self.metrics.stored(appended.accepted);
        for (reason, count) in [
            (DropReason::Duplicate, appended.duplicate),
            (DropReason::OutOfOrder, appended.out_of_order),
            (DropReason::TooOld, appended.too_old),
        ] {
            digest.reading.dropped.add(reason, count);
        }
        Ok(())
    }

    /// The reference of a series about the scrape; `None` when the store takes no more series.
    fn report(&mut self, index: usize) -> Result<Option<SeriesRef>, AppendError> {
        if self.memory.reports[index].is_none()
            && let Ok(labels) = report_labels(REPORTS[index], &self.target.labels)
        {
            self.memory.reports[index] = reference(self.appender.as_ref(), &labels)?;
        }
        Ok(self.memory.reports[index])
    }

    /// Appends a batch. Series that the store has forgotten are asked for again.
    fn append(&mut self, batch: &Batch) -> Result<Appended, AppendError> {
        let mut appended = self.appender.append(batch)?;
        if appended.unknown_series.is_empty() {
            return Ok(appended);
        }
        let unknown = std::mem::take(&mut appended.unknown_series);
        let again = self.resolve_again(&unknown.into_iter().collect(), batch)?;
        if !again.is_empty() {
            let second = self.appender.append(&again)?;
            appended.accepted += second.accepted;
            appended.duplicate += second.duplicate;
            appended.out_of_order += second.out_of_order;
            appended.too_old += second.too_old;
        }
        Ok(appended)
    }

    /// The samples of unknown series under new references. The end of a series that is unknown anyway is left out.
    fn resolve_again(
        &mut self,
        unknown: &HashSet<SeriesRef>,
        batch: &Batch,
    ) -> Result<Batch, AppendError> {
        let mut renewed: HashMap<SeriesRef, SeriesRef> = HashMap::new();
        for (slot, old, text, kind) in self.memory.cache.texts_of(unknown) {
            let pairs = read_labels(&text, kind).unwrap_or_default();
            let stored = stored_labels(pairs, &self.target.labels, &self.settings);
            let Ok(Stored::As(labels)) = stored else {
                continue;
            };
            if let Some(new) = reference(self.appender.as_ref(), &labels)? {
                self.memory.cache.decide(slot, Fate::Stored(new));
                renewed.insert(old, new);
            }
        }
        for index in 0..REPORTS.len() {
            let old = self.memory.reports[index].filter(|report| unknown.contains(report));
            if let Some(old) = old {
                self.memory.reports[index] = None;
                if let Some(new) = self.report(index)? {
                    renewed.insert(old, new);
                }
            }
        }
        let mut again = Batch::at(batch.timestamp);
        let values = batch.values.iter().filter(|(_, value)| !is_stale(*value));
        again
            .values
            .extend(values.filter_map(|(old, value)| Some((*renewed.get(old)?, *value))));
        let stamped = batch.stamped.iter();
        again.stamped.extend(
            stamped.filter_map(|(old, time, value)| Some((*renewed.get(old)?, *time, *value))),
        );
        Ok(again)
    }

    /// Marks the end of every series of a target that is gone.
    pub(crate) fn end_all(&mut self, at: Timestamp) -> Result<(), AppendError> {
        let mut ended = self.memory.cache.fail();
        ended.extend(self.memory.reports.iter_mut().filter_map(Option::take));
        let mut batch = Batch::at(at);
        batch.values = ended.into_iter().map(|ended| (ended, STALE_NAN)).collect();
        if !batch.is_empty() {
            self.appender.append(&batch)?;
        }
        Ok(())
    }
}

/// The reference of a series; `None` when the store takes no more.
fn reference(appender: &dyn Appender, labels: &Labels) -> Result<Option<SeriesRef>, AppendError> {
    match appender.series(labels) {
        Ok(reference) => Ok(Some(reference)),
        Err(AppendError::SeriesLimit { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
