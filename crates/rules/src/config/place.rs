//! A place inside a text inside the file.

use stonechat_model::yaml::Spanned;

/// Line and column, both from 1 and counted in characters, of a byte of a YAML text. `None` when the text is written
/// in a way that hides its bytes, such as escapes; the beginning of the text is then the best place.
pub(super) fn inside(file: &str, text: &Spanned<String>, offset: usize) -> Option<(usize, usize)> {
    let (line, column) = start(text)?;
    let value = &text.value;
    // A block begins with its first line that is not blank.
    let blank = value.len() - value.trim_start_matches('\n').len();
    let mut rest = offset.checked_sub(blank)?;
    for (index, written) in file.lines().enumerate().skip(line - 1) {
        let margin = margin(file, written, (line, column), index + 1)?;
        let content = &written[margin..];
        if rest <= content.len() {
            // Kept and folded line breaks count as one byte. Where that is not so, the texts differ here.
            let (before, behind) = (content.get(..rest)?, &content[rest..]);
            let same = value[..offset].ends_with(before)
                && (behind.chars().next() == value[offset..].chars().next() || behind.is_empty());
            let characters = written[..margin + rest].chars().count();
            return same.then_some((index + 1, characters + 1));
        }
        rest -= content.len() + 1;
    }
    None
}

/// Bytes of a line in front of the text.
fn margin(file: &str, written: &str, (line, column): (usize, usize), this: usize) -> Option<usize> {
    let byte = |line: &str, characters: usize| {
        line.char_indices()
            .nth(characters)
            .map_or(line.len(), |(byte, _)| byte)
    };
    let first = file.lines().nth(line - 1)?;
    let begin = byte(first, column - 1);
    if this == line {
        let quote = first[begin..].starts_with(['"', '\'']);
        return Some(begin + usize::from(quote));
    }
    let spaces = written.len() - written.trim_start_matches(' ').len();
    // In a block, what stands further in belongs to the text.
    let is_block = first[..begin].trim().is_empty();
    Some(if is_block { spaces.min(begin) } else { spaces })
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
        check("expr: a +\n  bad\n", Some((2, 3)));
        check("expr:\n  a +\n  bad\n", Some((3, 3)));
    }

    #[test]
    fn escapes_hide_the_place() {
        check("expr: 'it''s bad'\n", None);
        check("expr: \"a\\tbad\"\n", None);
    }
}
