//! What a series is called: a sorted set of names and values in one allocation.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::number::quote;

mod names; // names that nearly every series has

/// The label that holds the metric's name.
pub const METRIC_NAME: &str = "__name__";

/// A label set: sorted by name, no name twice, no empty value. Cloning copies a pointer.
///
/// All names and values stand in one string, each behind its length in bytes, and the length is
/// itself written as one character. So a set costs one allocation, comparing two sets for equality is one
/// comparison of bytes, and no `unsafe` is needed to cut the strings out again. Of names that nearly every series has only
/// their number is written, as one character below the lengths: a fifth of the memory of most sets.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels(Arc<str>);

/// Why a label set cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelsError {
    /// A name stands twice in one set; leave one out.
    #[error("label {0:?} is given twice")]
    Duplicate(String),
    /// A name or value is longer than [`Labels::TEXT_BYTES_MAX`].
    #[error(
        "label {name:?} has a text of {bytes} bytes; at most {} are allowed",
        Labels::TEXT_BYTES_MAX
    )]
    TooLong {
        /// The label's name, cut to 64 characters.
        name: String,
        /// Length of the offending text.
        bytes: usize,
    },
    /// A name is empty.
    #[error("a label name is empty")]
    EmptyName,
}

impl Labels {
    /// The longest name or value in bytes.
    pub const TEXT_BYTES_MAX: usize = 1 << 20;

    /// Builds a set from pairs in any order. Pairs with an empty value are left out, as in Prometheus
    /// an empty label is the same as none.
    ///
    /// # Errors
    /// When a name is empty or given twice, or a text is too long.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, LabelsError>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut pairs: Vec<(N, V)> = pairs
            .into_iter()
            .filter(|(_, value)| !value.as_ref().is_empty())
            .collect();
        pairs.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        if let Some(twice) = pairs
            .windows(2)
            .find(|two| two[0].0.as_ref() == two[1].0.as_ref())
        {
            return Err(LabelsError::Duplicate(twice[0].0.as_ref().to_owned()));
        }
        for (name, value) in &pairs {
            check(name.as_ref(), value.as_ref())?;
        }
        Ok(Self::pack(
            pairs
                .iter()
                .map(|(name, value)| (name.as_ref(), value.as_ref())),
        ))
    }

    /// Packs pairs that are already sorted, checked and free of empty values.
    fn pack<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        for (name, value) in pairs {
            put_name(&mut text, name);
            text.push(length_to_char(value.len()));
            text.push_str(value);
        }
        Self(text.into())
    }

    /// The value of a label, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(candidate, _)| *candidate == name)
            .map(|(_, value)| value)
    }

    /// The metric's name, empty when there is none.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest: &str = &self.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let name = take_name(&mut rest);
            let length = take_character(&mut rest);
            let value = take(&mut rest, char_to_length(length));
            Some((name, value))
        })
    }

    /// True when the set has no label at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Bytes that the set occupies on the heap, without the counters of `Arc`.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.0.len()
    }

    /// Starts a changed copy.
    #[must_use]
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder {
            pairs: self
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// The same set without the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        if self.get(METRIC_NAME).is_none() {
            return self.clone();
        }
        Self::pack(self.iter().filter(|(name, _)| *name != METRIC_NAME))
    }

    /// The labels whose name is in `names`.
    #[must_use]
    pub fn keep<S: AsRef<str>>(&self, names: &[S]) -> Self {
        Self::pack(
            self.iter()
                .filter(|(name, _)| names.iter().any(|kept| kept.as_ref() == *name)),
        )
    }

    /// The labels whose name is not in `names`.
    #[must_use]
    pub fn drop<S: AsRef<str>>(&self, names: &[S]) -> Self {
        Self::pack(
            self.iter()
                .filter(|(name, _)| names.iter().all(|dropped| dropped.as_ref() != *name)),
        )
    }
}

fn check(name: &str, value: &str) -> Result<(), LabelsError> {
    if name.is_empty() {
        return Err(LabelsError::EmptyName);
    }
    match [name, value]
        .iter()
        .find(|text| text.len() > Labels::TEXT_BYTES_MAX)
    {
        Some(text) => Err(LabelsError::TooLong {
            name: name.chars().take(64).collect(),
            bytes: text.len(),
        }),
        None => Ok(()),
    }
}

/// First code point behind the surrogates, which are no characters.
const AFTER_SURROGATES: u32 = 0xE000;
const SURROGATES: u32 = 0x800;

fn length_to_char(length: usize) -> char {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let code = if length < AFTER_SURROGATES - SURROGATES {
        length
    } else {
        length.saturating_add(SURROGATES)
    };
    char::from_u32(code).expect("label texts are at most 1 MiB long, which the constructors check")
}

fn char_to_length(character: char) -> usize {
    let code = u32::from(character);
    let length = if code < AFTER_SURROGATES {
        code
    } else {
        code - SURROGATES
    };
    length as usize
}

/// Writes the number of a name that is known, and else its length, behind all numbers, and the name.
fn put_name(text: &mut String, name: &str) {
    match names::number(name) {
        Some(number) => text.push(char::from(number)),
        None => {
            text.push(length_to_char(name.len() + names::COUNT));
            text.push_str(name);
        }
    }
}

/// Cuts the next name off the front of a packed string.
fn take_name<'a>(rest: &mut &'a str) -> &'a str {
    let code = char_to_length(take_character(rest));
    match names::name(code) {
        Some(name) => name,
        None => take(rest, code.saturating_sub(names::COUNT)),
    }
}

/// Cuts the next character off the front of a packed string, which has one.
fn take_character(rest: &mut &str) -> char {
    let mut characters = rest.chars();
    let first = characters.next().unwrap_or_default();
    *rest = characters.as_str();
    first
}

/// Cuts a text off the front of a packed string.
fn take<'a>(rest: &mut &'a str, length: usize) -> &'a str {
    let (text, behind) = rest.split_at(length);
    *rest = behind;
    text
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By name, then value, pair by pair: the order in which Prometheus sorts series.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

/// `up{job="gateway"}`, as in a query; `{}` for the empty set.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name)?;
        if !name.is_empty() && self.len() == 1 {
            return Ok(());
        }
        f.write_str("{")?;
        for (index, (label, value)) in self
            .iter()
            .filter(|(label, _)| *label != METRIC_NAME)
            .enumerate()
        {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{label}={}", quote(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> serde::Deserialize<'de> for Labels {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Self::from_pairs(pairs).map_err(serde::de::Error::custom)
    }
}

/// A label set under change. [`build`](Self::build) gives the finished one.
#[derive(Debug, Clone, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() {
            return self.remove(name);
        }
        match self
            .pairs
            .iter_mut()
            .find(|(candidate, _)| candidate == name)
        {
            Some((_, old)) => value.clone_into(old),
            None => self.pairs.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.pairs.retain(|(candidate, _)| candidate != name);
        self
    }

    /// The value of a label as it stands now.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// The finished set.
    ///
    /// # Errors
    /// When a name is empty or a text too long.
    pub fn build(self) -> Result<Labels, LabelsError> {
        Labels::from_pairs(self.pairs)
    }
}

/// True for any text that Prometheus 3 takes as a label name: UTF-8 and not empty.
#[must_use]
pub fn is_label_name(name: &str) -> bool {
    !name.is_empty()
}

/// True for names that need no quotes in a query: `[a-zA-Z_][a-zA-Z0-9_]*`.
#[must_use]
pub fn is_legacy_label_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&str, &str)], shown: &str) {
        let labels = Labels::from_pairs(pairs.iter().copied()).unwrap();
        assert_eq!(labels.to_string(), shown);
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            assert_eq!(labels.get(name), Some(*value));
        }
    }

    #[test]
    fn shows_as_in_a_query() {
        check(&[], "{}");
        check(&[("__name__", "up")], "up");
        check(
            &[("job", "a"), ("__name__", "up"), ("empty", "")],
            r#"up{job="a"}"#,
        );
        check(
            &[("b", "2"), ("a", "say \"hi\"\n")],
            r#"{a="say \"hi\"\n", b="2"}"#,
        );
        check(&[("größe", "東京")], r#"{größe="東京"}"#);
    }

    #[test]
    fn texts_of_every_length_come_back() {
        for length in [
            1,
            127,
            128,
            0xD7FF,
            0xD800,
            0xDFFF,
            0xE000,
            0x1_0000,
            Labels::TEXT_BYTES_MAX,
        ] {
            let value = "v".repeat(length);
            let labels = Labels::from_pairs([("a", value.as_str()), ("b", "x")]).unwrap();
            assert_eq!(labels.get("a").map(str::len), Some(length));
            assert_eq!(labels.get("b"), Some("x"));
        }
    }

    #[test]
    fn names_of_every_length_come_back() {
        for length in [1, 50, 70, 128, 0xD7FF, 0xD800, Labels::TEXT_BYTES_MAX] {
            let name = "n".repeat(length);
            let labels = Labels::from_pairs([(name.as_str(), "x"), ("job", "y")]).unwrap();
            assert_eq!(labels.get(&name), Some("x"), "{length}");
            assert_eq!(labels.get("job"), Some("y"));
        }
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert_eq!(
            Labels::from_pairs([("a", "1"), ("a", "2")]),
            Err(LabelsError::Duplicate("a".into()))
        );
        assert_eq!(Labels::from_pairs([("", "1")]), Err(LabelsError::EmptyName));
        let long = "v".repeat(Labels::TEXT_BYTES_MAX + 1);
        assert!(matches!(
            Labels::from_pairs([("a", long)]),
            Err(LabelsError::TooLong { .. })
        ));
    }

    #[test]
    fn order_is_by_pairs_not_by_bytes() {
        let short = Labels::from_pairs([("a", "b")]).unwrap();
        let long = Labels::from_pairs([("a", "azzz")]).unwrap();
        assert!(long < short, "azzz sorts before b although it is longer");
        let more = Labels::from_pairs([("a", "b"), ("c", "d")]).unwrap();
        assert!(short < more);
    }
}
