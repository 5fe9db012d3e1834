//! Samples out.

use std::sync::Arc;

use stonechat_model::{Columns, Labels, Matcher, Queryable, QueryableError, Selection, TimeRange};

use super::Store;
use crate::head::Series;

/// Series that matched. Each is as it is when it is read; what retention drops before that is not in it.
struct Selected {
    series: Vec<Arc<Series>>,
    range: TimeRange,
}

impl Selection for Selected {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, index: usize) -> &Labels {
        self.series[index].labels()
    }

    fn read(&self, index: usize, columns: &mut Columns) -> Result<(), QueryableError> {
        let series = &self.series[index];
        series
            .read(self.range, columns)
            .map_err(|error| QueryableError::Damaged {
                what: format!("a chunk of {} in memory ({error})", series.labels()),
            })
    }
}

impl Queryable for Store {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        let series = self.head.select(matchers, range);
        Ok(Box::new(Selected { series, range }))
    }

    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        let series = self.head.select_any(matcher_sets, range);
        Ok(series
            .iter()
            .map(|series| series.labels().clone())
            .collect())
    }

    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        Ok(self.head.label_names(matcher_sets, range))
    }

    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        Ok(self.head.label_values(name, matcher_sets, range))
    }
}
