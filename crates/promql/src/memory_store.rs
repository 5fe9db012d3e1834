//! Samples in memory: the store of test scripts.

use std::collections::{BTreeMap, BTreeSet};

use stonechat_model::{
    Columns, Labels, Matcher, Queryable, QueryableError, Selection, TimeRange, Timestamp,
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
    series: BTreeMap<Labels, BTreeMap<i64, f64>>,
}

impl MemoryStore {
    /// Adds a sample, or replaces the one of the same time.
    pub fn insert(&mut self, labels: Labels, at: Timestamp, value: f64) {
        self.series
            .entry(labels)
            .or_default()
            .insert(at.millis(), value);
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

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers
        .iter()
        .all(|matcher| matcher.matches(labels.get(matcher.name()).unwrap_or_default()))
}

struct Selected<'a> {
    series: Vec<(&'a Labels, &'a BTreeMap<i64, f64>)>,
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
        for (&time, &value) in self.series[index].1.range(times) {
            columns.timestamps.push(time);
            columns.values.push(value);
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
