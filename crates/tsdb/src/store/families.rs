//! What families of metrics mean.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use stonechat_model::Metadata;

/// The most families; more are forgotten at once.
const FAMILIES_MAX: usize = 100_000;

/// The most meanings of one family; the oldest goes first.
const MEANINGS_MAX: usize = 8;

/// Kept in memory, and in the log from segment to segment.
#[derive(Debug, Default)]
pub(super) struct Families(Mutex<BTreeMap<String, Vec<Metadata>>>);

impl Families {
    /// True when the family has this meaning, or there is no room for it.
    pub fn has(&self, family: &str, metadata: &Metadata) -> bool {
        let families = self.0.lock();
        match families.get(family) {
            Some(known) => known.contains(metadata),
            None => families.len() >= FAMILIES_MAX,
        }
    }

    /// Adds a meaning.
    pub fn add(&self, family: &str, metadata: &Metadata) {
        if self.has(family, metadata) {
            return;
        }
        let mut families = self.0.lock();
        let known = families.entry(family.to_owned()).or_default();
        if known.len() >= MEANINGS_MAX {
            known.remove(0);
        }
        known.push(metadata.clone());
    }

    /// All families, or one, sorted.
    pub fn get(&self, family: Option<&str>) -> Vec<(String, Vec<Metadata>)> {
        let families = self.0.lock();
        let owned = |(family, known): (&String, &Vec<Metadata>)| (family.clone(), known.clone());
        match family {
            Some(family) => families
                .get_key_value(family)
                .map(owned)
                .into_iter()
                .collect(),
            None => families.iter().map(owned).collect(),
        }
    }
}
