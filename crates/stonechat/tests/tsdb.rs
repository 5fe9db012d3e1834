//! `stonechat tsdb`: samples in and out of a data folder, each way read back by another.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::fs;
use std::path::Path;

use support::{folder, program};

/// Two counters and a gauge, a sample every 15 seconds for three hours.
fn page() -> String {
    let mut page = String::new();
    for (series, step) in [
        ("sent_total{job=\"chat\",path=\"/\"}", 30),
        ("sent_total{job=\"chat\",path=\"/ä\"}", 2),
        ("up{job=\"chat\"}", 0),
    ] {
        for index in 0..720 {
            let seconds = 1_700_000_000 + index * 15;
            page.push_str(&format!("{series} {} {seconds}.000\n", 1 + index * step));
        }
    }
    page + "# EOF\n"
}

/// Runs `stonechat tsdb`, and gives what it says.
fn tsdb(data: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = program();
    command.arg("tsdb").arg("--data").arg(data).args(arguments);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    match output.status.success() {
        true => Ok(said),
        false => Err(said + &String::from_utf8(output.stderr).unwrap()),
    }
}

fn sorted(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn samples_survive_every_format() {
    let folder = folder(&[("page.om", &page())]);
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).display().to_string();
    let said = tsdb(&path("first"), &["import", &text("page.om")]).unwrap();
    assert_eq!(said, "2160 samples stored\n");
    let mut expected: Vec<String> = page().lines().map(str::to_owned).collect();
    expected.sort();
    for (format, out) in [
        ("openmetrics", "out.om"),
        ("remote-write", "out.rw"),
        ("prometheus", "out"),
    ] {
        let said = tsdb(&path("first"), &["export", &text(out), "--format", format]).unwrap();
        assert!(said.starts_with("2160 samples in"), "{said}");
        let data = path(&format!("from-{format}"));
        let from = text(out);
        let mut import = vec!["import", from.as_str()];
        if format == "remote-write" {
            import.extend(["--format", format]);
        }
        tsdb(&data, &import).unwrap();
        let back = format!("back-{format}.om");
        tsdb(&data, &["export", &text(&back), "--format", "openmetrics"]).unwrap();
        assert_eq!(sorted(&path(&back)), expected, "{format}");
    }
    // A part of it, in another length of blocks.
    let part = [
        "export",
        &text("part"),
        "--match",
        "up",
        "--block-duration",
        "1h",
    ];
    let said = tsdb(&path("first"), &part).unwrap();
    assert!(said.starts_with("720 samples in"), "{said}");
    assert_eq!(fs::read_dir(path("part")).unwrap().count(), 4);
}

#[test]
fn what_is_inside_is_shown_and_checked() {
    let folder = folder(&[("page.om", &page())]);
    let data = folder.path().join("data");
    let from = folder.path().join("page.om").display().to_string();
    tsdb(&data, &["import", &from]).unwrap();
    let said = tsdb(&data, &["inspect", "--limit", "1"]).unwrap();
    assert!(said.starts_with("3 series, 2160 samples in "), "{said}");
    for line in [
        "         2  sent_total",
        "            and 1 more",
        "         3  job=\"chat\"",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(
        said.contains("New series of the last 1h by metric:\n       none"),
        "{said}"
    );
    let said = tsdb(&data, &["verify"]).unwrap();
    assert!(said.ends_with("everything is whole\n"), "{said}");
    // Somebody else may ask at the same time, and nothing is made where there is nothing.
    let mut query = program();
    query.args([
        "query",
        "--at",
        "1700000000",
        "count by (job) (up)",
        "--data",
    ]);
    let output = query.arg(&data).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("job=\"chat\"") && said.contains('1'),
        "{said}"
    );
    let mut query = program();
    query.args(["query", "up", "--data"]).arg(folder.path());
    let output = query.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is no data folder of a server"), "{said}");
    assert!(!folder.path().join("wal").exists());
}

#[test]
fn damage_is_told_with_its_place() {
    let folder = folder(&[("page.om", &page())]);
    let data = folder.path().join("data");
    let from = folder.path().join("page.om").display().to_string();
    tsdb(&data, &["import", &from]).unwrap();
    let log = fs::read_dir(data.join("tsdb/wal")).unwrap();
    let segment = log.map(|entry| entry.unwrap().path()).max().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    // In the first record: what ends without a whole record behind it is no damage, but how a process dies.
    bytes[60] ^= 0x20;
    fs::write(&segment, &bytes).unwrap();
    let said = tsdb(&data, &["verify"]).unwrap_err();
    assert!(said.contains(&segment.display().to_string()), "{said}");
    assert!(said.contains("are no record"), "{said}");
    assert!(said.contains("damaged places: 1;"), "{said}");
    assert_eq!(fs::read(&segment).unwrap(), bytes, "it is left as it is");
}

#[test]
fn recording_rules_are_evaluated_over_the_past() {
    let rules = "groups:\n  - name: g\n    interval: 1m\n    rules:\n      \
        - {record: 'job:sent:rate5m', expr: 'sum by (job) (rate(sent_total[5m]))', labels: {from: rule}}\n      \
        - {record: 'job:sent:double', expr: '2 * job:sent:rate5m'}\n      \
        - {alert: A, expr: 'up == 0'}\n";
    let folder = folder(&[("page.om", &page()), ("rules.yml", rules)]);
    let text = |name: &str| folder.path().join(name).display().to_string();
    let data = folder.path().join("data");
    tsdb(&data, &["import", &text("page.om")]).unwrap();
    let range = ["--start", "1700000400", "--end", "2023-11-15T01:03:20Z"];
    let said = tsdb(
        &data,
        &[&["backfill", &text("rules.yml")][..], &range].concat(),
    )
    .unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
    let out = text("out.om");
    tsdb(
        &data,
        &[
            "export",
            &out,
            "--format",
            "openmetrics",
            "--match",
            "job:sent:double",
        ],
    )
    .unwrap();
    let lines = sorted(Path::new(&out));
    assert!(lines.len() > 150, "{}", lines.len());
    // 32 more every 15 seconds, twice.
    let expected = "job:sent:double{from=\"rule\",job=\"chat\"} 4.266666666666667 ";
    assert!(lines[1].starts_with(expected), "{}", lines[1]);
}

#[test]
fn mistakes_are_named() {
    let folder = folder(&[("no-time.om", "up 1\n# EOF\n"), ("dump", "\u{5}abc")]);
    let text = |name: &str| folder.path().join(name).display().to_string();
    let data = folder.path().join("data");
    for (arguments, expected) in [
        (vec!["inspect".to_owned()], "is no data folder of a server"),
        (
            vec!["import".to_owned(), text("none")],
            "none cannot be read",
        ),
        (
            vec!["import".to_owned(), text("no-time.om")],
            "line 1: the sample has no time",
        ),
        (
            vec![
                "import".to_owned(),
                text("dump"),
                "--format".to_owned(),
                "remote-write".to_owned(),
            ],
            "at byte 0: there is no request behind its length",
        ),
        (
            vec!["import".to_owned(), folder.path().display().to_string()],
            "is no block and has none",
        ),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = tsdb(&data, &arguments).unwrap_err();
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
