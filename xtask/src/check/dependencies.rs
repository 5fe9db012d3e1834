//! Dependencies that no source file names, and rooms that know a room to their right.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

/// The rooms in the order in which a sample passes them. A room may know only rooms before it; the crate with which
/// programs instrument themselves stands outside and may be known by all.
const ROOMS: [&str; 11] = [
    "model",
    "template",
    "exposition",
    "tsdb",
    "promql",
    "scrape",
    "rules",
    "notify",
    "web",
    "demo",
    "stonechat",
];

/// Dependencies that are used without being named in a source file, with the reason.
const UNNAMED: [(&str, &str); 0] = [];

/// Reports every unused dependency and every arrow from right to left.
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
        findings.extend(backwards(package));
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

fn backwards(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(own) = rank(name) else {
        return Vec::new();
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        // Tests may look at a room from outside.
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| rank(dependency).is_some_and(|other| other >= own))
        .map(|dependency| format!("{name} knows {dependency}, a room to its right"))
        .collect()
}

fn rank(package: &str) -> Option<usize> {
    let room = package.strip_prefix("stonechat-").unwrap_or(package);
    ROOMS.iter().position(|candidate| *candidate == room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_not_parts_of_words() {
        assert!(names("use serde::Serialize;", "serde"));
        assert!(!names("use serde_json::Value;", "serde"));
        assert!(rank("stonechat-model") < rank("stonechat"));
        assert_eq!(rank("stonechat-metrics"), None);
    }
}
