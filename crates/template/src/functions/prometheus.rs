//! What the labels and annotations of alerting rules may call: the functions of Prometheus.

mod alert; // what rules see
mod sample; // results of `query`
mod title; // words with a capital

use stonechat_model::{Labels, Timestamp, duration};

use super::{CallError, Functions, Parameter, Signature, hosts, humanize, links};
pub use alert::{ALERT_PRELUDE, AlertData};

use crate::value::Value;

/// One result of an instant query, as `query` gives it to a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The series' labels, with its name.
    pub labels: Labels,
    /// The value.
    pub value: f64,
}

/// Answers an instant query at the time of the evaluation.
pub type Query<'a> = &'a dyn Fn(&str) -> Result<Vec<Sample>, CallError>;

/// Prometheus' functions for one evaluation.
pub struct PrometheusFunctions<'a> {
    /// The time of the evaluation.
    pub now: Timestamp,
    /// Under which address people reach the server, such as `http://monitor:9090/base`.
    pub external_url: &'a str,
    /// Runs the queries of the template.
    pub query: Query<'a>,
}

/// True for the names that [`PrometheusFunctions`] has: what a parser needs to know.
#[must_use]
pub fn is_function(name: &str) -> bool {
    signature(name).is_some()
}

/// The path of the page that shows an expression as a table, as `tableLink` gives it.
#[must_use]
pub fn table_link(expression: &str) -> String {
    links::table(expression)
}

fn signature(name: &str) -> Option<Signature> {
    use Parameter::{Any, Named, String};
    const RESULT: Parameter = Named(sample::RESULT);
    const SAMPLE: Parameter = Named(sample::SAMPLE);
    Some(match name {
        "query" | "parseDuration" | "safeHtml" | "title" | "toUpper" | "toLower" | "graphLink"
        | "tableLink" | "stripPort" | "stripDomain" | "urlQueryEscape" => Signature::of(&[String]),
        "first" => Signature::of(&[RESULT]),
        "value" | "strvalue" => Signature::of(&[SAMPLE]),
        "label" => Signature::of(&[String, SAMPLE]),
        "sortByLabel" => Signature::of(&[String, RESULT]),
        "match" => Signature::of(&[String, String]),
        "reReplaceAll" => Signature::of(&[String, String, String]),
        "humanize" | "humanize1024" | "humanizeDuration" | "humanizePercentage"
        | "humanizeTimestamp" | "toTime" | "toDuration" => Signature::of(&[Any]),
        "args" => Signature::any_number(Any),
        "externalURL" | "pathPrefix" | "now" => Signature::of(&[]),
        _ => return None,
    })
}

impl Functions for PrometheusFunctions<'_> {
    fn signature(&self, name: &str) -> Option<Signature> {
        signature(name)
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, CallError> {
        if let Some(result) = numbers(name, arguments).or_else(|| texts(name, arguments)) {
            return result;
        }
        match (name, arguments) {
            ("query", [Value::String(expression)]) => Ok(sample::result((self.query)(expression)?)),
            ("first", [result]) => sample::first(result),
            ("value", [sample]) => sample::field(sample, "Value"),
            ("strvalue", [sample]) => sample::label(sample, "__value__"),
            ("label", [Value::String(name), sample]) => sample::label(sample, name),
            ("sortByLabel", [Value::String(name), result]) => sample::sort_by_label(name, result),
            ("args", arguments) => {
                let named = arguments.iter().enumerate();
                Ok(Value::map(named.map(|(index, value)| {
                    (format!("arg{index}"), value.clone())
                })))
            }
            ("externalURL", []) => Ok(self.external_url.into()),
            ("pathPrefix", []) => Ok(path(self.external_url).into()),
            ("now", []) => Ok(self.now.seconds().into()),
            _ => Err(CallError::new("wrong arguments")),
        }
    }
}

/// Functions of a number.
fn numbers(name: &str, arguments: &[Value]) -> Option<Result<Value, CallError>> {
    let [argument] = arguments else {
        return None;
    };
    let convert: fn(f64) -> Result<Value, CallError> = match name {
        "humanize" => |value| Ok(humanize::humanize(value).into()),
        "humanize1024" => |value| Ok(humanize::humanize_1024(value).into()),
        "humanizeDuration" => |value| Ok(humanize::humanize_duration(value).into()),
        "humanizePercentage" => |value| Ok(humanize::humanize_percentage(value).into()),
        "humanizeTimestamp" => |value| humanize::humanize_timestamp(value).map(Value::from),
        "toTime" => |value| humanize::to_time(value).map(Value::Time),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast stops at the ends"
        )]
        "toDuration" => |value| Ok(Value::Duration((value * 1e9) as i64)),
        _ => return None,
    };
    Some(humanize::to_float(argument).and_then(convert))
}

/// Functions of texts alone.
fn texts(name: &str, arguments: &[Value]) -> Option<Result<Value, CallError>> {
    let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
    let result = match (name, texts?.as_slice()) {
        ("title", [text]) => title::title(text),
        ("toUpper", [text]) => text.to_uppercase(),
        ("toLower", [text]) => text.to_lowercase(),
        ("safeHtml", [text]) => (*text).to_owned(),
        ("graphLink", [expression]) => links::graph(expression),
        ("tableLink", [expression]) => links::table(expression),
        ("urlQueryEscape", [text]) => links::query_escape(text),
        ("stripPort", [text]) => hosts::strip_port(text).to_owned(),
        ("stripDomain", [text]) => hosts::strip_domain(text),
        ("match", [pattern, text]) => {
            return Some(compile(pattern).map(|regex| regex.is_match(text).into()));
        }
        ("reReplaceAll", [pattern, replacement, text]) => {
            return Some(
                compile(pattern)
                    .map(|regex| regex.replace_all(text, *replacement).into_owned().into()),
            );
        }
        ("parseDuration", [text]) => return Some(parse_duration(text)),
        _ => return None,
    };
    Some(Ok(result.into()))
}

fn parse_duration(text: &str) -> Result<Value, CallError> {
    match duration::parse(text) {
        Ok(duration) => Ok(Value::Float(duration.as_secs_f64())),
        Err(_) => Err(CallError::new(format!(
            "not a valid duration string: {}",
            crate::print::quote(text, false)
        ))),
    }
}

/// The most bytes that a compiled expression of a template may take.
const REGEX_BYTES_MAX: usize = 1 << 20;

pub(super) fn compile(pattern: &str) -> Result<regex::Regex, CallError> {
    let compiled = regex::RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .build();
    compiled.map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        CallError::new(format!(
            "error parsing regexp: {}: `{pattern}`",
            reason.trim_start_matches("error: ")
        ))
    })
}

/// The path of an address, empty when it has none.
fn path(address: &str) -> &str {
    let behind_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = behind_scheme
        .find('/')
        .map_or("", |slash| &behind_scheme[slash..]);
    path.split(['?', '#']).next().unwrap_or(path)
}
