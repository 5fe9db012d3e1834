//! The store, for who must not judge by half of it.

use std::sync::Arc;

use stonechat_model::{
    Exemplar, Labels, Matcher, Metadata, Queryable, QueryableError, Selection, TimeRange,
};
use stonechat_tsdb::Store;

/// Answers when the log is read back, which takes a moment after the start. Rules ask through this: an alert must neither fire nor
/// end because its history is not there yet. People and dashboards ask the store itself.
pub(crate) struct WholeHistory(pub Arc<Store>);

impl WholeHistory {
    fn store(&self) -> &Store {
        let _ = self.0.recovery();
        &self.0
    }
}

impl Queryable for WholeHistory {
    fn select(
        &self,
        matchers: &[Matcher],
        range: TimeRange,
    ) -> Result<Box<dyn Selection + '_>, QueryableError> {
        self.store().select(matchers, range)
    }

    fn series(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<Labels>, QueryableError> {
        Queryable::series(self.store(), matcher_sets, range)
    }

    fn label_names(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.store().label_names(matcher_sets, range)
    }

    fn label_values(
        &self,
        name: &str,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<String>, QueryableError> {
        self.store().label_values(name, matcher_sets, range)
    }

    fn exemplars(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<(Labels, Vec<Exemplar>)>, QueryableError> {
        self.store().exemplars(matcher_sets, range)
    }

    fn metadata(
        &self,
        family: Option<&str>,
    ) -> Result<Vec<(String, Vec<Metadata>)>, QueryableError> {
        self.store().metadata(family)
    }
}
