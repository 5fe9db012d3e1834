//! From what is written to what cannot be wrong. Every problem is kept, so that one run shows them all.

use std::path::Path;
use std::time::Duration;

use stonechat_model::yaml::{self, Spanned};
use stonechat_model::{
    MatchOp, Matcher, Problem, Problems, Secret, is_label_name, is_legacy_label_name, nearest,
};

use super::file::{Text, TextMap};
use super::http::{SecretSource, beside};
use crate::matchers;
use crate::template::TemplateSet;
use crate::webhook::{go_duration, parse_url};

/// The file under check and the problems found so far.
pub(crate) struct Check<'a> {
    pub(crate) file: &'a Path,
    text: &'a str,
    problems: Problems,
    warnings: Vec<Problem>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: Problems::default(),
            warnings: Vec::new(),
        }
    }

    /// What is no mistake, but has no effect or will fail later.
    pub(crate) fn warn<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        self.warnings
            .push(yaml::problem_at(self.file, self.text, value, message));
    }

    /// The warnings so far, in the order of the file.
    pub(super) fn warnings(&mut self) -> Vec<Problem> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|warning| warning.place);
        warnings
    }

    /// Warns when a file cannot be read that is read only when it is needed, and may come later.
    pub(crate) fn readable(&mut self, file: &Text, path: &Path) {
        if let Err(error) = std::fs::File::open(path) {
            let path = path.display();
            let message =
                format!("{path} cannot be read now: {error}; messages will fail until it can");
            self.warn(file, message);
        }
    }

    /// `value`, unless there are problems; these stand in the order of the file.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Problems> {
        // What has no place stands last.
        self.problems
            .0
            .sort_by_key(|problem| (problem.place.is_none(), problem.place));
        self.problems.or(value)
    }

    /// A problem at the place of a value.
    pub(crate) fn at<T>(&mut self, value: &Spanned<T>, message: impl Into<String>) {
        self.problems
            .0
            .push(yaml::problem_at(self.file, self.text, value, message));
    }

    /// A problem at the place of a value, and what would be right.
    pub(crate) fn at_with_help<T>(
        &mut self,
        value: &Spanned<T>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = yaml::problem_at(self.file, self.text, value, message).help(help);
        self.problems.0.push(problem);
    }

    /// A problem of the file as a whole.
    pub(crate) fn of_file(&mut self, message: impl Into<String>) {
        self.problems.0.push(Problem::of_file(self.file, message));
    }

    /// A secret that may be given in one of two ways only.
    pub(crate) fn only_one(
        &mut self,
        key: &str,
        inline: Option<&Spanned<Secret>>,
        file: Option<&Text>,
    ) {
        let inline = inline.filter(|secret| !secret.value.reveal().is_empty());
        if let (Some(_), Some(file)) = (inline, file.filter(|file| !file.value.is_empty())) {
            let message = format!("both `{key}` and `{key}_file` are given");
            self.at_with_help(file, message, "leave one out");
        }
    }

    /// A secret that may be given in one of two ways; an empty text is the same as none. That both are given is reported
    /// elsewhere.
    pub(crate) fn secret(
        &mut self,
        (_key, inline): (&str, Option<&Spanned<Secret>>),
        file: Option<&Text>,
    ) -> Option<SecretSource> {
        let inline = inline.filter(|secret| !secret.value.reveal().is_empty());
        if let Some(inline) = inline {
            return Some(SecretSource::Inline(inline.value.clone()));
        }
        let file = file.filter(|file| !file.value.is_empty())?;
        let path = beside(self.file, &file.value);
        self.readable(file, &path);
        Some(SecretSource::File(path))
    }

    /// A text that is filled in with every message.
    pub(crate) fn template(&mut self, text: Option<&Text>) -> Option<String> {
        let text = text?;
        if let Err(error) = TemplateSet::check(&text.value) {
            self.at(text, format!("not a template: {error}"));
        }
        Some(text.value.clone())
    }

    /// How long an attempt may take, in Go's notation; zero is no limit.
    pub(crate) fn go_timeout(&mut self, text: Option<&Text>) -> Option<Duration> {
        let text = text?;
        let timeout = go_duration(&text.value);
        if timeout.is_none() {
            let message = format!(
                "not a valid duration: {:?}; write for example 10s or 1m30s",
                text.value
            );
            self.at(text, message);
        }
        timeout.filter(|timeout| !timeout.is_zero())
    }

    /// A text that has to be given in the entry at `place`.
    pub(crate) fn needs<T>(&mut self, place: &Spanned<T>, key: &str, text: Option<&Text>) {
        if text.is_none_or(|text| text.value.is_empty()) {
            self.at(place, format!("there is no `{key}`"));
        }
    }

    /// An address that may be shown.
    pub(crate) fn url(&mut self, url: Option<&Text>) {
        if let Some(url) = url
            && let Err(message) = parse_url(&url.value)
        {
            self.at_with_help(url, message, "write for example https://example.org/path");
        }
    }

    /// An address that is secret.
    pub(crate) fn secret_url(&mut self, url: Option<&Spanned<Secret>>) {
        if let Some(url) = url.filter(|url| !url.value.reveal().is_empty())
            && let Err(message) = parse_url(url.value.reveal())
        {
            self.at_with_help(url, message, "write for example https://example.org/path");
        }
    }

    /// A name that has to be defined elsewhere in the file.
    pub(super) fn known<'n>(
        &mut self,
        what: &str,
        name: &Text,
        defined: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        if defined.clone().into_iter().any(|known| known == name.value) {
            return;
        }
        let message = format!("the {what} `{}` is not defined", name.value);
        match nearest(&name.value, defined) {
            Some(near) => self.at_with_help(name, message, format!("did you mean `{near}`?")),
            None => self.at(name, message),
        }
    }

    /// A label's name, of any characters.
    pub(super) fn label_name(&mut self, name: &Text) {
        if !is_label_name(&name.value) {
            self.at(name, "a label name is empty");
        }
    }

    /// All conditions of a route or of one side of an inhibition rule, sorted.
    pub(super) fn matchers(
        &mut self,
        equal: &TextMap,
        regex: &TextMap,
        texts: Option<&Vec<Text>>,
    ) -> Vec<Matcher> {
        let mut all = self.old_matchers(equal, MatchOp::Equal);
        all.extend(self.old_matchers(regex, MatchOp::Regex));
        for text in texts.into_iter().flatten() {
            match matchers::parse(&text.value) {
                Ok(matchers) => all.extend(matchers),
                Err(error) => self.at(text, error.to_string()),
            }
        }
        matchers::sort(&mut all);
        all
    }

    /// The conditions of the older keys `match` and `match_re`.
    fn old_matchers(&mut self, map: &TextMap, op: MatchOp) -> Vec<Matcher> {
        let mut matchers = Vec::new();
        for (name, value) in map.iter().flatten() {
            match value {
                Some(value) if !is_legacy_label_name(name) => self.at_with_help(
                    value,
                    format!("`{name}` is not a label name that this key takes"),
                    "write it under `matchers` in quotes",
                ),
                Some(value) => match Matcher::new(name, op, value.value.as_str()) {
                    Ok(matcher) => matchers.push(matcher),
                    Err(error) => self.at(value, error.to_string()),
                },
                // As in Alertmanager: an empty text is a text, but no pattern.
                None if op == MatchOp::Equal => matchers.push(Matcher::equal(name, "")),
                None => self.of_file(format!("the label `{name}` has no regular expression")),
            }
        }
        matchers
    }
}

/// A template that is written, or the one that holds otherwise.
pub(crate) fn or_text(check: &mut Check<'_>, written: Option<&Text>, default: &str) -> String {
    check
        .template(written)
        .unwrap_or_else(|| default.to_owned())
}
