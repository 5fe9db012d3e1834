//! Text to commands.

use std::time::Duration;

use stonechat_model::{Timestamp, duration};

use super::expectation::Expectations;
use super::points::{PointSeries, parse_line};
use super::starts::{self, StartSeries};
use crate::engine::Steps;

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// What a script does next.
#[derive(Debug)]
pub(super) enum Command {
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// Samples to load.
#[derive(Debug)]
pub(super) struct Load {
    pub step: Duration,
    pub series: Vec<PointSeries>,
    /// When the counting of the samples of some series began.
    pub starts: Vec<StartSeries>,
    /// Classic histograms are stored as native ones as well.
    pub with_native: bool,
}

/// An expression to evaluate.
#[derive(Debug)]
pub(super) struct Eval {
    pub line: usize,
    pub expr: String,
    pub times: Times,
    pub expected: Expectations,
}

/// When an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Times {
    At(Timestamp),
    Range(Steps),
}

/// Reads a whole script.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .map(str::trim)
        .enumerate()
        .map(|(index, line)| (index + 1, if line.starts_with('#') { "" } else { line }))
        .collect();
    let mut commands = Vec::new();
    let mut rest = lines.as_slice();
    while let [(number, line), behind @ ..] = rest {
        rest = behind;
        if line.is_empty() {
            continue;
        }
        let at_line = |message: String| ScriptError {
            line: *number,
            message,
        };
        let (word, head) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let block = behind
            .iter()
            .take_while(|(_, line)| !line.is_empty())
            .count();
        match word {
            "clear" => commands.push(Command::Clear),
            "load" | "load_with_nhcb" => {
                let step = length(head.trim()).map_err(at_line)?;
                let with_native = word == "load_with_nhcb";
                let load = load_lines(&behind[..block], step, with_native)?;
                commands.push(Command::Load(load));
                rest = &behind[block..];
            }
            _ if word.starts_with("eval") => {
                let (expr, times) = eval_head(head).map_err(at_line)?;
                let mut expected = Expectations::default();
                expected.read_command(word);
                let used = expected.read_block(&behind[..block])?;
                commands.push(Command::Eval(Box::new(Eval {
                    line: *number,
                    expr,
                    times,
                    expected,
                })));
                rest = &behind[used..];
            }
            other => return Err(at_line(format!("unknown command {other:?}"))),
        }
    }
    Ok(commands)
}

fn load_lines(
    lines: &[(usize, &str)],
    step: Duration,
    with_native: bool,
) -> Result<Load, ScriptError> {
    let mut load = Load {
        step,
        series: Vec::new(),
        starts: Vec::new(),
        with_native,
    };
    for &(line, text) in lines {
        let at_line = |message| ScriptError { line, message };
        match starts::parse_line(text).map_err(at_line)? {
            Some(starts) => load.starts.push(starts),
            None => load.series.push(parse_line(text).map_err(at_line)?),
        }
    }
    Ok(load)
}

/// `instant at <time> <expr>` or `range from <time> to <time> step <duration> <expr>`.
fn eval_head(head: &str) -> Result<(String, Times), String> {
    let mut rest = head;
    let mut word = || {
        let (word, behind) = rest
            .trim_start()
            .split_once(char::is_whitespace)
            .unwrap_or((rest.trim_start(), ""));
        rest = behind;
        word
    };
    match word() {
        "instant" => {
            keyword(word(), "at")?;
            let at = timestamp(word())?;
            Ok((rest.trim().to_owned(), Times::At(at)))
        }
        "range" => {
            keyword(word(), "from")?;
            let start = timestamp(word())?;
            keyword(word(), "to")?;
            let end = timestamp(word())?;
            keyword(word(), "step")?;
            let step = length(word())?;
            let times = Times::Range(Steps { start, end, step });
            Ok((rest.trim().to_owned(), times))
        }
        other => Err(format!("expected `instant` or `range`, found {other:?}")),
    }
}

pub(super) fn keyword(word: &str, expected: &str) -> Result<(), String> {
    if word == expected {
        Ok(())
    } else {
        Err(format!("expected `{expected}`, found {word:?}"))
    }
}

/// A duration without a sign.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|error| error.to_string())
}

/// A time since the epoch, with an optional sign.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    let epoch = Timestamp::from_millis(0);
    match text.strip_prefix('-') {
        Some(before) => Ok(epoch.minus(length(before)?)),
        None => Ok(epoch.plus(length(text)?)),
    }
}
