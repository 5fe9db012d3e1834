//! Pages with the verdict that a real Prometheus gave on them.

#![allow(clippy::unwrap_used, reason = "a test stops where it goes wrong")]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stonechat_exposition::{Entries, Entry, Format};
use stonechat_model::{Labels, parse_float};

#[derive(serde::Deserialize)]
struct Case {
    file: String,
    content_type: String,
    observed: String,
    #[serde(default)]
    samples_scraped: usize,
    #[serde(default)]
    series: usize,
    samples: Option<Vec<(BTreeMap<String, String>, String)>>,
}

/// What a page holds: how many samples, and the first value of each series.
type Content = (usize, BTreeMap<Labels, f64>);

fn read(page: &[u8], format: Format) -> Result<Content, String> {
    let mut entries = Entries::new(page, format);
    let (mut samples, mut series) = (0, BTreeMap::new());
    while let Some(entry) = entries.next() {
        let Entry::Sample(sample) = entry.map_err(|error| error.to_string())? else {
            continue;
        };
        let pairs = entries.labels(&sample).map_err(|error| error.to_string())?;
        let labels = Labels::from_pairs(pairs).map_err(|error| error.to_string())?;
        series.entry(labels).or_insert(sample.value);
        samples += 1;
    }
    Ok((samples, series))
}

/// `None` when the case agrees, otherwise what differs.
fn difference(case: &Case, page: &[u8]) -> Option<String> {
    let format = Format::of_content_type(Some(&case.content_type)).ok()?;
    let (samples, series) = match (read(page, format), case.observed.as_str()) {
        (Err(_), "bad") => return None,
        (Err(error), _) => return Some(format!("refused: {error}")),
        (Ok(_), "bad") => return Some("taken, although Prometheus refuses it".to_owned()),
        (Ok(content), _) => content,
    };
    if (samples, series.len()) != (case.samples_scraped, case.series) {
        return Some(format!("{samples} samples of {} series", series.len()));
    }
    let expected = case.samples.as_ref()?.iter();
    expected
        .filter_map(|(labels, value)| {
            let labels = Labels::from_pairs(labels).unwrap();
            let expected = parse_float(value).unwrap();
            match series.get(&labels) {
                Some(read) if *read == expected || (read.is_nan() && expected.is_nan()) => None,
                read => Some(format!("{labels} is {read:?}, not {value}")),
            }
        })
        .next()
}

fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let folder = root.join("shared/conformance/exposition");
    folder.join("cases.json").exists().then_some(folder)
}

#[test]
fn every_page_has_prometheus_verdict() {
    let Some(folder) = folder() else {
        eprintln!("skipped: the folder with conformance cases is not here");
        return;
    };
    let cases = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let (protobuf, cases): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| case.content_type.contains("protobuf"));
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let page = std::fs::read(folder.join(&case.file)).unwrap();
            difference(case, &page).map(|what| format!("{}: {what}", case.file))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    println!(
        "{} pages agree; {} in protobuf are not read",
        cases.len(),
        protobuf.len()
    );
}
