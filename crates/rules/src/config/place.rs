//! A place inside a text inside the file.

use stonechat_model::yaml::Spanned;

/// Line and column, both from 1 and counted in characters, of a byte of a YAML text. `None` when the text is written
/// in a way that hides its bytes, such as escapes; the beginning of the text is then the best place.
pub(super) fn inside(file: &str, text: &Spanned<String>, offset: usize) -> Option<(usize, usize)> {
    let start = start(text)?;
    let (line, column) = start;
    let written = file.lines().nth(line - 1)?;
    let rest: String = written.chars().skip(column - 1).collect();
    match rest.chars().next()? {
        '|' | '>' => inside_block(file, line, offset),
        '"' | '\'' => inside_line(start, rest.get(1..)?, &text.value, offset, 1),
        _ => inside_line(start, &rest, &text.value, offset, 0),
    }
}

/// Where a value begins.
pub(super) fn start<T>(value: &Spanned<T>) -> Option<(usize, usize)> {
    let location = value.referenced;
    let line = usize::try_from(location.line())
        .ok()
        .filter(|line| *line > 0)?;
    let column = usize::try_from(location.column())
        .ok()
        .filter(|column| *column > 0)?;
    Some((line, column))
}

/// A text on one line that is written as it is read.
fn inside_line(
    start: (usize, usize),
    written: &str,
    text: &str,
    offset: usize,
    quote: usize,
) -> Option<(usize, usize)> {
    if !written.starts_with(text) {
        return None;
    }
    let before = text.get(..offset)?;
    Some((start.0, start.1 + quote + before.chars().count()))
}

/// A block behind `|` or `>` on `header`: its lines begin below, indented. A folded line break counts as one byte,
/// as a kept one does.
fn inside_block(file: &str, header: usize, offset: usize) -> Option<(usize, usize)> {
    let mut lines = file.lines().enumerate().skip(header).peekable();
    let mut ahead = lines.clone();
    let (_, first) = ahead.find(|(_, line)| !line.trim().is_empty())?;
    let indent = first.len() - first.trim_start_matches(' ').len();
    let mut rest = offset;
    while let Some((index, line)) = lines.next() {
        let content = line.get(indent..).unwrap_or_default();
        if rest <= content.len() || lines.peek().is_none() {
            let before = content.get(..rest.min(content.len()))?;
            return Some((index + 1, indent + before.chars().count() + 1));
        }
        rest -= content.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct File {
        expr: Spanned<String>,
    }

    /// Finds the word `bad` of the expression in the file.
    fn check(yaml: &str, place: Option<(usize, usize)>) {
        let file: File = stonechat_model::yaml::parse(std::path::Path::new("f.yml"), yaml).unwrap();
        let offset = file.expr.value.find("bad").unwrap();
        assert_eq!(inside(yaml, &file.expr, offset), place, "{yaml}");
    }

    #[test]
    fn finds_bytes_of_a_text() {
        check("expr: sum(bad)\n", Some((1, 11)));
        check("expr: 'sum(bad)'\n", Some((1, 12)));
        check("expr: \"sum(bad)\"\n", Some((1, 12)));
        check("expr: 'größe + bad'\n", Some((1, 16)));
        check("expr: |\n  a +\n    bad\n", Some((3, 5)));
        check("expr: |-\n\n  a +\n  bad\n", Some((4, 3)));
        check("expr: >\n  a +\n  bad\n", Some((3, 3)));
    }

    #[test]
    fn escapes_hide_the_place() {
        check("expr: 'it''s bad'\n", None);
        check("expr: \"a\\tbad\"\n", None);
    }
}
