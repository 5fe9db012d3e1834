//! Relabelling: rules that change, keep or drop label sets, exactly as Prometheus applies them.

use md5::{Digest, Md5};
use regex::Regex;
use stonechat_model::{LabelsBuilder, LabelsError};

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Sets a label to a text made from the match.
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Sets a label to a hash modulo a number.
    HashMod,
    /// Copies labels whose names match to names made from the match.
    LabelMap,
    /// Removes labels whose names match.
    LabelDrop,
    /// Removes labels whose names do not match.
    LabelKeep,
    /// Sets a label to the value in lower case.
    Lowercase,
    /// Sets a label to the value in upper case.
    Uppercase,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::Replace,
        Self::Keep,
        Self::Drop,
        Self::KeepEqual,
        Self::DropEqual,
        Self::HashMod,
        Self::LabelMap,
        Self::LabelDrop,
        Self::LabelKeep,
        Self::Lowercase,
        Self::Uppercase,
    ];

    /// The action as the configuration writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::KeepEqual => "keepequal",
            Self::DropEqual => "dropequal",
            Self::HashMod => "hashmod",
            Self::LabelMap => "labelmap",
            Self::LabelDrop => "labeldrop",
            Self::LabelKeep => "labelkeep",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// The action of a name in lower case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// The pattern is no regular expression, or a far too large one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid regular expression: {0}")]
pub struct PatternError(String);

/// The most bytes that a compiled expression may take.
const REGEX_BYTES_MAX: usize = 10 << 20;

/// A regular expression that has to match the whole text.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Compiles an expression. `.` matches a line break too, as in Prometheus.
    ///
    /// # Errors
    /// When the text is no expression.
    pub fn new(source: &str) -> Result<Self, PatternError> {
        let regex = regex::RegexBuilder::new(&format!("^(?s:{source})$"))
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let line = text.lines().last().unwrap_or_default();
                PatternError(line.trim_start_matches("error: ").to_owned())
            })?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    /// Matches everything and remembers it as `$1`.
    #[must_use]
    pub fn any() -> Self {
        Self::new("(.*)").expect("this expression is right")
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// One rule, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Labels whose values are joined and matched.
    pub source_labels: Vec<String>,
    /// What stands between the joined values.
    pub separator: String,
    /// What has to match.
    pub regex: Pattern,
    /// For [`Action::HashMod`]; 0 leaves the label alone.
    pub modulus: u64,
    /// The label that is set or compared.
    pub target_label: String,
    /// What it is set to.
    pub replacement: String,
    /// What is done.
    pub action: Action,
}

/// Applies rules in their order. False when one of them drops the whole.
///
/// # Errors
/// When a rule makes a label that cannot be.
pub fn apply(rules: &[Rule], labels: &mut LabelsBuilder) -> Result<bool, LabelsError> {
    for rule in rules {
        if !apply_one(rule, labels)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn apply_one(rule: &Rule, labels: &mut LabelsBuilder) -> Result<bool, LabelsError> {
    let values: Vec<&str> = rule
        .source_labels
        .iter()
        .map(|name| labels.get(name).unwrap_or_default())
        .collect();
    let value = values.join(&rule.separator);
    let regex = &rule.regex.regex;
    let target = rule.target_label.as_str();
    match rule.action {
        Action::Keep => return Ok(regex.is_match(&value)),
        Action::Drop => return Ok(!regex.is_match(&value)),
        Action::KeepEqual => return Ok(labels.get(target).unwrap_or_default() == value),
        Action::DropEqual => return Ok(labels.get(target).unwrap_or_default() != value),
        Action::Replace => replace(rule, &value, labels),
        Action::Lowercase => {
            labels.set(target, &value.to_lowercase());
        }
        Action::Uppercase => {
            labels.set(target, &value.to_uppercase());
        }
        Action::HashMod => {
            if let Some(rest) = hash(&value).checked_rem(rule.modulus) {
                labels.set(target, &rest.to_string());
            }
        }
        Action::LabelMap | Action::LabelDrop | Action::LabelKeep => by_name(rule, labels)?,
    }
    Ok(true)
}

fn replace(rule: &Rule, value: &str, labels: &mut LabelsBuilder) {
    let Some(captures) = rule.regex.regex.captures(value) else {
        return;
    };
    let (mut target, mut replacement) = (String::new(), String::new());
    captures.expand(&rule.target_label, &mut target);
    captures.expand(&rule.replacement, &mut replacement);
    if !target.is_empty() {
        labels.set(&target, &replacement);
    }
}

/// The actions that look at every label's name. They see the labels as they were before the rule.
fn by_name(rule: &Rule, labels: &mut LabelsBuilder) -> Result<(), LabelsError> {
    let regex = &rule.regex.regex;
    for (name, value) in labels.clone().build()?.iter() {
        match (rule.action, regex.is_match(name)) {
            (Action::LabelMap, true) => {
                let mapped = regex.replace_all(name, rule.replacement.as_str());
                if !mapped.is_empty() {
                    labels.set(&mapped, value);
                }
            }
            (Action::LabelDrop, true) | (Action::LabelKeep, false) => {
                labels.remove(name);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The second half of the MD5 sum as a number, which is how Prometheus shards.
fn hash(value: &str) -> u64 {
    let sum: [u8; 16] = Md5::digest(value.as_bytes()).into();
    let half = sum[8..].iter();
    half.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
