//! The text by which Alertmanager names a group of alerts: the matchers on the way to the route, then the group's
//! labels. Receivers use it to recognise a group, so it is written exactly as Alertmanager writes it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use stonechat_model::{Labels, Matcher};

/// `{a="b",c=~"d"}`, as a part of a route's key.
pub(crate) fn matchers_text(matchers: &[Matcher]) -> String {
    let texts: Vec<String> = matchers.iter().map(matcher_text).collect();
    format!("{{{}}}", texts.join(","))
}

/// A name that the classic syntax cannot hold is quoted, and only then the value is escaped as Go escapes.
pub(crate) fn matcher_text(matcher: &Matcher) -> String {
    let (name, op, value) = (matcher.name(), matcher.op(), matcher.value());
    if name.chars().any(is_reserved) {
        return format!("{}{op}{}", quote(name), quote(value));
    }
    let escaped = value
        .replace('\\', r"\\")
        .replace('\n', r"\n")
        .replace('"', r#"\""#);
    format!("{name}{op}\"{escaped}\"")
}

/// Characters that end an unquoted text in Alertmanager's matcher syntax.
pub(crate) fn is_reserved(character: char) -> bool {
    character.is_whitespace() || "{}!=~,\\\"'`".contains(character)
}

/// `{a="b", c="d"}`, the labels of a group.
pub(crate) fn labels_text(labels: &Labels) -> String {
    let texts: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value)))
        .collect();
    format!("{{{}}}", texts.join(", "))
}

/// Letters, marks, numbers, punctuation and symbols, which Go prints as they are.
static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").expect("the pattern is constant and tested")
});

/// A text in double quotes as Go's `strconv.Quote` writes it.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            ' '..='~' => quoted.push(character),
            other if is_printable(other) => quoted.push(other),
            other => escape(other, &mut quoted),
        }
    }
    quoted.push('"');
    quoted
}

fn is_printable(character: char) -> bool {
    PRINTABLE.is_match(character.encode_utf8(&mut [0; 4]))
}

fn escape(character: char, text: &mut String) {
    let code = u32::from(character);
    // Writing to a String cannot fail.
    let _ = match code {
        0..0x80 => write!(text, "\\x{code:02x}"),
        0x80..0x1_0000 => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use stonechat_model::MatchOp;

    #[test]
    fn labels_are_written_as_go_quotes() {
        for (value, text) in [
            ("plain", r#"{a="plain"}"#),
            ("q\"\n", r#"{a="q\"\n"}"#),
            ("ü\u{1}\u{200b}東\u{7f}", r#"{a="ü\x01\u200b東\x7f"}"#),
            ("\u{a0}\u{e000}\u{1f600}", r#"{a="\u00a0\ue000😀"}"#),
            ("\u{e0001}", r#"{a="\U000e0001"}"#),
        ] {
            let labels = Labels::from_pairs([("a", value)]).unwrap();
            assert_eq!(labels_text(&labels), text);
        }
        let two = Labels::from_pairs([("b", "2"), ("a", "1")]).unwrap();
        assert_eq!(labels_text(&two), r#"{a="1", b="2"}"#);
        assert_eq!(labels_text(&Labels::default()), "{}");
    }

    #[test]
    fn matchers_are_written_as_alertmanager_does() {
        let matchers = [
            Matcher::equal("my label", "x"),
            Matcher::new("sev", MatchOp::Regex, "crit|war\"n").unwrap(),
            Matcher::equal("zone", "a\\b\tc"),
        ];
        assert_eq!(
            matchers_text(&matchers),
            "{\"my label\"=\"x\",sev=~\"crit|war\\\"n\",zone=\"a\\\\b\tc\"}"
        );
        assert_eq!(matchers_text(&[]), "{}");
    }
}
