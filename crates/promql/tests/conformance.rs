//! Runs Prometheus' own test scripts where they are at hand, and prints how many evaluations of each file pass.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stonechat_promql::test_script;

const FOLDER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/conformance/promqltest/testdata"
);

#[test]
fn prometheus_own_scripts() {
    let Ok(files) = fs::read_dir(FOLDER) else {
        println!("skipped: {FOLDER} is not there");
        return;
    };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut failures = String::new();
    let (mut passed, mut failed) = (0, 0);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().display();
        let report = test_script::run(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        for failure in report.failures() {
            let message = failure.failure.as_deref().unwrap_or_default();
            writeln!(
                failures,
                "{name}:{}: {}\n    {message}",
                failure.line, failure.expr
            )
            .unwrap();
        }
        let failed_here = report.failures().count();
        println!(
            "{:>4} passed {failed_here:>4} failed  {name}",
            report.passed()
        );
        passed += report.passed();
        failed += failed_here;
    }
    println!("{passed} passed, {failed} failed");
    if let Some(target) = std::env::var_os("PROMQL_FAILURES") {
        fs::write(Path::new(&target), &failures).unwrap();
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(passed > 0, "{FOLDER} holds no script");
}
