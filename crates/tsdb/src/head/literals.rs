//! What a regular expression can match at all, found without running it.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};

/// The texts that an expression, which has to match a whole value, describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literals {
    /// Every text.
    Everything,
    /// Exactly these, sorted, each once.
    Exact(Vec<String>),
    /// Only texts with one of these beginnings, but perhaps not all of them. Sorted, none the beginning of another.
    Prefixes(Vec<String>),
    /// Nothing is known.
    Unknown,
}

/// The most literals an expression is taken apart into.
const LITERALS_MAX: usize = 1024;

impl Literals {
    /// Looks at an expression as [`stonechat_model::Matcher`] compiles it.
    pub fn of(pattern: &str) -> Self {
        if matches!(pattern, ".*" | "(.*)") {
            return Self::Everything;
        }
        let parsed = ParserBuilder::new()
            .dot_matches_new_line(true)
            .build()
            .parse(pattern);
        let Ok(expression) = parsed else {
            return Self::Unknown;
        };
        // The extractor takes an anchor for an empty text, which is wrong in the middle of a word.
        if !expression.properties().look_set().is_empty() {
            return Self::Unknown;
        }
        let literals = Extractor::new()
            .kind(ExtractKind::Prefix)
            .limit_class(16)
            .limit_repeat(16)
            .limit_literal_len(4096)
            .limit_total(LITERALS_MAX)
            .extract(&expression);
        Self::from_sequence(&literals).unwrap_or(Self::Unknown)
    }

    fn from_sequence(sequence: &Seq) -> Option<Self> {
        let mut texts = Vec::new();
        for literal in sequence.literals()? {
            texts.push(String::from_utf8(literal.as_bytes().to_vec()).ok()?);
        }
        texts.sort_unstable();
        texts.dedup();
        if sequence.is_exact() {
            return Some(Self::Exact(texts));
        }
        // A longer beginning behind its own beginning would visit its values twice.
        let mut prefixes: Vec<String> = Vec::new();
        for text in texts {
            if text.is_empty() {
                return None;
            }
            if prefixes
                .last()
                .is_none_or(|last| !text.starts_with(last.as_str()))
            {
                prefixes.push(text);
            }
        }
        Some(Self::Prefixes(prefixes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stonechat_model::{MatchOp, Matcher};

    use super::*;

    fn exact(texts: &[&str]) -> Literals {
        Literals::Exact(texts.iter().map(ToString::to_string).collect())
    }

    fn prefixes(texts: &[&str]) -> Literals {
        Literals::Prefixes(texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn takes_expressions_apart() {
        for (pattern, expected) in [
            (".*", Literals::Everything),
            (".+", Literals::Unknown),
            ("", exact(&[""])),
            ("a", exact(&["a"])),
            ("b|a|b", exact(&["a", "b"])),
            ("a|", exact(&["", "a"])),
            ("(GET|PUT)", exact(&["GET", "PUT"])),
            (r"10\.0\.0\.1:9100", exact(&["10.0.0.1:9100"])),
            ("ab?", exact(&["a", "ab"])),
            ("gate.*", prefixes(&["gate"])),
            ("gate.+|gateway.*|x.*", prefixes(&["gate", "x"])),
            ("a|b.*", prefixes(&["a", "b"])),
            (".*way", Literals::Unknown),
            ("^a$", Literals::Unknown),
            (r"a\b.*", Literals::Unknown),
        ] {
            assert_eq!(Literals::of(pattern), expected, "{pattern:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_expression(
            pattern in "[ab.*+?|()^$\\[\\]-]{0,8}|(a|b|.\\*|\\(a\\|b\\)|[ab]\\?){1,5}",
            value in "[ab]{0,5}",
        ) {
            let Ok(matcher) = Matcher::new("x", MatchOp::Regex, pattern.clone()) else {
                return Ok(());
            };
            let matches = matcher.matches(&value);
            match Literals::of(&pattern) {
                Literals::Everything => prop_assert!(matches),
                Literals::Exact(texts) => prop_assert_eq!(matches, texts.contains(&value)),
                Literals::Prefixes(texts) => {
                    let begins = texts.iter().any(|text| value.starts_with(text.as_str()));
                    prop_assert!(begins || !matches);
                }
                Literals::Unknown => {}
            }
        }
    }
}
