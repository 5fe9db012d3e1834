//! The one reader of configuration files.
//!
//! Every configuration is YAML that is deserialised into plain structs with `#[serde(deny_unknown_fields)]`.
//! Keys given twice are refused (unless the file is of a program that takes the last), merge keys work, and every mistake becomes a [`Problem`] with its place.
//! A field of type [`Spanned`] keeps its own place, for checks that go beyond types.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Location, Options};

use crate::problem::{Problem, nearest};
use twice::Twice;

pub use serde_saphyr::Spanned;

mod twice; // keys that a mapping has twice

/// Reads a file into `T`.
///
/// # Errors
/// When the file cannot be read, is no YAML, or does not fit `T`.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Problem> {
    parse(file, &read_text(file)?)
}

/// Reads the text of a configuration file.
///
/// # Errors
/// When the file cannot be read or is no UTF-8.
pub fn read_text(file: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Problem::of_file(file, "there is no such file"),
        _ => Problem::of_file(file, format!("cannot be read: {error}")),
    })
}

/// Reads `text`, the content of `file`, into `T`. An empty document reads as an empty mapping.
///
/// # Errors
/// When the text is no YAML or does not fit `T`.
pub fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Problem> {
    parse_with(file, text, options(DuplicateKeyPolicy::Error))
}

/// Reads like [`parse`], but of a key that is given twice the last value counts, as it does for many other readers of YAML. The keys that
/// were given before are returned, so that somebody can be told.
///
/// # Errors
/// When the text is no YAML or does not fit `T`.
pub fn parse_last_wins<T: DeserializeOwned>(
    file: &Path,
    text: &str,
) -> Result<(T, Vec<Spanned<String>>), Problem> {
    let value = parse_with(file, text, options(DuplicateKeyPolicy::LastWins))?;
    let twice: Twice = parse_with(file, text, options(DuplicateKeyPolicy::PassThrough))?;
    Ok((value, twice.0))
}

fn parse_with<T: DeserializeOwned>(
    file: &Path,
    text: &str,
    options: Options,
) -> Result<T, Problem> {
    let blank = text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    });
    let document = if blank { "{}" } else { text };
    serde_saphyr::from_str_with_options(document, options)
        .map_err(|error| to_problem(file, text, &error))
}

/// A problem at the place of a spanned value.
#[must_use]
pub fn problem_at<T>(
    file: &Path,
    text: &str,
    value: &Spanned<T>,
    message: impl Into<String>,
) -> Problem {
    match place(value.referenced) {
        Some(place) => Problem::at(file, text, place, message),
        None => Problem::of_file(file, message),
    }
}

/// A key that Prometheus or Alertmanager knows and Stonechat cannot honour yet. It is refused with its place, so that
/// nobody believes it to be in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsupported {}

/// The library's own error has the place of the value only; the key is found from there.
const UNSUPPORTED: &str = "this key is not supported yet";

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(UNSUPPORTED))
    }
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    let mut options = Options::default();
    options.with_snippet = false;
    options.duplicate_keys = duplicate_keys;
    options
}

fn place(location: Location) -> Option<(usize, usize)> {
    let line = usize::try_from(location.line())
        .ok()
        .filter(|line| *line > 0)?;
    let column = usize::try_from(location.column())
        .ok()
        .filter(|column| *column > 0)?;
    Some((line, column))
}

fn to_problem(file: &Path, text: &str, error: &Error) -> Problem {
    let error = error.without_snippet();
    let (message, help) = explain(error);
    let problem = match error.location().and_then(place) {
        Some(value) if message == UNSUPPORTED => match key_before(text, value) {
            Some((key, place)) => Problem::at(
                file,
                text,
                place,
                format!("the key `{key}` is not supported yet"),
            ),
            None => Problem::at(file, text, value, message),
        },
        Some(place) => Problem::at(file, text, place, message),
        None => Problem::of_file(file, message),
    };
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// The key whose value begins at a place, and where the key stands.
fn key_before(text: &str, (line, column): (usize, usize)) -> Option<(String, (usize, usize))> {
    let mut lines: Vec<&str> = text.lines().take(line).collect();
    let last = lines.pop()?;
    let cut = last
        .char_indices()
        .nth(column - 1)
        .map_or(last.len(), |(cut, _)| cut);
    lines.push(&last[..cut]);
    // What may stand between a key and its value: blanks, line breaks, the dash of a list.
    let (index, before) = lines.iter().enumerate().rev().find_map(|(index, line)| {
        let before = line
            .trim_end_matches([' ', '-', '[', '{'])
            .strip_suffix(':')?;
        Some((index, before))
    })?;
    let in_key = |character: char| character.is_alphanumeric() || character == '_';
    let start = before
        .rfind(|character| !in_key(character))
        .map_or(0, |cut| cut + 1);
    let key = &before[start..];
    (!key.is_empty()).then(|| {
        (
            key.to_owned(),
            (index + 1, before[..start].chars().count() + 1),
        )
    })
}

/// What is wrong, and what would be right.
fn explain(error: &Error) -> (String, Option<String>) {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("unknown key `{field}`"),
            did_you_mean(field, expected),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("unknown value `{variant}`"),
            did_you_mean(variant, expected),
        ),
        Error::SerdeMissingField { field, .. } => (format!("the key `{field}` is missing"), None),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => (
            format!("wrong type: {unexpected}"),
            Some(format!("expected {expected}")),
        ),
        Error::InvalidScalar { ty, .. } => (
            "wrong type".to_owned(),
            Some(format!("expected {}", scalar(ty))),
        ),
        Error::DuplicateMappingKey { key: Some(key), .. } => (
            format!("the key `{key}` is given twice"),
            Some("leave one out".to_owned()),
        ),
        Error::Message { msg, .. } => (msg.clone(), None),
        other => {
            // The library ends its text with the place, which the problem shows itself.
            let text = other.render();
            let text = text
                .rsplit_once(" at line ")
                .map_or(text.as_str(), |(before, _)| before);
            (text.lines().next().unwrap_or_default().to_owned(), None)
        }
    }
}

/// The name of a scalar type for people who write no Rust.
fn scalar(ty: &str) -> &str {
    match ty.as_bytes().first() {
        Some(b'u') => "a whole number that is not negative",
        Some(b'i') => "a whole number",
        Some(b'f') => "a number",
        Some(b'b') => "true or false",
        _ => ty,
    }
}

fn did_you_mean(word: &str, expected: &[&'static str]) -> Option<String> {
    match nearest(word, expected.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if expected.is_empty() => None,
        None => Some(format!("known here: {}", expected.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::ConfigDuration;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Job {
        job_name: String,
        #[serde(default)]
        scrape_interval: Option<ConfigDuration>,
        #[serde(default)]
        sample_limit: u32,
        #[serde(default)]
        proxy: Option<Unsupported>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        jobs: Vec<Job>,
    }

    fn check(text: &str, shown: &str) {
        let problem = parse::<File>(Path::new("f.yml"), text).unwrap_err();
        assert_eq!(problem.to_string(), shown);
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        check(
            "jobs:\n  - job_name: a\n    scrape_intervall: 5s\n",
            "error: unknown key `scrape_intervall`\n  --> f.yml:3:5\n3 |     scrape_intervall: 5s\n  |     ^^^^^^^^^^^^^^^^ did you mean `scrape_interval`?",
        );
    }

    #[test]
    fn a_wrong_type_says_what_was_expected() {
        check(
            "jobs:\n  - job_name: a\n    sample_limit: many\n",
            "error: wrong type\n  --> f.yml:3:19\n3 |     sample_limit: many\n  |                   ^^^^ expected a whole number that is not negative",
        );
    }

    #[test]
    fn a_bad_duration_shows_how_to_write_one() {
        check(
            "jobs:\n  - job_name: a\n    scrape_interval: 5 seconds\n",
            "error: not a valid duration: \"5 seconds\"; write for example 30s, 5m, 1h30m (units: y w d h m s ms)\n  --> f.yml:3:22\n3 |     scrape_interval: 5 seconds\n  |                      ^",
        );
    }

    #[test]
    fn a_missing_a_double_and_an_unsupported_key_are_refused() {
        check(
            "jobs:\n  - {}\n",
            "error: the key `job_name` is missing\n  --> f.yml:2:5\n2 |   - {}\n  |     ^",
        );
        check(
            "jobs: []\njobs: []\n",
            "error: the key `jobs` is given twice\n  --> f.yml:2:1\n2 | jobs: []\n  | ^^^^ leave one out",
        );
        check(
            "jobs:\n  - job_name: a\n    proxy: x\n",
            "error: the key `proxy` is not supported yet\n  --> f.yml:3:5\n3 |     proxy: x\n  |     ^^^^^",
        );
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let problem = parse::<File>(Path::new("f.yml"), "jobs: [\n  {job_name: a\n").unwrap_err();
        assert!(problem.place.is_some(), "{problem}");
    }

    #[test]
    fn an_empty_file_is_an_empty_mapping() {
        for text in ["", "# only a comment\n", "---\n"] {
            assert!(
                parse::<File>(Path::new("f.yml"), text)
                    .unwrap()
                    .jobs
                    .is_empty()
            );
        }
    }

    #[test]
    fn of_a_key_that_is_given_twice_the_last_counts_where_that_is_wanted() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Known {
            a: u32,
            list: Vec<std::collections::BTreeMap<String, u32>>,
        }
        let text = "a: 1\nlist:\n  - {x: 1, y: 2, x: 3, 'x': 4}\na: 2\n";
        let (known, twice) = parse_last_wins::<Known>(Path::new("f"), text).unwrap();
        let map = [("x".to_owned(), 4), ("y".to_owned(), 2)];
        assert_eq!((known.a, &known.list[..]), (2, &[map.into()][..]));
        let places = twice.iter().map(|key| (&*key.value, key.referenced.line()));
        assert_eq!(places.collect::<Vec<_>>(), [("x", 3), ("x", 3), ("a", 4)]);
        assert!(parse::<Known>(Path::new("f"), text).is_err());
    }
}
