//! The file under check: its places, its mistakes and warnings, and what all formats ask of names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use stonechat_model::yaml::{self, Spanned};
use stonechat_model::{Problem, Problems, is_legacy_label_name, nearest};

use super::origin::Origin;
use super::written::Text;
use crate::plan::{MetricKind, Place};

/// Gives the value of an environment variable.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is known about all files of a configuration so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) problems: Problems,
    pub(super) warnings: Vec<String>,
    pub(super) origins: BTreeSet<Origin>,
    /// What cannot be asked at all, such as a database that we do not know: its queries are missing, and the others are right.
    left_out: Vec<(Problem, String)>,
    /// What each name on a page of samples belongs to: the family, its type, and where it is written.
    series: BTreeMap<String, (String, &'static str, Place)>,
    queries: BTreeMap<String, Place>,
    sources: BTreeMap<String, Place>,
}

impl Report {
    /// What was left out is a warning where there is something else, and a mistake where there is nothing.
    pub(super) fn settle(&mut self, is_empty: bool) {
        for (problem, warning) in std::mem::take(&mut self.left_out) {
            if is_empty {
                self.problems.0.push(problem);
            } else if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// The value and the warnings, or mistakes in the order of the files.
    pub(super) fn or<T>(mut self, value: T) -> Result<(T, Vec<String>), Problems> {
        let first = |problem: &Problem| (problem.file.clone(), problem.place.is_none());
        self.problems
            .0
            .sort_by_key(|problem| (first(problem), problem.place));
        self.problems.or((value, self.warnings))
    }
}

/// One file under check.
pub(super) struct Check<'a> {
    pub(super) file: &'a Path,
    text: &'a str,
    pub(super) variables: Variables<'a>,
    pub(super) report: &'a mut Report,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        file: &'a Path,
        text: &'a str,
        variables: Variables<'a>,
        report: &'a mut Report,
    ) -> Self {
        report.origins.insert(Origin::File(file.to_owned()));
        Self {
            file,
            text,
            variables,
            report,
        }
    }

    /// Another file of the same configuration.
    pub(super) fn other<'b>(&'b mut self, file: &'b Path, text: &'b str) -> Check<'b> {
        Check::new(file, text, self.variables, self.report)
    }

    /// Reads `text`, which is that of the file with variables put in: mistakes show the file as it is written, so that no value of
    /// a variable is shown.
    pub(super) fn read<T: DeserializeOwned>(&mut self, text: &str) -> Option<T> {
        let written = yaml::parse(self.file, text);
        self.written(written)
    }

    /// Reads as programs in Python do: of a key that is given twice the last value counts.
    pub(super) fn read_last_wins<T: DeserializeOwned>(&mut self, text: &str) -> Option<T> {
        let written = yaml::parse_last_wins(self.file, text);
        let (written, twice) = self.written(written)?;
        for key in &twice {
            let message = format!(
                "the key `{}` is given twice: the last one counts",
                key.value
            );
            self.warn(key, message);
        }
        Some(written)
    }

    fn written<T>(&mut self, written: Result<T, Problem>) -> Option<T> {
        match written {
            Ok(written) => Some(written),
            Err(problem) => {
                let shown = match problem.place {
                    Some(place) => Problem::at(self.file, self.text, place, problem.message),
                    None => Problem::of_file(self.file, problem.message),
                };
                let shown = match problem.help {
                    Some(help) => shown.help(help),
                    None => shown,
                };
                self.report.problems.0.push(shown);
                None
            }
        }
    }

    pub(super) fn at<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        let problem = yaml::problem_at(self.file, self.text, value, message);
        self.report.problems.0.push(problem);
    }

    pub(super) fn at_with_help<T>(
        &mut self,
        value: &Spanned<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = yaml::problem_at(self.file, self.text, value, message).help(help);
        self.report.problems.0.push(problem);
    }

    /// A problem at a line and column, both from 1.
    pub(super) fn at_place(&mut self, place: (usize, usize), message: impl Into<String>) {
        let problem = Problem::at(self.file, self.text, place, message);
        self.report.problems.0.push(problem);
    }

    pub(super) fn of_file(&mut self, message: impl Into<String>) {
        let problem = Problem::of_file(self.file, message);
        self.report.problems.0.push(problem);
    }

    /// Something that cannot be asked, without which the rest of the file is as good as before.
    pub(super) fn leave_out<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        let (place, message) = (self.place(value), message.into());
        let (file, line) = (place.file.display(), place.line);
        let warning = format!("{file}:{line}: {message}: what it would give is left out");
        let problem = yaml::problem_at(self.file, self.text, value, message);
        self.report.left_out.push((problem, warning));
    }

    /// Something that is taken, but not as its author may believe.
    pub(super) fn warn<T>(&mut self, value: &Spanned<T>, message: impl AsRef<str>) {
        let place = self.place(value);
        let warning = format!(
            "{}:{}: {}",
            place.file.display(),
            place.line,
            message.as_ref()
        );
        if !self.report.warnings.contains(&warning) {
            self.report.warnings.push(warning);
        }
    }

    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        Place {
            file: self.file.to_owned(),
            line: usize::try_from(value.referenced.line()).unwrap_or_default(),
        }
    }

    /// A path that counts from the folder of the file.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The files that a pattern means. A pattern may match nothing; a plain name has to exist.
    pub(super) fn files(&mut self, pattern: &Text) -> Vec<PathBuf> {
        let path = self.beside(&pattern.value);
        if !pattern.value.contains(['*', '?', '[']) {
            if !path.is_file() {
                let message = format!("there is no file {}", path.display());
                let help = "it counts from the folder of this file";
                self.at_with_help(pattern, message, help);
                return Vec::new();
            }
            return vec![path];
        }
        // Only what is written is a pattern, not the folder above it.
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let folder = glob::Pattern::escape(&folder.to_string_lossy());
        let full = Path::new(&folder).join(&pattern.value);
        let full = full.to_string_lossy().into_owned();
        match glob::Pattern::new(&full) {
            Ok(_) => {
                let origin = Origin::Pattern(full);
                let files = origin.files();
                self.report.origins.insert(origin);
                files
            }
            Err(error) => {
                self.at(pattern, format!("not a valid pattern: {error}"));
                Vec::new()
            }
        }
    }

    /// The text of a file that holds a secret, without the line's end.
    pub(super) fn secret_file(&mut self, path: &Text) -> Option<String> {
        let file = self.beside(&path.value);
        self.report.origins.insert(Origin::File(file.clone()));
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", file.display());
                self.at_with_help(path, message, "it counts from the folder of this file");
                None
            }
        }
    }

    /// The text with the values of `${NAME}` put in; `$${` stands for `${`.
    pub(super) fn expand(&mut self, text: &Text) -> Option<String> {
        self.expand_with(text, |_, value| value)
    }

    /// The same for a URL: what stands in its user and password is written as URLs need it.
    pub(super) fn expand_url(&mut self, text: &Text) -> Option<String> {
        let written = &text.value;
        let from = written.find("://").map_or(0, |found| found + 3);
        let until = written.rfind('@').unwrap_or(0);
        self.expand_with(text, |at, value| {
            if (from..until).contains(&at) {
                super::url::encode(&value)
            } else {
                value
            }
        })
    }

    fn expand_with(
        &mut self,
        text: &Text,
        write: impl Fn(usize, String) -> String,
    ) -> Option<String> {
        let (mut expanded, mut rest) = (String::new(), text.value.as_str());
        while let Some(start) = rest.find("${") {
            let at = text.value.len() - rest.len() + start;
            let (before, behind) = (&rest[..start], &rest[start + 2..]);
            if let Some(before) = before.strip_suffix('$') {
                expanded.push_str(before);
                expanded.push_str("${");
                rest = behind;
                continue;
            }
            expanded.push_str(before);
            let Some((name, behind)) = behind.split_once('}') else {
                let help = "write `${NAME}`, or `$${` for these two characters";
                self.at_with_help(text, "`${` without `}`", help);
                return None;
            };
            let Some(value) = (self.variables)(name) else {
                self.at(
                    text,
                    format!("the environment variable `{name}` is not set"),
                );
                return None;
            };
            expanded.push_str(&write(at, value));
            rest = behind;
        }
        expanded.push_str(rest);
        Some(expanded)
    }

    /// A name that has to be defined elsewhere.
    pub(super) fn unknown<'n>(
        &mut self,
        what: &str,
        name: &Text,
        defined: impl IntoIterator<Item = &'n str>,
    ) {
        let message = format!("the {what} `{}` is not defined", name.value);
        match nearest(&name.value, defined) {
            Some(near) => self.at_with_help(name, message, format!("did you mean `{near}`?")),
            None => self.at(name, message),
        }
    }

    /// Refuses what is known and cannot be honoured yet.
    pub(super) fn unsupported<T>(&mut self, value: Option<&Spanned<T>>, what: &str) {
        if let Some(value) = value {
            self.at(value, format!("{what} is not supported yet"));
        }
    }

    /// A label's name; `why` says for which type it is reserved.
    pub(super) fn label_name(&mut self, name: &Text, kind: Option<&MetricKind>) {
        let label = name.value.as_str();
        if !is_legacy_label_name(label) {
            let help = "letters, digits and `_`, and no digit in front";
            self.at_with_help(name, format!("`{label}` is not a label name"), help);
            return;
        }
        let reserved = match kind {
            _ if label.starts_with("__") => Some("names that begin with `__`"),
            Some(MetricKind::Histogram { .. }) if label == "le" => Some("`le` of a histogram"),
            Some(MetricKind::Summary { .. }) if label == "quantile" => {
                Some("`quantile` of a summary")
            }
            _ => None,
        };
        if let Some(reserved) = reserved {
            let message = format!("the label `{label}` is reserved");
            self.at_with_help(name, message, format!("{reserved} cannot be given"));
        }
    }

    /// A metric's name; its series may not be those of a metric with another type.
    pub(super) fn metric_name(&mut self, name: &Text, kind: Option<&MetricKind>) {
        let metric = name.value.as_str();
        let plain = metric.replace(':', "_");
        if !is_legacy_label_name(&plain) {
            let help = "letters, digits, `_` and `:`, and no digit in front";
            self.at_with_help(name, format!("`{metric}` is not a metric name"), help);
            return;
        }
        let Some(kind) = kind else { return };
        let (word, suffixes): (_, &[&str]) = match kind {
            MetricKind::Gauge => ("gauge", &[""]),
            MetricKind::Counter { .. } => ("counter", &[""]),
            MetricKind::Histogram { .. } => ("histogram", &["", "_bucket", "_sum", "_count"]),
            MetricKind::Summary { .. } => ("summary", &["", "_sum", "_count"]),
        };
        let place = self.place(name);
        for suffix in suffixes {
            let series = format!("{metric}{suffix}");
            let taken = self.report.series.get(&series).cloned();
            match taken {
                Some((other, type_, first)) if other != metric || type_ != word => {
                    let message = format!("the series `{series}` is of a {type_} already");
                    let help = format!(
                        "`{other}` at {}:{}; rename one",
                        first.file.display(),
                        first.line
                    );
                    self.at_with_help(name, message, help);
                    return;
                }
                Some(_) => {}
                None => {
                    let owner = (metric.to_owned(), word, place.clone());
                    self.report.series.insert(series, owner);
                }
            }
        }
    }

    /// The name of a query, which may be given once.
    pub(super) fn query_name(&mut self, written: &Text, name: &str) {
        let place = self.place(written);
        let first = self.report.queries.get(name).cloned();
        if let Some(first) = first {
            self.twice(written, "query", name, &first);
        } else if name.is_empty() {
            self.at(written, "a query has no name");
        } else {
            self.report.queries.insert(name.to_owned(), place);
        }
    }

    /// The name of a source, which may be given once.
    pub(super) fn source_name(&mut self, written: &Text, name: &str) {
        let place = self.place(written);
        let first = self.report.sources.get(name).cloned();
        if let Some(first) = first {
            self.twice(written, "source", name, &first);
        } else if name.is_empty() {
            self.at(written, "a source has no name");
        } else {
            self.report.sources.insert(name.to_owned(), place);
        }
    }

    pub(super) fn twice(&mut self, written: &Text, what: &str, name: &str, first: &Place) {
        let message = format!("the {what} `{name}` is defined twice");
        let help = format!(
            "first at {}:{}; rename one",
            first.file.display(),
            first.line
        );
        self.at_with_help(written, message, help);
    }
}
