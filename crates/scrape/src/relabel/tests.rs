//! Rules on label sets, with what Prometheus makes of them.

use stonechat_model::Labels;

use super::*;

/// A rule with Prometheus' defaults for what is not said.
fn rule(action: Action, change: impl FnOnce(&mut Rule)) -> Rule {
    let mut rule = Rule {
        source_labels: Vec::new(),
        separator: ";".to_owned(),
        regex: Pattern::any(),
        modulus: 0,
        target_label: String::new(),
        replacement: "$1".to_owned(),
        action,
    };
    change(&mut rule);
    rule
}

/// Sets source labels, expression, target label and replacement.
fn with(action: Action, sources: &[&str], regex: &str, target: &str, replacement: &str) -> Rule {
    rule(action, |rule| {
        rule.source_labels = sources.iter().map(|&name| name.to_owned()).collect();
        rule.regex = Pattern::new(regex).unwrap();
        rule.target_label = target.to_owned();
        rule.replacement = replacement.to_owned();
    })
}

/// `dropped`, or the labels.
fn applied(labels: &[(&str, &str)], rules: &[Rule]) -> String {
    let mut labels = Labels::from_pairs(labels.iter().copied())
        .unwrap()
        .to_builder();
    if apply(rules, &mut labels).unwrap() {
        labels.build().unwrap().to_string()
    } else {
        "dropped".to_owned()
    }
}

const ABC: [(&str, &str); 3] = [("a", "foo"), ("b", "bar"), ("c", "baz")];

#[track_caller]
fn check(rule: Rule, expected: &str) {
    assert_eq!(applied(&ABC, &[rule]), expected);
}

#[test]
fn replace() {
    use Action::Replace;
    let unchanged = r#"{a="foo", b="bar", c="baz"}"#;
    check(
        with(Replace, &["a"], "f(.*)", "d", "ch${1}-ch$1"),
        r#"{a="foo", b="bar", c="baz", d="choo-choo"}"#,
    );
    check(
        with(Replace, &["a", "b"], "f(.*);(.*)r", "a", "b${1}${2}m"),
        r#"{a="boobam", b="bar", c="baz"}"#,
    );
    check(with(Replace, &["a"], ".*(b).*", "d", "$1"), unchanged);
    check(with(Replace, &["a"], "fo", "d", "$1"), unchanged);
    // An empty replacement removes the label, a name that is not there is empty, `$1x` is a group of that name.
    check(
        with(Replace, &["a"], "(f).*", "a", "$2"),
        r#"{b="bar", c="baz"}"#,
    );
    check(
        with(Replace, &["x"], "(.*)", "b", "$1"),
        r#"{a="foo", c="baz"}"#,
    );
    check(
        with(Replace, &["a"], "(.*)", "d", "${1}x $1x $$"),
        r#"{a="foo", b="bar", c="baz", d="foox  $"}"#,
    );
    check(
        with(Replace, &["a"], "(?P<first>.).*", "${first}_label", "x"),
        r#"{a="foo", b="bar", c="baz", f_label="x"}"#,
    );
    check(with(Replace, &["a"], "(x)?foo", "$1", "y"), unchanged);
}

#[test]
fn keep_and_drop() {
    use Action::{Drop, DropEqual, Keep, KeepEqual};
    let unchanged = r#"{a="foo", b="bar", c="baz"}"#;
    check(with(Drop, &["a"], ".*o.*", "", "$1"), "dropped");
    check(with(Drop, &["a"], "f", "", "$1"), unchanged);
    check(with(Keep, &["a"], "f", "", "$1"), "dropped");
    check(with(Keep, &["a", "b"], "foo;bar", "", "$1"), unchanged);
    check(with(Keep, &[], "", "", "$1"), unchanged);
    check(with(KeepEqual, &["a"], "(.*)", "b", "$1"), "dropped");
    check(with(DropEqual, &["a"], "(.*)", "b", "$1"), unchanged);
    check(with(DropEqual, &["a"], "(.*)", "a", "$1"), "dropped");
    // Labels that are not there are equal.
    check(with(KeepEqual, &["x"], "(.*)", "y", "$1"), unchanged);
}

#[test]
fn hashmod_shards_as_prometheus() {
    let hash = |sources: &[&str], modulus| {
        rule(Action::HashMod, |rule| {
            rule.source_labels = sources.iter().map(|&name| name.to_owned()).collect();
            rule.target_label = "d".to_owned();
            rule.modulus = modulus;
        })
    };
    check(
        hash(&["c"], 1000),
        r#"{a="foo", b="bar", c="baz", d="976"}"#,
    );
    assert_eq!(
        applied(&[("a", "foo\nbar")], &[hash(&["a"], 1000)]),
        r#"{a="foo\nbar", d="734"}"#
    );
}

#[test]
fn by_name() {
    use Action::{LabelDrop, LabelKeep, LabelMap};
    check(with(LabelDrop, &[], "[ab]", "", "$1"), r#"{c="baz"}"#);
    check(
        with(LabelKeep, &[], "[ab]", "", "$1"),
        r#"{a="foo", b="bar"}"#,
    );
    check(
        with(LabelMap, &[], "([ab])", "", "my_$1"),
        r#"{a="foo", b="bar", c="baz", my_a="foo", my_b="bar"}"#,
    );
}

#[test]
fn case() {
    check(
        with(Action::Uppercase, &["a", "b"], "(.*)", "d", "$1"),
        r#"{a="foo", b="bar", c="baz", d="FOO;BAR"}"#,
    );
    assert_eq!(
        applied(
            &[("a", "FoO")],
            &[with(Action::Lowercase, &["a"], "(.*)", "a", "$1")]
        ),
        r#"{a="foo"}"#
    );
}

#[test]
fn rules_build_on_each_other() {
    assert_eq!(
        applied(
            &ABC,
            &[
                with(Action::Replace, &["a"], "(.*)", "d", "x$1"),
                with(Action::Keep, &["d"], "xfoo", "", "$1"),
                with(Action::LabelKeep, &[], "d", "", "$1"),
            ]
        ),
        r#"{d="xfoo"}"#
    );
}
