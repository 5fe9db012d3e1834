//! Environment variables in external labels, as Prometheus 3 puts them in: `$NAME`, `${NAME}`, and `$$` for a dollar.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/migration/>, "Flags", and Go's `os.Expand`, whose treatment of
//! odd texts is kept.

/// The text with its variables put in, and the names of those that are not set; nothing stands in their place.
pub(super) fn with_variables(
    text: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> (String, Vec<String>) {
    let (mut expanded, mut unset) = (String::new(), Vec::new());
    let mut pieces = text.split('$');
    expanded.push_str(pieces.next().unwrap_or_default());
    while let Some(piece) = pieces.next() {
        let (name, rest) = match name(piece) {
            // The dollar that follows ends an empty piece.
            None if piece.is_empty() => {
                expanded.push('$');
                expanded.push_str(pieces.next().unwrap_or_default());
                continue;
            }
            None => {
                expanded.push('$');
                expanded.push_str(piece);
                continue;
            }
            Some(found) => found,
        };
        match variable(name).filter(|value| !value.is_empty()) {
            Some(value) => expanded.push_str(&value),
            None if name.is_empty() => {}
            None => unset.push(name.to_owned()),
        }
        expanded.push_str(rest);
    }
    (expanded, unset)
}

/// The variable with which a text begins, and what stands behind it. A brace without its other one is swallowed.
fn name(piece: &str) -> Option<(&str, &str)> {
    if let Some(braced) = piece.strip_prefix('{') {
        return Some(braced.split_once('}').unwrap_or(("", braced)));
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = match piece.chars().next()? {
        // One character alone names what a shell keeps there.
        '*' | '#' | '@' | '!' | '?' | '-' | '0'..='9' => 1,
        _ => piece.find(|c| !in_name(c)).unwrap_or(piece.len()),
    };
    (end > 0).then(|| piece.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_as_go_does() {
        let variable = |name: &str| match name {
            "SITE" => Some("berlin".to_owned()),
            "A_1" => Some("x".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected, unset) in [
            ("plain", "plain", &[][..]),
            ("$SITE", "berlin", &[]),
            ("a-${SITE}-b", "a-berlin-b", &[]),
            ("$SITE/$A_1.", "berlin/x.", &[]),
            ("$$SITE", "$SITE", &[]),
            ("5$", "5$", &[]),
            ("$ 5", "$ 5", &[]),
            ("a$$$$b", "a$$b", &[]),
            ("$NONE-${OTHER}", "-", &["NONE", "OTHER"]),
            ("$EMPTY", "", &["EMPTY"]),
            ("${}x", "x", &[]),
            ("${SITE", "SITE", &[]),
            ("$1st", "st", &["1"]),
        ] {
            let (shown, missing) = with_variables(text, variable);
            assert_eq!(
                (shown.as_str(), missing),
                (expected, unset.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
    }
}
