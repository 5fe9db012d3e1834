//! Sizes of files, and words that must not be in the repository.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::root;
use crate::run::{command, output};

/// Lines that a source file may have, without its tests.
const LINES_MAX: usize = 500;

/// Files that are longer than they should be. The list only shrinks.
const LONG: [(&str, usize); 0] = [];

/// Texts that show where something was built or fetched from, put together here so that this file does not match itself.
fn forbidden() -> [String; 5] {
    let host = |name: &str, domain: &str| format!("{name}.{domain}");
    [
        host("registry", "npmjs.org"),
        host("index", "crates.io"),
        host("deb", "debian.org"),
        host("files", "pythonhosted.org"),
        ["/wo", "rk/"].concat(),
    ]
}

/// Reports files that are too long or hold a forbidden text.
pub fn check() -> Result<()> {
    let forbidden = forbidden();
    let mut findings = Vec::new();
    let files =
        output(command("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    for file in files.lines() {
        let Ok(text) = fs::read_to_string(root().join(file)) else {
            continue;
        };
        let lines = lines_without_tests(file, &text);
        let limit = LONG
            .iter()
            .find(|(long, _)| *long == file)
            .map_or(LINES_MAX, |(_, lines)| *lines);
        if lines > limit {
            findings.push(format!(
                "{file}: {lines} lines without tests, at most {limit}"
            ));
        }
        findings.extend(
            forbidden
                .iter()
                .filter(|word| text.contains(word.as_str()))
                .map(|word| format!("{file}: holds {word:?}")),
        );
    }
    if !findings.is_empty() {
        bail!("\n  {}", findings.join("\n  "));
    }
    Ok(())
}

/// Lines of a source file before its tests; zero for tests themselves and for files that are no source.
fn lines_without_tests(file: &str, text: &str) -> usize {
    let extension = Path::new(file)
        .extension()
        .and_then(|extension| extension.to_str());
    let is_source = matches!(extension, Some("rs" | "ts" | "svelte" | "mjs" | "css"));
    let is_test = file.split('/').any(|part| part == "tests")
        || file.ends_with("tests.rs")
        || file.contains(".test.");
    if !is_source || is_test {
        return 0;
    }
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_before_the_tests() {
        assert_eq!(
            lines_without_tests("a.rs", "one\ntwo\n#[cfg(test)]\nmod tests {}\n"),
            2
        );
        assert_eq!(lines_without_tests("crates/a/tests/b.rs", "one\n"), 0);
        assert_eq!(lines_without_tests("README.md", "one\n"), 0);
    }
}
