//! Variables of the environment, put into the text of a file before it is read, as other programs do it.
//!
//! A value is put in on one line, so that lines keep their numbers.

use super::check::Check;
use super::origin::Origin;

/// `$NAME` and `${NAME}`, as `os.ExpandEnv` of Go. A name that is not set is a mistake: the empty text would connect elsewhere.
pub(super) fn shell(check: &mut Check<'_>, text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        // Nothing in a comment is read.
        if line.trim_start().starts_with('#') {
            expanded.push_str(line);
            continue;
        }
        let mut rest = line;
        while let Some(start) = rest.find('$') {
            let column = line[..line.len() - rest.len() + start].chars().count() + 1;
            let (before, behind) = (&rest[..start], &rest[start + 1..]);
            expanded.push_str(before);
            let Some((name, after)) = name(behind) else {
                expanded.push('$');
                rest = behind;
                continue;
            };
            match (check.variables)(name) {
                Some(value) => expanded.push_str(&value),
                None => check.at_place(
                    (index + 1, column),
                    format!("the environment variable `{name}` is not set"),
                ),
            }
            rest = after;
        }
        expanded.push_str(rest);
    }
    expanded
}

fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        return braced.split_once('}').filter(|(name, _)| !name.is_empty());
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| text.split_at(end))
}

/// `{{NAME}}`, whose name is taken in capitals. One that is not set stays as it is.
pub(super) fn braces(check: &Check<'_>, text: &str) -> String {
    let (mut expanded, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("{{") {
        let (before, behind) = rest.split_at(start);
        expanded.push_str(before);
        let inside = behind[2..].split_once("}}");
        let value = inside.and_then(|(name, after)| {
            let name = name.trim().to_uppercase();
            let value = (check.variables)(&name).filter(|value| !value.is_empty())?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                expanded.push_str(&value);
                rest = after;
            }
            None => {
                expanded.push_str("{{");
                rest = &behind[2..];
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The tags of query-exporter: `!env NAME` is the value of a variable, read as YAML, and `!file path` the text of a file.
pub(super) fn tags(check: &mut Check<'_>, text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let Some((start, tag)) = tag(line) else {
            expanded.push_str(line);
            continue;
        };
        let place = (index + 1, line[..start].chars().count() + 1);
        let (argument, after) = argument(&line[start + tag.len()..]);
        let argument = argument.trim_matches(['"', '\'']);
        let value = match tag {
            "!env" => match (check.variables)(argument) {
                Some(value) => Ok(value),
                None => Err(format!("the environment variable `{argument}` is not set")),
            },
            "!file" => {
                let path = check.beside(argument);
                check.report.origins.insert(Origin::File(path.clone()));
                match std::fs::read_to_string(&path) {
                    Ok(text) => Ok(serde_json::Value::from(text.trim()).to_string()),
                    Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
                }
            }
            _ => Err("the tag `!include` is not supported yet".to_owned()),
        };
        expanded.push_str(&line[..start]);
        match value {
            Ok(value) => expanded.push_str(&value),
            Err(reason) => {
                check.at_place(place, reason);
                expanded.push_str("null");
            }
        }
        expanded.push_str(after);
    }
    expanded
}

/// The text with every tag and its argument left out.
pub(super) fn without_tags(text: &str) -> String {
    let lines = text.split_inclusive('\n').map(|line| match tag(line) {
        Some((start, tag)) => {
            let (_, after) = argument(&line[start + tag.len()..]);
            format!("{}null{after}", &line[..start])
        }
        None => line.to_owned(),
    });
    lines.collect()
}

/// What a tag is said of, and what stands behind that.
fn argument(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    let end = text
        .find(|c: char| c.is_whitespace() || ",}]".contains(c))
        .unwrap_or(text.len());
    text.split_at(end)
}

const TAGS: [&str; 3] = ["!env", "!file", "!include"];

/// A tag of a line, where a value begins.
fn tag(line: &str) -> Option<(usize, &'static str)> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    TAGS.into_iter().find_map(|tag| {
        let start = line.find(tag)?;
        let before = line[..start].trim_end();
        let is_value = before.is_empty() || before.ends_with([':', '-', '[', ',']);
        let ends = line[start + tag.len()..].starts_with([' ', '\t']);
        (is_value && ends).then_some((start, tag))
    })
}
