//! Rule files that Prometheus has judged.

use std::path::{Path, PathBuf};

use stonechat_rules::config::{GroupDefaults, load};

#[derive(serde::Deserialize)]
struct Case {
    file: PathBuf,
    kind: String,
    observed: Option<String>,
    upstream: Option<String>,
}

/// Cases whose verdict we do not share, and why.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "promtool/features.yml",
    "asks for `fill`, which the language has since then learned",
)];

/// The folder with the cases stands beside the repository, where it is there at all.
fn cases() -> Option<(PathBuf, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/config");
    let text = std::fs::read_to_string(folder.join("cases-prometheus.json")).ok()?;
    Some((
        folder,
        serde_json::from_str(&text).expect("the list of cases is valid JSON"),
    ))
}

#[test]
fn rule_files_get_the_verdict_of_prometheus() {
    let Some((folder, cases)) = cases() else {
        eprintln!("skipped: the conformance cases are not there");
        return;
    };
    let (mut judged, mut failures) = (0, Vec::new());
    let excepted = |case: &Case| {
        EXCEPTIONS
            .iter()
            .any(|(file, _)| case.file == Path::new(file))
    };
    for case in cases
        .iter()
        .filter(|case| case.kind == "rules" && !excepted(case))
    {
        let result = load(&folder.join(&case.file), GroupDefaults::default());
        let verdict = if result.is_ok() { "good" } else { "bad" };
        judged += 1;
        // Where the newest source and the program differ, either will do.
        if ![&case.observed, &case.upstream]
            .iter()
            .any(|claim| claim.as_deref() == Some(verdict))
        {
            let problems = result
                .err()
                .map(|problems| problems.to_string())
                .unwrap_or_default();
            failures.push(format!("{}: {verdict}\n{problems}", case.file.display()));
        }
    }
    assert!(judged > 20, "{judged} cases");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
