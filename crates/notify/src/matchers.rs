//! Conditions on labels as Alertmanager writes them: `severity=~"warning|critical", team="chat"`.
//!
//! Alertmanager knows two syntaxes and reads a text with both. Where only one takes it, that one counts; where they
//! disagree, the classic one does, because older files were written for it.

mod classic; // names in ASCII, values often without quotes
mod utf8; // any name and value, quoted where needed

use stonechat_model::{MatchOp, Matcher, MatcherError};

/// Why a text is no list of conditions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MatchersError {
    /// The text breaks the syntax.
    #[error("{0}")]
    Syntax(String),
    /// The right side is no regular expression.
    #[error(transparent)]
    Regex(#[from] MatcherError),
}

/// Reads conditions separated by commas, in braces or not. The result is sorted as Alertmanager sorts it.
pub(crate) fn parse(text: &str) -> Result<Vec<Matcher>, MatchersError> {
    let mut matchers = match (utf8::parse(text), classic::parse(text)) {
        (Err(error), Err(_)) => return Err(error),
        (Err(_), Ok(classic)) => classic,
        (Ok(utf8), Ok(classic)) if utf8 != classic => classic,
        (Ok(utf8), _) => utf8,
    };
    sort(&mut matchers);
    Ok(matchers)
}

/// By name, value and operator: the order of a route's key.
pub(crate) fn sort(matchers: &mut [Matcher]) {
    let rank = |op| match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    };
    matchers.sort_by(|a, b| {
        (a.name(), a.value(), rank(a.op())).cmp(&(b.name(), b.value(), rank(b.op())))
    });
}

/// The operator at the beginning of a text, and what stands behind it.
fn operator(text: &str) -> Option<(MatchOp, &str)> {
    [
        ("=~", MatchOp::Regex),
        ("=", MatchOp::Equal),
        ("!=", MatchOp::NotEqual),
        ("!~", MatchOp::NotRegex),
    ]
    .into_iter()
    .find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (op, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let matchers =
            parse(text).unwrap_or_else(|error| panic!("{text:?} should be taken: {error}"));
        let shown: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn takes_both_syntaxes() {
        check("", &[]);
        check("{}", &[]);
        check("foo=bar", &[r#"foo="bar""#]);
        check(r#"{foo="bar",}"#, &[r#"foo="bar""#]);
        check(
            r#" foo = "bar" , dings!="bums" "#,
            &[r#"dings!="bums""#, r#"foo="bar""#],
        );
        check(r#"statuscode=~"5..""#, &[r#"statuscode=~"5..""#]);
        check("a!~b.+", &[r#"a!~"b.+""#]);
        check(r#""my label"="x""#, &[r#"my label="x""#]);
        check("größe=東京", &[r#"größe="東京""#]);
        check(r#"a="{b}, c""#, &[r#"a="{b}, c""#]);
        check("a=1, a=0, a!=0", &[r#"a="0""#, r#"a!="0""#, r#"a="1""#]);
    }

    #[test]
    fn takes_what_only_the_classic_syntax_takes() {
        check("foo=", &[r#"foo="""#]);
        check("foo=bar baz", &[r#"foo="bar baz""#]);
        check("service=~^(foo1|foo2)$", &[r#"service=~"^(foo1|foo2)$""#]);
        check(r#"foo=~"\d+""#, &[r#"foo=~"\\d+""#]);
        check("foo=a=b", &[r#"foo="a=b""#]);
        check("a:b=c", &[r#"a:b="c""#]);
        check("foo=bar}}", &[r#"foo="bar}""#]);
        check("{foo=bar", &[r#"foo="bar""#]);
    }

    #[test]
    fn the_classic_reading_wins_where_both_differ() {
        // Go's quoting reads \t as a tab, the classic syntax as a backslash and a letter.
        check(r#"foo="a\tb""#, &[r#"foo="a\\tb""#]);
        // Only the newer syntax takes this name, so its reading counts.
        check(r#""f o"="a\tb\u00e9\x41""#, &[r#"f o="a\tbéA""#]);
    }

    #[test]
    fn refuses_what_alertmanager_refuses() {
        for (text, message) in [
            ("foo", "expected an operator (=, !=, =~ or !~) at the end"),
            ("=bar", "expected a label name at character 1"),
            (r#"foo="bar"#, "the quote at character 5 is not closed"),
            (
                r#"foo="bar"baz"#,
                "expected a comma or the end at character 10",
            ),
            ("foo=bar,,", "expected a label name at character 9"),
            (
                "foo!bar",
                "expected an operator (=, !=, =~ or !~) at character 4",
            ),
            (r#"{"f o"=bar"#, "the opening brace is not closed"),
            (r#""f o"=bar}"#, "expected the end at character 10"),
            (
                r#""f o"="\q""#,
                r#"the quoted text "\q" has an escape that is not known"#,
            ),
            (
                "foo=~a(",
                r#"invalid regular expression "a(": unclosed group"#,
            ),
        ] {
            assert_eq!(
                parse(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text:?}"
            );
        }
    }
}
