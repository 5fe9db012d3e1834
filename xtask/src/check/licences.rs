//! Licences of everything that is linked, as each crate's manifest names them.

use anyhow::{Result, bail};
use serde_json::Value;

/// Licences that may be linked. MPL-2.0 asks only that changes to its own files stay open; BSL-1.0 (Boost) asks nothing
/// of programs.
const ALLOWED: [&str; 14] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Zlib",
    "CC0-1.0",
    "0BSD",
    "Unicode-3.0",
    "MPL-2.0",
    "CDLA-Permissive-2.0",
];

/// Refuses a crate that cannot be used under an allowed licence.
pub fn check(metadata: &Value) -> Result<()> {
    let mut refused = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let licence = package["license"].as_str().unwrap_or("none named");
        if !is_allowed(licence) {
            refused.push(format!(
                "{} ({licence})",
                package["name"].as_str().unwrap_or_default()
            ));
        }
    }
    if !refused.is_empty() {
        bail!("not on the list of licences: {}", refused.join(", "));
    }
    Ok(())
}

/// Evaluates an SPDX expression: one side of OR must be allowed, both sides of AND. AND binds tighter;
/// an exception (WITH) only ever permits more.
fn is_allowed(expression: &str) -> bool {
    // Older manifests separate alternatives by a slash.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut position = 0;
    either(&tokens, &mut position) && position == tokens.len()
}

fn either(tokens: &[&str], position: &mut usize) -> bool {
    let mut allowed = both(tokens, position);
    while tokens.get(*position) == Some(&"OR") {
        *position += 1;
        allowed |= both(tokens, position);
    }
    allowed
}

fn both(tokens: &[&str], position: &mut usize) -> bool {
    let mut allowed = one(tokens, position);
    while tokens.get(*position) == Some(&"AND") {
        *position += 1;
        allowed &= one(tokens, position);
    }
    allowed
}

fn one(tokens: &[&str], position: &mut usize) -> bool {
    let Some(token) = tokens.get(*position) else {
        return false;
    };
    *position += 1;
    if *token == "(" {
        let allowed = either(tokens, position);
        *position += 1;
        return allowed;
    }
    if tokens.get(*position) == Some(&"WITH") {
        *position += 2;
    }
    ALLOWED.contains(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluates_expressions() {
        for (expression, allowed) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("CDDL-1.0", false),
            ("none named", false),
        ] {
            assert_eq!(is_allowed(expression), allowed, "{expression}");
        }
    }
}
