use stonechat_model::format_float;
use stonechat_sql::rows::{Rows, Value};

/// Widest cell in characters; what is longer is cut.
const CELL_CHARS_MAX: usize = 40;

/// Rows as a table for a terminal.
pub(super) fn draw(rows: &Rows, rows_max: usize) -> String {
    if rows.columns.is_empty() {
        return "  no rows\n".to_owned();
    }
    let header: Vec<String> = rows.columns.iter().map(|name| cut(name)).collect();
    let body: Vec<Vec<String>> = rows
        .rows
        .iter()
        .take(rows_max)
        .map(|row| row.iter().map(|value| cut(&text(value))).collect())
        .collect();
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = std::iter::once(&header).chain(&body);
            let widths = cells.filter_map(|row| Some(row.get(column)?.chars().count()));
            widths.max().unwrap_or_default()
        })
        .collect();
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let mut table = line(&header) + &line(&rule);
    body.iter().for_each(|row| table += &line(row));
    if rows.rows.len() > rows_max {
        table += &format!("  … and {} more\n", rows.rows.len() - rows_max);
    }
    table
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Float(value) => format_float(*value),
        Value::Decimal(text) | Value::Text(text) | Value::Local(text) => text.clone(),
        Value::Time(millis) => jiff::Timestamp::from_millisecond(*millis)
            .map_or_else(|_| millis.to_string(), |time| time.to_string()),
    }
}

fn cut(text: &str) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |region: &str, value| vec![Value::Text(region.to_owned()), Value::Int(value)];
        let rows = Rows {
            columns: vec!["region".to_owned(), "n".to_owned()],
            rows: vec![
                row("cn", 3509),
                row("a region\nwith a break", 1),
                row("de", 2),
            ],
        };
        let expected = "  region                 n\n  ─────────────────────  ────\n  cn                     3509\n  a region with a break  1\n  … and 1 more\n";
        assert_eq!(draw(&rows, 2), expected);
        assert_eq!(draw(&Rows::default(), 2), "  no rows\n");
    }
}
