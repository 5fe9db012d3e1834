//! Series in memory that rules can read and write.

use parking_lot::{Mutex, RwLock};
use stonechat_model::{
    AppendError, Appended, Appender, Batch, Columns, Labels, Matcher, Queryable, QueryableError,
    Selection, SeriesRef, TimeRange, Timestamp,
};
use stonechat_promql::MemoryStore;

/// The store of one test.
#[derive(Debug, Default)]
pub(super) struct TestStore {
    samples: RwLock<MemoryStore>,
    /// The series that rules write; a reference is an index into them.
    written: Mutex<Vec<Labels>>,
}

impl TestStore {
    pub fn insert(&self, labels: &Labels, at: Timestamp, value: f64) {
        self.samples.write().insert(labels.clone(), at, value);
    }
}

impl Appender for TestStore {
    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        let mut written = self.written.lock();
        let known = written.iter().position(|known| known == labels);
        let index = known.unwrap_or_else(|| {
            written.push(labels.clone());
            written.len() - 1
        });
        Ok(SeriesRef(index as u64))
    }

    fn append(&self, batch: &Batch) -> Result<Appended, AppendError> {
        let (written, mut samples) = (self.written.lock(), self.samples.write());
        let mut appended = Appended::default();
        for (reference, at, value) in batch.iter() {
            let labels = usize::try_from(reference.0)
                .ok()
                .and_then(|index| written.get(index));
            match labels {
                Some(labels) => {
                    samples.insert(labels.clone(), at, value);
                    appended.accepted += 1;
                }
                None => appended.unknown_series.push(reference),
            }
        }
        Ok(appended)
    }
}

/// A copy, so that rules may write while it is read.
struct Selected(Vec<(Labels, Columns)>);

impl Selection for Selected {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        &self.0[index].0
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        let (_, own) = &self.0[index];
        columns.timestamps.extend(&own.timestamps);
        columns.values.extend(&own.values);
        Ok(())
    }
}

impl Queryable for TestStore {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        let samples = self.samples.read();
        let selection = samples.select(matchers, range)?;
        let mut series = Vec::with_capacity(selection.len());
        for index in 0..selection.len() {
            let mut columns = Columns::default();
            selection.read(index, &mut columns)?;
            series.push((selection.labels(index).clone(), columns));
        }
        Ok(Box::new(Selected(series)))
    }

    fn series(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        self.samples.read().series(sets, range)
    }

    fn label_names(
        &self,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.samples.read().label_names(sets, range)
    }

    fn label_values(
        &self,
        name: &str,
        sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.samples.read().label_values(name, sets, range)
    }
}
