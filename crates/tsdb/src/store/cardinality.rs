//! What the series in memory are made of.

use super::Shared;

/// How many series stand behind names and values, the most first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cardinality {
    /// Series in memory.
    pub series: u64,
    /// Pairs of label name and value.
    pub pairs: u64,
    /// Series by metric name.
    pub metrics: Vec<(String, u64)>,
    /// Values by label name.
    pub label_values: Vec<(String, u64)>,
    /// Series by label and value.
    pub label_pairs: Vec<(String, u64)>,
    /// Bytes of names and values by label name.
    pub label_bytes: Vec<(String, u64)>,
}

impl Shared {
    /// See [`Store::cardinality`](super::Store::cardinality).
    pub(super) fn cardinality(&self, limit: usize) -> Cardinality {
        let mut found = Cardinality::default();
        self.head.visit_pairs(|name, value, series| {
            found.pairs += 1;
            if name == stonechat_model::METRIC_NAME {
                found.metrics.push((value.to_owned(), series));
            }
            match found
                .label_values
                .last_mut()
                .filter(|(last, _)| last == name)
            {
                Some((_, values)) => *values += 1,
                None => {
                    found.label_values.push((name.to_owned(), 1));
                    found.label_bytes.push((name.to_owned(), 0));
                }
            }
            if let Some((_, bytes)) = found.label_bytes.last_mut() {
                *bytes += (name.len() + value.len()) as u64 * series;
            }
            found.label_pairs.push((format!("{name}={value}"), series));
            // The list is not to become as long as the index.
            if found.label_pairs.len() > 4 * limit + 4096 {
                most(&mut found.label_pairs, limit);
            }
        });
        found.series = self.head.registry().len() as u64;
        let lists = [
            &mut found.metrics,
            &mut found.label_values,
            &mut found.label_pairs,
            &mut found.label_bytes,
        ];
        for list in lists {
            most(list, limit);
        }
        found
    }
}

/// Keeps the greatest, greatest first.
fn most(list: &mut Vec<(String, u64)>, limit: usize) {
    list.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    list.truncate(limit);
}
