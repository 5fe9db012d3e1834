//! Which series are meant: one condition on one label.

use std::fmt;

use regex::Regex;

use crate::number::quote;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        })
    }
}

/// The pattern is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid regular expression {pattern:?}: {reason}")]
pub struct MatcherError {
    pattern: String,
    reason: String,
}

/// One condition on one label. A label that a series does not have counts as empty.
#[derive(Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    /// Present exactly for the two regular-expression operators.
    regex: Option<Regex>,
}

/// The most bytes that a compiled expression may take.
const REGEX_BYTES_MAX: usize = 10 << 20;

impl Matcher {
    /// Builds a matcher. A regular expression has to match the whole value, and `.` matches a line break, as in Prometheus.
    ///
    /// # Errors
    /// When the operator asks for a regular expression and `value` is none.
    pub fn new(
        name: impl Into<String>,
        op: MatchOp,
        value: impl Into<String>,
    ) -> Result<Self, MatcherError> {
        let value = value.into();
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(compile(&value)?),
        };
        Ok(Self {
            name: name.into(),
            op,
            value,
            regex,
        })
    }

    /// `name="value"`, which cannot fail.
    #[must_use]
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            op: MatchOp::Equal,
            value: value.into(),
            regex: None,
        }
    }

    /// The label that is compared.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    #[must_use]
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it is compared with: a text, or the source of a regular expression.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// True when a label with this value (empty for a missing label) satisfies the condition.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match (&self.regex, self.op) {
            (None, MatchOp::NotEqual) => value != self.value,
            (None, _) => value == self.value,
            (Some(regex), MatchOp::NotRegex) => !regex.is_match(value),
            (Some(regex), _) => regex.is_match(value),
        }
    }

    /// True when a series without the label satisfies the condition.
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

fn compile(pattern: &str) -> Result<Regex, MatcherError> {
    regex::RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| MatcherError {
            pattern: pattern.to_owned(),
            reason: last_line(&error.to_string()),
        })
}

/// The regex crate draws the pattern over several lines; the last one says what is wrong.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or(message);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.name, self.op, quote(&self.value))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_prometheus() {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        for (op, pattern, value, expected) in [
            (Equal, "a", "a", true),
            (Equal, "", "", true),
            (NotEqual, "a", "", true),
            (Regex, "a", "ab", false),
            (Regex, "a.*", "a\nb", true),
            (Regex, "a|b", "b", true),
            (Regex, ".*", "", true),
            (Regex, ".+", "", false),
            (NotRegex, "5..", "200", true),
            (NotRegex, "5..", "503", false),
        ] {
            let matcher = Matcher::new("x", op, pattern).unwrap();
            assert_eq!(matcher.matches(value), expected, "{matcher} on {value:?}");
        }
    }

    #[test]
    fn names_the_bad_expression() {
        let error = Matcher::new("x", MatchOp::Regex, "a(b").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"invalid regular expression "a(b": unclosed group"#
        );
    }
}
