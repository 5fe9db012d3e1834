//! What is told beside samples: exemplars and metadata, in and out.

use std::collections::BTreeMap;
use std::io;

use stonechat_model::{AppendError, Exemplar, Labels, Matcher, Metadata, TimeRange};

use super::Shared;

impl Shared {
    /// See [`Appender::describe`](stonechat_model::Appender::describe).
    pub(super) fn describe(&self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        if self.families.has(family, metadata) {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        if self.is_closed() {
            return Err(AppendError::Closed);
        }
        let one = [(family, metadata)];
        writer.write(|packer, bytes| packer.put_metadata(bytes, one.into_iter()))?;
        self.families.add(family, metadata);
        Ok(())
    }

    /// Writes exemplars and metadata into the log once more, before the segments go in which they stand.
    pub(super) fn write_beside(&self) -> io::Result<()> {
        let families = self.families.get(None);
        let exemplars = self.exemplars.all();
        let mut writer = self.writer.lock();
        let (mut table, mut entries) = (Vec::new(), Vec::new());
        let registry = self.head.registry();
        for (reference, exemplar) in exemplars {
            let Some(series) = registry.get(reference) else {
                continue;
            };
            let (id, fresh) = writer.id(reference);
            if fresh {
                table.push((id, series.labels().clone()));
            }
            entries.push((id, exemplar));
        }
        drop(registry);
        writer.write(|packer, bytes| {
            let pairs = families
                .iter()
                .flat_map(|(family, known)| known.iter().map(move |one| (family.as_str(), one)));
            if !families.is_empty() {
                packer.put_metadata(bytes, pairs)?;
            }
            if !table.is_empty() {
                packer.put_table(bytes, &table)?;
            }
            if !entries.is_empty() {
                packer.put_exemplars(bytes, &entries)?;
            }
            Ok(())
        })
    }

    /// See [`Queryable::exemplars`](stonechat_model::Queryable::exemplars).
    pub(super) fn select_exemplars(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Vec<(Labels, Vec<Exemplar>)> {
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        let exemplars = self.exemplars.all();
        let registry = self.head.registry();
        for (reference, exemplar) in exemplars {
            let Some(series) = registry.get(reference) else {
                continue;
            };
            let labels = series.labels();
            let matches = |matchers: &Vec<Matcher>| {
                let value =
                    |matcher: &Matcher| labels.get(matcher.name()).unwrap_or_default().to_owned();
                matchers
                    .iter()
                    .all(|matcher| matcher.matches(&value(matcher)))
            };
            let wanted = matcher_sets.is_empty() || matcher_sets.iter().any(matches);
            if wanted && range.contains(exemplar.timestamp) {
                found.entry(labels.clone()).or_default().push(exemplar);
            }
        }
        found.into_iter().collect()
    }
}
