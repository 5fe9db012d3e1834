use serde_json::value::RawValue;

use super::value::value;
use crate::rows::Rows;
use crate::source::SourceError;

/// The longest line that is kept while its end has not come.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Rows as their lines come.
pub(super) struct Lines {
    rows: Rows,
    types: Option<Vec<String>>,
    rows_max: usize,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
}

impl Lines {
    /// Takes at most so many rows.
    pub(super) fn new(rows_max: usize) -> Self {
        Self {
            rows: Rows::default(),
            types: None,
            rows_max,
            begun: Vec::new(),
        }
    }

    /// Takes the next part of an answer.
    pub(super) fn take(&mut self, mut part: &[u8]) -> Result<(), SourceError> {
        while let Some(end) = part.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.begun);
            line.extend_from_slice(&part[..end]);
            self.line(&line)?;
            part = &part[end + 1..];
        }
        self.begun.extend_from_slice(part);
        if self.begun.len() > LINE_BYTES_MAX {
            return Err(SourceError::Answer(format!(
                "a row of more than {} MiB",
                LINE_BYTES_MAX >> 20
            )));
        }
        Ok(())
    }

    /// The rows, when the answer has ended.
    pub(super) fn rows(mut self) -> Result<Rows, SourceError> {
        let last = std::mem::take(&mut self.begun);
        self.line(&last)?;
        Ok(self.rows)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), SourceError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Some(types) = &self.types else {
            let names: Vec<String> = list(line)?;
            if self.rows.columns.is_empty() {
                self.rows.columns = names;
            } else {
                self.types = Some(names);
            }
            return Ok(());
        };
        if self.rows.rows.len() == self.rows_max {
            return Err(SourceError::TooManyRows(self.rows_max));
        }
        let values: Vec<&RawValue> = list(line)?;
        if values.len() != types.len() || types.len() != self.rows.columns.len() {
            return Err(wrong(line));
        }
        let row = values.iter().zip(types).zip(&self.rows.columns);
        let row = row.map(|((raw, kind), column)| {
            value(kind, raw.get()).map_err(|reason| SourceError::Decode {
                column: column.clone(),
                reason,
            })
        });
        let row = row.collect::<Result<_, _>>()?;
        self.rows.rows.push(row);
        Ok(())
    }
}

fn list<'a, T: serde::Deserialize<'a>>(line: &'a [u8]) -> Result<Vec<T>, SourceError> {
    serde_json::from_slice(line).map_err(|_| wrong(line))
}

/// An error behind the first rows comes in the place of a row.
fn wrong(line: &[u8]) -> SourceError {
    let text = crate::source::http::excerpt(line);
    if text.contains("DB::Exception") {
        return SourceError::Refused(text);
    }
    SourceError::Answer(format!("a line that is no row: `{text}`"))
}
