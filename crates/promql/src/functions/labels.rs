//! Functions that change labels.

use hashbrown::HashMap;
use regex::Regex;
use stonechat_model::{Labels, METRIC_NAME};

use crate::ast::Expr;
use crate::error::EvalError;
use crate::evaluation::{Evaluation, Grid};
use crate::table::{Head, Table};

impl Evaluation<'_> {
    /// `label_replace(v, destination, replacement, source, regex)`.
    pub(super) fn label_replace(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let [vector, texts @ ..] = args else {
            return Ok(Table::default());
        };
        let texts: Vec<&str> = texts.iter().map(|text| self.text(text)).collect();
        let &[destination, replacement, source, pattern] = texts.as_slice() else {
            return Ok(Table::default());
        };
        let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
            EvalError::Parameter(format!(
                "invalid regular expression in label_replace(): {pattern}"
            ))
        })?;
        if destination.is_empty() {
            return Err(EvalError::Parameter(
                "invalid destination label name in label_replace(): ".to_owned(),
            ));
        }
        self.relabel(vector, grid, destination, &|labels| {
            let value = labels.get(source).unwrap_or_default();
            let captures = regex.captures(value)?;
            let mut replaced = String::new();
            captures.expand(replacement, &mut replaced);
            Some(replaced)
        })
    }

    /// `label_join(v, destination, separator, source...)`.
    pub(super) fn label_join(&self, args: &[Expr], grid: Grid) -> Result<Table, EvalError> {
        let [vector, destination, separator, sources @ ..] = args else {
            return Ok(Table::default());
        };
        let destination = self.text(destination);
        let separator = self.text(separator);
        let sources: Vec<&str> = sources.iter().map(|source| self.text(source)).collect();
        for (kind, name) in [("destination", destination)]
            .into_iter()
            .chain(sources.iter().map(|source| ("source", *source)))
        {
            if name.is_empty() {
                return Err(EvalError::Parameter(format!(
                    "invalid {kind} label name in label_join(): {name}"
                )));
            }
        }
        self.relabel(vector, grid, destination, &|labels| {
            let values: Vec<&str> = sources
                .iter()
                .map(|source| labels.get(source).unwrap_or_default())
                .collect();
            Some(values.join(separator))
        })
    }

    /// Sets a label of every series to what `value` gives, if it gives something. Series that become the same are joined as
    /// long as they do not overlap.
    fn relabel(
        &self,
        vector: &Expr,
        grid: Grid,
        destination: &str,
        value: &dyn Fn(&Labels) -> Option<String>,
    ) -> Result<Table, EvalError> {
        let table = self.table(vector, grid)?;
        // Many series differ only in labels that do not matter here, but building the new set dominates anyway.
        let mut changed: HashMap<Labels, Head> = HashMap::new();
        for row in table.rows() {
            let Some(value) = value(&row.head.labels) else {
                continue;
            };
            let mut builder = row.head.labels.to_builder();
            builder.set(destination, &value);
            let labels = builder
                .build()
                .map_err(|error| EvalError::Parameter(error.to_string()))?;
            // A name that is set anew is meant to stay.
            let name_dropped = row.head.name_dropped && destination != METRIC_NAME;
            let head = Head {
                labels,
                name_dropped,
            };
            changed.insert(row.head.labels.clone(), head);
        }
        table
            .map_heads(|head| {
                if let Some(new) = changed.get(&head.labels) {
                    *head = new.clone();
                }
            })
            .merge_same_labels()
    }
}
