//! What a script expects of an evaluation.

use std::time::Duration;

use regex::Regex;
use stonechat_model::Timestamp;

use super::points::{PointSeries, parse_line};
use super::script::{ScriptError, keyword, length, timestamp};
use crate::lexer::{number_value, unquote};
use crate::value::Severity;

/// What an evaluation should give.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    pub value: Expected,
    pub ordered: bool,
    /// The evaluation should fail, with a text if one is given.
    pub fails: Option<TextMatch>,
    pub warnings: Remarks,
    pub infos: Remarks,
}

/// The value that is expected.
#[derive(Debug, Default, Clone)]
pub(super) enum Expected {
    #[default]
    Nothing,
    Scalar(f64),
    String(String),
    Series(Vec<PointSeries>),
    /// Series whose points do not stand at the steps of the evaluation.
    RangeVector {
        series: Vec<PointSeries>,
        start: Timestamp,
        step: Duration,
    },
}

/// Which remarks are expected. Nothing said means that nobody looks.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub none: bool,
    pub matches: Vec<TextMatch>,
}

/// How a text should read.
#[derive(Debug, Clone)]
pub(super) enum TextMatch {
    Any,
    Exact(String),
    Pattern(Regex),
}

impl TextMatch {
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(expected) => expected == text,
            Self::Pattern(regex) => regex.is_match(text),
        }
    }
}

impl Expectations {
    /// What older forms of the command itself say: `eval_fail`.
    pub fn read_command(&mut self, word: &str) {
        match word {
            "eval_fail" => self.fails = Some(TextMatch::Any),
            "eval_warn" => self.warnings.matches.push(TextMatch::Any),
            "eval_info" => self.infos.matches.push(TextMatch::Any),
            "eval_ordered" => self.ordered = true,
            _ => {}
        }
    }

    /// Reads the lines below the command, and gives how many belonged to it.
    pub fn read_block(&mut self, lines: &[(usize, &str)]) -> Result<usize, ScriptError> {
        for (index, &(line, text)) in lines.iter().enumerate() {
            let ended = self
                .read_line(text)
                .map_err(|message| ScriptError { line, message })?;
            if ended {
                return Ok(index + 1);
            }
        }
        Ok(lines.len())
    }

    /// Reads a line; true when it ends the block.
    fn read_line(&mut self, text: &str) -> Result<bool, String> {
        if let Some(expectation) = text.strip_prefix("expect ") {
            self.read_expect(expectation.trim())?;
            return Ok(false);
        }
        if let Some(message) = text.strip_prefix("expected_fail_message ") {
            self.fails = Some(TextMatch::Exact(message.trim().to_owned()));
            return Ok(true);
        }
        if let Some(pattern) = text.strip_prefix("expected_fail_regexp ") {
            self.fails = Some(TextMatch::Pattern(regex(pattern.trim())?));
            return Ok(true);
        }
        if let Some(value) = scalar(text) {
            self.value = Expected::Scalar(value);
            return Ok(true);
        }
        let series = parse_line(text)?;
        match &mut self.value {
            Expected::Series(all) | Expected::RangeVector { series: all, .. } => all.push(series),
            other => *other = Expected::Series(vec![series]),
        }
        Ok(false)
    }

    /// What stands behind `expect`.
    fn read_expect(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match word {
            "ordered" => self.ordered = true,
            "fail" => self.fails = Some(text_match(rest)?),
            "warn" => self.warnings.matches.push(text_match(rest)?),
            "info" => self.infos.matches.push(text_match(rest)?),
            "no_warn" => self.warnings.none = true,
            "no_info" => self.infos.none = true,
            "string" => self.value = Expected::String(unquote(rest)?),
            "range" => self.value = range_vector(rest)?,
            other => return Err(format!("unknown expectation {other:?}")),
        }
        Ok(())
    }

    pub fn remarks(&self, severity: Severity) -> &Remarks {
        match severity {
            Severity::Warning => &self.warnings,
            Severity::Info => &self.infos,
        }
    }
}

/// `msg: <exact>`, `regex: <pattern>` or nothing.
fn text_match(text: &str) -> Result<TextMatch, String> {
    if let Some(message) = text.strip_prefix("msg:") {
        return Ok(TextMatch::Exact(message.trim().to_owned()));
    }
    if let Some(pattern) = text.strip_prefix("regex:") {
        return regex(pattern.trim()).map(TextMatch::Pattern);
    }
    if text.is_empty() {
        Ok(TextMatch::Any)
    } else {
        Err(format!("expected `msg:` or `regex:`, found {text:?}"))
    }
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

/// `vector from <time> to <time> step <duration>`.
fn range_vector(text: &str) -> Result<Expected, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[vector, from, start, to, _, step_word, distance] = words.as_slice() else {
        return Err(format!("{text:?} is no range vector"));
    };
    for (word, expected) in [
        (vector, "vector"),
        (from, "from"),
        (to, "to"),
        (step_word, "step"),
    ] {
        keyword(word, expected)?;
    }
    Ok(Expected::RangeVector {
        series: Vec::new(),
        start: timestamp(start)?,
        step: length(distance)?,
    })
}

/// A bare number, which may be hexadecimal.
fn scalar(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.as_bytes() {
        [b'-', ..] => (-1.0, &text[1..]),
        [b'+', ..] => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    number_value(unsigned).map(|value| sign * value)
}
