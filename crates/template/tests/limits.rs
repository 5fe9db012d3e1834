//! Templates that would never end, and texts that would never fit.

use stonechat_template::{Error, Limits, MissingKey, NoFunctions, Templates, Value};

fn run(text: &str, limits: Limits) -> Result<String, Error> {
    let mut templates = Templates::new(MissingKey::Nothing);
    templates.add("t", text, |_| false)?;
    templates.execute("t", &Value::Nil, &NoFunctions, &limits)
}

fn check(text: &str, limit: &str) {
    let error = run(text, Limits::default()).expect_err(text);
    assert_eq!(
        error.to_string(),
        format!("template: t: the limit of {limit} exceeded"),
        "{text}"
    );
}

#[test]
fn loops_end() {
    check("{{ range 10000000 }}{{ end }}", "1000000 steps");
    check(
        "{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}",
        "1000000 steps",
    );
}

#[test]
fn recursion_ends() {
    let error = run(
        "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}",
        Limits::default(),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: r: the limit of 200 levels exceeded"
    );
}

#[test]
fn output_ends() {
    check(
        "{{ range 100000 }}0123456789012345678901234567890{{ end }}",
        "1048576 bytes of output",
    );
    check(
        "{{ printf \"%1000000d\" 1 }}{{ printf \"%1000000d\" 1 }}",
        "1048576 bytes of output",
    );
    // Nothing of it would be written, but it would fill the memory.
    check(
        "{{ $x := \"ab\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
        "1048576 bytes of output",
    );
}

#[test]
fn a_limit_is_as_large_as_it_says() {
    let limits = Limits {
        output_bytes_max: 4,
        ..Limits::default()
    };
    assert_eq!(run("abcd", limits).as_deref(), Ok("abcd"));
    assert!(matches!(run("abcde", limits), Err(Error::Limit { .. })));
}

#[test]
fn nesting_ends() {
    let deep = |depth: usize| format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(run(&deep(90), Limits::default()).as_deref(), Ok("1"));
    let error = run(&deep(100_000), Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "template: t:1: nested deeper than 100");
    let blocks = "{{ if 1 }}".repeat(100_000);
    assert!(run(&blocks, Limits::default()).is_err());
    let elses = "{{ if 0 }}".to_owned() + &"{{ else if 0 }}".repeat(100_000) + "{{ end }}";
    assert!(run(&elses, Limits::default()).is_err());
}
