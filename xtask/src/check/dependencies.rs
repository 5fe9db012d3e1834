//! Dependencies that no source file names, and rooms that know rooms they should not.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

/// Which rooms a room may know: the table of ARCHITECTURE.md. The crate with which programs instrument themselves
/// stands outside and may be known by all.
const MAY_KNOW: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("template", &["model"]),
    ("exposition", &["model"]),
    ("tsdb", &["model"]),
    ("promql", &["model"]),
    ("scrape", &["model", "exposition"]),
    ("blocks", &["model"]),
    ("remote", &["model"]),
    ("rules", &["model", "promql", "template"]),
    ("notify", &["model", "template"]),
    (
        "web",
        &[
            "model", "promql", "scrape", "sql", "remote", "rules", "notify",
        ],
    ),
    ("metrics", &[]),
    ("demo", &[]),
];

/// Dependencies that are used without being named in a source file, with the reason.
const UNNAMED: [(&str, &str); 1] = [("md-5", "its library is called md5")];

/// Reports every unused dependency and every arrow that the table does not have.
pub fn check(metadata: &Value) -> Result<()> {
    let mut findings = Vec::new();
    let members: Vec<&str> = metadata["workspace_members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if !package["id"]
            .as_str()
            .is_some_and(|id| members.contains(&id))
        {
            continue;
        }
        findings.extend(unused(package));
        findings.extend(strangers(package));
    }
    if !findings.is_empty() {
        bail!("\n  {}", findings.join("\n  "));
    }
    Ok(())
}

fn unused(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let mut sources = String::new();
    if let Some(folder) = manifest.parent() {
        read_sources(folder, &mut sources);
    }
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter_map(|dependency| {
            dependency["rename"]
                .as_str()
                .or_else(|| dependency["name"].as_str())
        })
        .filter(|dependency| !names(&sources, &dependency.replace('-', "_")))
        .filter(|dependency| !UNNAMED.iter().any(|(unnamed, _)| unnamed == dependency))
        .map(|dependency| format!("{name}: {dependency} is not used"))
        .collect()
}

/// True when the word stands in the text by itself.
fn names(text: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back().is_some_and(part_of_word);
        let after = text[start + word.len()..]
            .chars()
            .next()
            .is_some_and(part_of_word);
        !before && !after
    })
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

/// Rooms that a room knows and should not. The program itself may know all.
fn strangers(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(allowed) = MAY_KNOW.iter().find(|(own, _)| *own == room(name)) else {
        return Vec::new();
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        // Tests may look at a room from outside.
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| dependency.starts_with("stonechat-") && room(dependency) != "metrics")
        .filter(|dependency| !allowed.1.contains(&room(dependency)))
        .map(|dependency| {
            format!("{name} knows {dependency}, which ARCHITECTURE.md does not allow")
        })
        .collect()
}

fn room(package: &str) -> &str {
    package.strip_prefix("stonechat-").unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_not_parts_of_words() {
        assert!(names("use serde::Serialize;", "serde"));
        assert!(!names("use serde_json::Value;", "serde"));
    }

    #[test]
    fn a_room_knows_only_its_own() {
        let package = |knows: &str| serde_json::json!({ "name": "stonechat-promql", "dependencies": [{ "name": knows, "kind": null }] });
        assert!(strangers(&package("stonechat-model")).is_empty());
        assert!(strangers(&package("serde")).is_empty());
        assert_eq!(strangers(&package("stonechat-tsdb")).len(), 1);
    }
}
