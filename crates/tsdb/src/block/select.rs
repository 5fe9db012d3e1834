//! Series of a block by matchers.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use stonechat_model::{MatchOp, Matcher};

use super::BlockError;
use super::directory::LabelSpot;
use super::read::Block;
use crate::head::Literals;

impl Block {
    /// The series that satisfy every matcher.
    pub fn resolve(&self, matchers: &[Matcher]) -> Result<RoaringBitmap, BlockError> {
        // A matcher that the empty value satisfies cannot say who is in, only who is out.
        let (excluding, including): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|matcher| matcher.matches_empty());
        let mut found: Option<RoaringBitmap> = None;
        for matcher in including {
            let holders = self.holders(matcher, true)?;
            let narrowed = match found {
                Some(found) => found & holders,
                None => holders,
            };
            if narrowed.is_empty() {
                return Ok(narrowed);
            }
            found = Some(narrowed);
        }
        let mut found = found.unwrap_or_else(|| {
            let mut all = RoaringBitmap::new();
            all.insert_range(0..self.series());
            all
        });
        for matcher in excluding {
            found -= self.holders(matcher, false)?;
        }
        Ok(found)
    }

    /// The series that satisfy any of the sets; all series when there is none.
    pub fn resolve_any(&self, matcher_sets: &[Vec<Matcher>]) -> Result<RoaringBitmap, BlockError> {
        if matcher_sets.is_empty() {
            return self.resolve(&[]);
        }
        let mut found = RoaringBitmap::new();
        for matchers in matcher_sets {
            found |= self.resolve(matchers)?;
        }
        Ok(found)
    }

    /// The names of labels that any of the series has.
    pub fn label_names(&self, series: &RoaringBitmap) -> Result<Vec<String>, BlockError> {
        let whole = series.len() == u64::from(self.series());
        let mut names = Vec::new();
        for (name, chunks) in &self.directory.labels {
            if whole || self.any_value(chunks, series)? {
                names.push(name.to_string());
            }
        }
        Ok(names)
    }

    fn any_value(&self, chunks: &[LabelSpot], series: &RoaringBitmap) -> Result<bool, BlockError> {
        for spot in chunks {
            let chunk = self.label_chunk(spot.spot)?;
            for (place, _) in chunk.values_from("") {
                let mut holders = RoaringBitmap::new();
                if !chunk.add_series(place, &mut holders) {
                    return Err(self.damaged(spot.spot));
                }
                if !holders.is_disjoint(series) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Adds the values of a label that any of the series has.
    pub fn label_values(
        &self,
        name: &str,
        series: &RoaringBitmap,
        values: &mut BTreeSet<String>,
    ) -> Result<(), BlockError> {
        let whole = series.len() == u64::from(self.series());
        for spot in self.chunks(name) {
            let chunk = self.label_chunk(spot.spot)?;
            for (place, value) in chunk.values_from("") {
                if values.contains(value) {
                    continue;
                }
                let mut holders = RoaringBitmap::new();
                if !whole && !chunk.add_series(place, &mut holders) {
                    return Err(self.damaged(spot.spot));
                }
                if whole || !holders.is_disjoint(series) {
                    values.insert(value.to_owned());
                }
            }
        }
        Ok(())
    }

    fn chunks(&self, name: &str) -> &[LabelSpot] {
        let labels = &self.directory.labels;
        let place = labels.binary_search_by(|(other, _)| (**other).cmp(name));
        place.map_or(&[], |place| &labels[place].1)
    }

    /// The series that have the label with a value which satisfies the matcher (or does not, as asked).
    fn holders(&self, matcher: &Matcher, satisfied: bool) -> Result<RoaringBitmap, BlockError> {
        let mut series = RoaringBitmap::new();
        let chunks = self.chunks(matcher.name());
        let negative = matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex);
        let literals = match matcher.op() {
            MatchOp::Equal | MatchOp::NotEqual => Literals::Exact(vec![matcher.value().to_owned()]),
            MatchOp::Regex | MatchOp::NotRegex => Literals::of(matcher.value()),
        };
        let complement = satisfied == negative;
        let wanted = |value: &str| matcher.matches(value) == satisfied;
        match literals {
            Literals::Everything if complement => {}
            Literals::Everything => self.add(chunks, "", |_| Some(true), &mut series)?,
            Literals::Exact(texts) if !complement => {
                for text in &texts {
                    let only = |value: &str| (value == text).then_some(true);
                    self.add(chunks, text, only, &mut series)?;
                }
            }
            Literals::Prefixes(prefixes) if !complement => {
                for prefix in &prefixes {
                    let some =
                        |value: &str| value.starts_with(prefix.as_str()).then(|| wanted(value));
                    self.add(chunks, prefix, some, &mut series)?;
                }
            }
            _ => self.add(chunks, "", |value| Some(wanted(value)), &mut series)?,
        }
        Ok(series)
    }

    /// Adds the series of the values from `from` on for which `take` says so, until it says nothing.
    fn add(
        &self,
        chunks: &[LabelSpot],
        from: &str,
        take: impl Fn(&str) -> Option<bool>,
        series: &mut RoaringBitmap,
    ) -> Result<(), BlockError> {
        let first = chunks
            .partition_point(|chunk| *chunk.value <= *from)
            .saturating_sub(1);
        for spot in chunks.iter().skip(first) {
            let chunk = self.label_chunk(spot.spot)?;
            for (place, value) in chunk.values_from(from) {
                match take(value) {
                    None => return Ok(()),
                    Some(true) if !chunk.add_series(place, series) => {
                        return Err(self.damaged(spot.spot));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }
}
