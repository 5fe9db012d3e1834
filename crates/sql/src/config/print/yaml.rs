//! Texts as YAML needs them.

/// A text as it may stand anywhere: plain where no other reading is possible, else in quotes.
pub(super) fn quote(text: &str) -> String {
    const WORDS: [&str; 10] = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan",
    ];
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let plain = |c: char| c.is_alphanumeric() || "_-./@%+ :()=?&".contains(c);
    let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
    let is_key = text.contains(": ") || text.ends_with([':', ' ']);
    if text.starts_with(starts) && !is_key && text.chars().all(plain) && !is_word {
        return text.to_owned();
    }
    // What JSON writes in quotes, YAML reads.
    serde_json::Value::from(text).to_string()
}

/// A longer text on lines of its own, if YAML gives it back as it was.
pub(super) fn block(text: &str, depth: usize) -> String {
    let odd = |line: &str| {
        line.ends_with([' ', '\t', '\r'])
            || line.chars().any(|c| c.is_control() && c != '\t')
            || line.starts_with('\t')
    };
    let first_is_odd = text.starts_with([' ', '\n', '\t']) || text.ends_with('\n');
    if !text.contains('\n') || first_is_odd || text.split('\n').any(odd) {
        return quote(text);
    }
    let margin = "  ".repeat(depth);
    let lines = text.split('\n').map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("\n{margin}{line}"),
    });
    format!("|-{}", lines.collect::<String>())
}

pub(super) fn flow_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(", "))
}

pub(super) fn flow_map<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let pairs = pairs.into_iter();
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{}: {}", quote(key), quote(value)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}
