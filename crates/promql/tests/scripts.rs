//! The scripts beside this file document the language by example. All of them pass.

use std::fs;
use std::path::Path;

use stonechat_promql::test_script;

#[test]
fn all_scripts_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut failed = String::new();
    for path in files {
        let name = path.file_name().unwrap().display();
        let report = test_script::run(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{:>4} passed  {name}", report.passed());
        for outcome in report.failures() {
            let message = outcome.failure.as_deref().unwrap_or_default();
            failed.push_str(&format!(
                "{name}:{}: {}\n    {message}\n",
                outcome.line, outcome.expr
            ));
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

/// What a script that is wrong, or expects something wrong, says.
#[track_caller]
fn check_failure(script: &str, message: &str) {
    let report = test_script::run(script).expect("a script that can be read");
    let failures: Vec<_> = report.failures().collect();
    let [outcome] = failures.as_slice() else {
        panic!("{script}: {} failures", failures.len());
    };
    let given = outcome.failure.as_deref().unwrap_or_default();
    assert!(given.contains(message), "{script}: {given}");
}

#[test]
fn wrong_expectations_fail() {
    let load = "load 1m\n  a{b=\"c\"} 1 2\n\n";
    for (eval, message) in [
        (
            "eval instant at 0 a\n  a{b=\"c\"} 2",
            "expected 2 for a{b=\"c\"}, got 1",
        ),
        (
            "eval instant at 0 a\n  a{b=\"d\"} 1",
            "a{b=\"d\"} is missing",
        ),
        ("eval instant at 0 a", "a{b=\"c\"} 1 was not expected"),
        ("eval instant at 0 a * 0\n  {b=\"c\"} 1e-9", "got 0"),
        (
            "eval range from 0 to 1m step 1m a\n  a{b=\"c\"} 1",
            "expected [(0, 1)]",
        ),
        ("eval instant at 0 a\n  expect fail", "expected a failure"),
        (
            "eval instant at 0 a + on() a\n  expect fail msg: no",
            "expected a failure",
        ),
        (
            "eval instant at 0 topk(NaN, a)\n  expect fail msg: no",
            "failed with",
        ),
        (
            "eval instant at 0 a +\n  a{b=\"c\"} 1",
            "parse error: unexpected end of input",
        ),
        (
            "eval instant at 0 rate(a[1m])\n  expect warn",
            "expected Warning",
        ),
        (
            "eval range from 0 to 2m step 1m rate(a[2m])\n  expect no_info\n  {b=\"c\"} _ 0.016667 _",
            "expected no Info",
        ),
        (
            "eval instant at 0 a\n  a{b=\"c\"} {{count:1}}",
            "expected {{schema:0 count:1 counter_reset_hint:Unknown buckets:[] n_buckets:[]}} for a{b=\"c\"}, got 1",
        ),
        (
            "eval instant at 0 1\n  2",
            "expected 2 for the scalar, got 1",
        ),
        (
            "eval instant at 0 \"x\"\n  expect string \"y\"",
            "expected String",
        ),
    ] {
        check_failure(&format!("{load}{eval}\n"), message);
    }
}

#[test]
fn a_line_that_is_no_command_is_an_error() {
    for (script, message) in [
        ("lood 1m\n", "line 1: unknown command \"lood\""),
        ("\nload x\n", "line 2: not a valid duration"),
        ("load 1m\n  a b\n", "line 2: \"b\" is no point"),
        (
            "eval sometimes at 0 a\n",
            "line 1: expected `instant` or `range`, found \"sometimes\"",
        ),
        ("eval instant 0 a\n", "line 1: expected `at`, found \"0\""),
        (
            "eval instant at 0 a\n  expect luck\n",
            "line 2: unknown expectation \"luck\"",
        ),
    ] {
        let error = test_script::run(script).expect_err(script).to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn histograms_are_compared_bucket_by_bucket() {
    let load = "load 1m\n  h {{schema:0 count:3 sum:2 buckets:[1 2]}}\n\n";
    for (expected, message) in [
        ("{{count:3 sum:2 buckets:[1 2 0]}}", None),
        ("{{count:3 sum:2 buckets:[2 1]}}", Some("expected")),
        ("{{count:3 sum:2 offset:1 buckets:[1 2]}}", Some("expected")),
        (
            "{{count:3 sum:2 buckets:[1 2] counter_reset_hint:gauge}}",
            Some("expected"),
        ),
    ] {
        let script = format!("{load}eval instant at 0 h\n  h {expected}\n");
        match message {
            Some(message) => check_failure(&script, message),
            None => assert_eq!(test_script::run(&script).unwrap().passed(), 1),
        }
    }
}
