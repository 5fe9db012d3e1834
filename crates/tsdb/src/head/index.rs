//! Label names and values to series.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use roaring::RoaringBitmap;
use stonechat_model::{Labels, MatchOp, Matcher};

use super::Series;
use super::literals::Literals;
use super::postings::Postings;

/// The values of one label, sorted, so that a prefix is a range of them.
type Values = BTreeMap<Box<str>, Postings>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    names: BTreeMap<Box<str>, Values>,
    all: RoaringBitmap,
}

impl Index {
    /// Adds a series.
    pub fn insert(&mut self, slot: u32, labels: &Labels) {
        self.all.insert(slot);
        for (name, value) in labels.iter() {
            // Looked up first, because `entry` would want an owned key for every series.
            let values = match self.names.get_mut(name) {
                Some(values) => values,
                None => self.names.entry(name.into()).or_default(),
            };
            match values.get_mut(value) {
                Some(postings) => postings.insert(slot),
                None => values.entry(value.into()).or_default().insert(slot),
            }
        }
    }

    /// Removes series.
    pub fn remove(&mut self, removed: &[(u32, Arc<Series>)]) {
        for (slot, series) in removed {
            self.all.remove(*slot);
            for (name, value) in series.labels().iter() {
                self.remove_pair(*slot, name, value);
            }
        }
    }

    fn remove_pair(&mut self, slot: u32, name: &str, value: &str) {
        let Some(values) = self.names.get_mut(name) else {
            return;
        };
        if let Some(postings) = values.get_mut(value) {
            postings.remove(slot);
            if postings.is_empty() {
                values.remove(value);
            }
        }
        if values.is_empty() {
            self.names.remove(name);
        }
    }

    /// The series that satisfy every matcher.
    pub fn resolve(&self, matchers: &[Matcher]) -> RoaringBitmap {
        // A matcher that the empty value satisfies cannot say who is in, only who is out.
        let (excluding, including): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|matcher| matcher.matches_empty());
        let mut found: Option<RoaringBitmap> = None;
        for matcher in including {
            let holders = self.holders(matcher, true);
            let narrowed = match found {
                Some(found) => found & holders,
                None => holders,
            };
            if narrowed.is_empty() {
                return narrowed;
            }
            found = Some(narrowed);
        }
        let mut found = found.unwrap_or_else(|| self.all.clone());
        for matcher in excluding {
            found -= self.holders(matcher, false);
        }
        found
    }

    /// The series that satisfy any of the sets; all series when there is none.
    pub fn resolve_any(&self, matcher_sets: &[Vec<Matcher>]) -> RoaringBitmap {
        if matcher_sets.is_empty() {
            return self.all.clone();
        }
        let mut found = RoaringBitmap::new();
        for matchers in matcher_sets {
            found |= self.resolve(matchers);
        }
        found
    }

    /// Gives every name, value and the number of their series to `visit`, sorted.
    pub fn visit(&self, mut visit: impl FnMut(&str, &str, u64)) {
        for (name, values) in &self.names {
            for (value, postings) in values {
                visit(name, value, postings.len());
            }
        }
    }

    /// The names of labels that any of the series has, or any at all.
    pub fn names(&self, slots: Option<&RoaringBitmap>) -> Vec<String> {
        let has = |values: &Values| {
            slots.is_none_or(|slots| values.values().any(|postings| postings.intersects(slots)))
        };
        let names = self.names.iter().filter(|(_, values)| has(values));
        names.map(|(name, _)| name.to_string()).collect()
    }

    /// The values of a label that any of the series has, or any at all.
    pub fn values(&self, name: &str, slots: Option<&RoaringBitmap>) -> Vec<String> {
        let values = self.names.get(name).into_iter().flatten();
        values
            .filter(|(_, postings)| slots.is_none_or(|slots| postings.intersects(slots)))
            .map(|(value, _)| value.to_string())
            .collect()
    }

    /// The series that have the label with a value which satisfies the matcher (or does not, as asked).
    fn holders(&self, matcher: &Matcher, satisfied: bool) -> RoaringBitmap {
        let mut slots = RoaringBitmap::new();
        let Some(values) = self.names.get(matcher.name()) else {
            return slots;
        };
        let negative = matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex);
        let literals = match matcher.op() {
            MatchOp::Equal | MatchOp::NotEqual => Literals::Exact(vec![matcher.value().to_owned()]),
            MatchOp::Regex | MatchOp::NotRegex => Literals::of(matcher.value()),
        };
        if satisfied == negative {
            // Asked for is the complement of what the text of the matcher describes.
            for (value, postings) in values {
                let complement = match &literals {
                    Literals::Everything => false,
                    Literals::Exact(texts) => texts
                        .binary_search_by(|text| text.as_str().cmp(value))
                        .is_err(),
                    Literals::Prefixes(_) | Literals::Unknown => {
                        matcher.matches(value) == satisfied
                    }
                };
                if complement {
                    postings.add_to(&mut slots);
                }
            }
        } else {
            described(values, matcher, &literals, satisfied, &mut slots);
        }
        slots
    }
}

/// Adds the series whose value is what the text of the matcher describes.
fn described(
    values: &Values,
    matcher: &Matcher,
    literals: &Literals,
    satisfied: bool,
    slots: &mut RoaringBitmap,
) {
    match literals {
        Literals::Everything => values.values().for_each(|postings| postings.add_to(slots)),
        Literals::Exact(texts) => texts
            .iter()
            .filter_map(|text| values.get(text.as_str()))
            .for_each(|postings| postings.add_to(slots)),
        Literals::Prefixes(prefixes) => {
            for prefix in prefixes {
                let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
                let range = values.range::<str, _>(from);
                range
                    .take_while(|(value, _)| value.starts_with(prefix.as_str()))
                    .filter(|(value, _)| matcher.matches(value) == satisfied)
                    .for_each(|(_, postings)| postings.add_to(slots));
            }
        }
        Literals::Unknown => values
            .iter()
            .filter(|(value, _)| matcher.matches(value) == satisfied)
            .for_each(|(_, postings)| postings.add_to(slots)),
    }
}
