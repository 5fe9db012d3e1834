//! Samples in memory: the store of test scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stonechat_model::{
    Columns, Histogram, Labels, Matcher, Queryable, QueryableError, ResetHint, Selection,
    TimeRange, Timestamp,
};

/// Samples in memory, for tests of everything that asks queries.
///
/// ```
/// use stonechat_model::{Labels, Timestamp};
/// use stonechat_promql::MemoryStore;
///
/// let mut store = MemoryStore::default();
/// let labels = Labels::from_pairs([("__name__", "up"), ("job", "gateway")])?;
/// store.insert(labels, Timestamp::from_millis(0), 1.0);
/// # Ok::<(), stonechat_model::LabelsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    series: BTreeMap<Labels, BTreeMap<i64, Stored>>,
}

/// A sample: its value, and when its counting began (0 when nobody said).
#[derive(Debug, Clone)]
struct Stored {
    value: StoredValue,
    start: i64,
}

#[derive(Debug, Clone)]
enum StoredValue {
    Float(f64),
    Histogram(Arc<Histogram>),
}

impl MemoryStore {
    /// Adds a sample, or replaces the one of the same time.
    pub fn insert(&mut self, labels: Labels, at: Timestamp, value: f64) {
        self.put(labels, at, StoredValue::Float(value));
    }

    /// Adds a histogram, or replaces the sample of the same time. What it says of the counter before it becomes what a
    /// store can know: that it goes on from the sample before, if there is one.
    pub fn insert_histogram(&mut self, labels: Labels, at: Timestamp, mut histogram: Histogram) {
        let series = self.series.entry(labels.clone()).or_default();
        let before = series.range(..at.millis()).next_back();
        histogram.reset_hint = match before.map(|(_, sample)| &sample.value) {
            _ if histogram.reset_hint == ResetHint::Gauge => ResetHint::Gauge,
            Some(StoredValue::Histogram(before)) if goes_on(before, &histogram) => {
                ResetHint::NotReset
            }
            _ => ResetHint::Unknown,
        };
        self.put(labels, at, StoredValue::Histogram(Arc::new(histogram)));
    }

    /// Says when the counting of a sample began that was added before.
    pub fn set_start(&mut self, labels: &Labels, at: Timestamp, start: Timestamp) {
        let series = self.series.get_mut(labels);
        if let Some(sample) = series.and_then(|series| series.get_mut(&at.millis())) {
            sample.start = start.millis();
        }
    }

    fn put(&mut self, labels: Labels, at: Timestamp, value: StoredValue) {
        let series = self.series.entry(labels).or_default();
        series.insert(at.millis(), Stored { value, start: 0 });
    }

    /// The series that satisfy any of the matcher sets, or all, and have a sample in the range.
    fn matching<'a>(
        &'a self,
        matcher_sets: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> impl Iterator<Item = &'a Labels> {
        let times = range.start.millis()..=range.end.millis();
        self.series
            .iter()
            .filter(move |(_, samples)| {
                !times.is_empty() && samples.range(times.clone()).next().is_some()
            })
            .map(|(labels, _)| labels)
            .filter(|labels| {
                matcher_sets.is_empty() || matcher_sets.iter().any(|set| all_match(set, labels))
            })
    }
}

/// True when a histogram is the next sample of the same counter in the same layout.
fn goes_on(before: &Histogram, after: &Histogram) -> bool {
    before.reset_hint != ResetHint::Gauge
        && after.reset_hint != ResetHint::Reset
        && before.schema == after.schema
        && before.zero_threshold == after.zero_threshold
        && before.custom_values == after.custom_values
        && !Histogram {
            reset_hint: ResetHint::Unknown,
            ..after.clone()
        }
        .is_reset_after(before)
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}

struct Selected<'a> {
    series: Vec<(&'a Labels, &'a BTreeMap<i64, Stored>)>,
    range: TimeRange,
}

impl Selection for Selected<'_> {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        self.series[index].0
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        let times = self.range.start.millis()..=self.range.end.millis();
        let series = self.series[index].1;
        let has_starts = series.values().any(|sample| sample.start != 0);
        for (&time, Stored { value, start }) in series.range(times) {
            let starts = match value {
                StoredValue::Float(value) => {
                    columns.timestamps.push(time);
                    columns.values.push(*value);
                    &mut columns.starts
                }
                StoredValue::Histogram(histogram) => {
                    columns.histograms.push((time, Arc::clone(histogram)));
                    &mut columns.histogram_starts
                }
            };
            if has_starts {
                starts.push(*start);
            }
        }
        Ok(())
    }
}

impl Queryable for MemoryStore {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        let found = |(labels, _): &(&Labels, _)| all_match(matchers, labels);
        let series = if range.start > range.end {
            Vec::new()
        } else {
            self.series.iter().filter(found).collect()
        };
        Ok(Box::new(Selected { series, range }))
    }

    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        Ok(self.matching(matcher_sets, range).cloned().collect())
    }

    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        let series = self.matching(matcher_sets, range);
        let names: BTreeSet<&str> = series
            .flat_map(Labels::iter)
            .map(|(name, _)| name)
            .collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        let series = self.matching(matcher_sets, range);
        let values: BTreeSet<&str> = series.filter_map(|labels| labels.get(name)).collect();
        Ok(values.into_iter().map(str::to_owned).collect())
    }
}
