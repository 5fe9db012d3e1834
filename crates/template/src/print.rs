//! Values as Go's `fmt` prints them.

mod float; // strconv.FormatFloat
mod format; // printf
mod quote; // strconv.Quote

use std::fmt::Write as _;

use crate::value::Value;

pub(crate) use float::{format_float, significant};
pub(crate) use format::sprintf;
pub(crate) use quote::{is_printable, quote};

/// `fmt.Sprint` of one value (`%v`).
pub(crate) fn show(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, &|out, value| write_plain(out, value), true);
    out
}

/// What an action prints: as [`show`], but nothing there is `<no value>`, and pointers are followed.
pub(crate) fn show_action(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        other => {
            let mut out = String::new();
            write_value(
                &mut out,
                other,
                &|out, value| write_plain(out, value),
                false,
            );
            out
        }
    }
}

/// `fmt.Sprint`: a space between neighbours of which neither is a text.
pub(crate) fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let texts = index > 0 && (value.as_str().is_some() || values[index - 1].as_str().is_some());
        if index > 0 && !texts {
            out.push(' ');
        }
        out.push_str(&show(value));
    }
    out
}

/// `fmt.Sprintln`: a space between all, a line break behind.
pub(crate) fn sprintln(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().map(show).collect();
    shown.join(" ") + "\n"
}

/// Writes a value; `scalar` writes what is neither list nor map nor struct.
fn write_value(
    out: &mut String,
    value: &Value,
    scalar: &dyn Fn(&mut String, &Value),
    outermost: bool,
) {
    match value {
        Value::List(list) => {
            enclosed(out, "[", "]", list.items.iter(), |out, item| {
                write_value(out, item, scalar, false);
            });
        }
        Value::Map(map) => enclosed(out, "map[", "]", map.entries.iter(), |out, (key, item)| {
            scalar(out, &Value::String(key.clone()));
            out.push(':');
            write_value(out, item, scalar, false);
        }),
        Value::Labels(labels) => enclosed(out, "map[", "]", labels.iter(), |out, (key, item)| {
            scalar(out, &key.into());
            out.push(':');
            scalar(out, &item.into());
        }),
        Value::Object(object) => {
            if let Some(text) = object.display() {
                scalar(out, &text.into());
            } else if let Some(plain) = object.plain() {
                write_value(out, &plain, scalar, outermost);
            } else {
                if outermost && object.is_pointer() {
                    out.push('&');
                }
                enclosed(out, "{", "}", object.field_names().iter(), |out, name| {
                    write_value(out, &object.field(name).unwrap_or_default(), scalar, false);
                });
            }
        }
        other => scalar(out, other),
    }
}

fn enclosed<T>(
    out: &mut String,
    open: &str,
    close: &str,
    items: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push_str(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        write(out, item);
    }
    out.push_str(close);
}

/// `%v` of a scalar.
fn write_plain(out: &mut String, value: &Value) {
    match value {
        Value::Nil => out.push_str("<nil>"),
        Value::Bool(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Value::Float(value) => out.push_str(&format_float(*value, 'g', None)),
        Value::String(text) => out.push_str(text),
        Value::Duration(nanos) => out.push_str(&crate::time::show_duration(*nanos)),
        Value::Time(time) => out.push_str(&time.to_string()),
        Value::List(_) | Value::Map(_) | Value::Labels(_) | Value::Object(_) => {}
    }
}
