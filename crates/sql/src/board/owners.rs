use std::collections::HashMap;

use stonechat_model::Labels;

use super::{Key, Shown};
use crate::series::Sample;

/// Which query gives each series. Two that gave the same one would overwrite each other, and the page would be refused whole.
#[derive(Debug, Default)]
pub(super) struct Owners(HashMap<Labels, Key>);

/// A series that another query gives already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) labels: Labels,
    pub(super) owner: Key,
}

impl Owners {
    /// Takes the series of a query's new samples and gives those free that it no longer has. Samples whose series are another query's are
    /// left out; the first of them is returned.
    pub(super) fn claim(
        &mut self,
        key: &Key,
        before: Option<&Shown>,
        samples: Vec<Sample>,
    ) -> (Vec<Sample>, Option<Taken>) {
        if let Some(before) = before {
            // Nearly always a query gives the same series again, and they are its own already.
            if before.labels().eq(samples.iter().map(|it| &it.labels)) {
                return (samples, None);
            }
            self.release(key, before);
        }
        let mut taken = None;
        let mut own = samples;
        own.retain(|sample| match self.0.get(&sample.labels) {
            Some(owner) if owner != key => {
                taken.get_or_insert_with(|| Taken {
                    labels: sample.labels.clone(),
                    owner: owner.clone(),
                });
                false
            }
            Some(_) => true,
            None => {
                self.0.insert(sample.labels.clone(), key.clone());
                true
            }
        });
        (own, taken)
    }

    /// Gives the series of a query free.
    pub(super) fn release(&mut self, key: &Key, shown: &Shown) {
        for labels in shown.labels() {
            if self.0.get(labels) == Some(key) {
                self.0.remove(labels);
            }
        }
    }

    pub(super) fn is_given(&self, labels: &Labels) -> bool {
        self.0.contains_key(labels)
    }
}
