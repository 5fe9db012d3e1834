//! One value with one verb.

use super::super::quote::{quote, quote_character};
use super::super::{format_float, show, write_value};
use crate::value::Value;

/// What stands between `%` and the verb, and the verb.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are the five flags of the language"
)]
pub(super) struct Directive {
    pub precision: Option<usize>,
    pub verb: char,
    width: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
}

/// A value with its type, as mistakes show it: `int=1`.
pub(super) fn typed(value: &Value) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        other => format!("{}={}", other.type_name(), show(other)),
    }
}

impl Directive {
    /// Takes a flag; false when the letter is none.
    pub fn flag(&mut self, letter: char) -> bool {
        let flag = match letter {
            '-' => &mut self.minus,
            '+' => &mut self.plus,
            '#' => &mut self.sharp,
            ' ' => &mut self.space,
            '0' => &mut self.zero,
            _ => return false,
        };
        *flag = true;
        true
    }

    /// Sets the width; a negative one, which only `*` can give, aligns to the left.
    pub fn set_width(&mut self, width: i64) {
        self.minus |= width < 0;
        self.width = usize::try_from(width.unsigned_abs()).ok();
    }

    /// Writes a value.
    pub fn write(&self, out: &mut String, value: &Value) {
        match self.verb {
            'T' => self.pad(out, value.type_name()),
            'p' => out.push_str(&self.mistake(value)),
            _ => write_value(out, value, &|out, scalar| self.scalar(out, scalar), true),
        }
    }

    fn scalar(&self, out: &mut String, value: &Value) {
        match value {
            Value::Bool(value) if matches!(self.verb, 't' | 'v') => {
                self.pad(out, &value.to_string());
            }
            Value::Int(value) => self.integer(out, *value),
            Value::Float(value) => self.float(out, *value),
            Value::String(text) => self.text(out, text),
            Value::Duration(nanos) if !matches!(self.verb, 'v' | 's' | 'q') => {
                self.integer(out, *nanos);
            }
            Value::Duration(_) | Value::Time(_) => self.text(out, &show(value)),
            Value::Nil if self.verb == 'v' => self.pad(out, "<nil>"),
            other => out.push_str(&self.mistake(other)),
        }
    }

    fn mistake(&self, value: &Value) -> String {
        format!("%!{}({})", self.verb, typed(value))
    }

    fn text(&self, out: &mut String, text: &str) {
        let cut: String = match self.precision {
            Some(characters) => text.chars().take(characters).collect(),
            None => text.to_owned(),
        };
        match self.verb {
            'v' if self.sharp => self.pad(out, &quote(&cut, false)),
            'v' | 's' => self.pad(out, &cut),
            'q' if self.sharp && !cut.contains(['`', '\n']) => self.pad(out, &format!("`{cut}`")),
            'q' => self.pad(out, &quote(&cut, self.plus)),
            'x' => self.pad(out, &self.hexadecimal(text, false)),
            'X' => self.pad(out, &self.hexadecimal(text, true)),
            _ => out.push_str(&self.mistake(&text.into())),
        }
    }

    /// The bytes of a text; with the flag space they stand apart.
    fn hexadecimal(&self, text: &str, upper: bool) -> String {
        let bytes = &text.as_bytes()[..self.precision.unwrap_or(text.len()).min(text.len())];
        let pairs: Vec<String> = bytes
            .iter()
            .map(|byte| {
                if upper {
                    format!("{byte:02X}")
                } else {
                    format!("{byte:02x}")
                }
            })
            .collect();
        let prefix = match (self.sharp && !pairs.is_empty(), upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let separator = if self.space {
            format!(" {prefix}")
        } else {
            String::new()
        };
        format!("{prefix}{}", pairs.join(&separator))
    }

    fn integer(&self, out: &mut String, value: i64) {
        let magnitude = value.unsigned_abs();
        let (prefix, digits) = match self.verb {
            'v' | 'd' => ("", magnitude.to_string()),
            'b' => ("0b", format!("{magnitude:b}")),
            'o' => ("0", format!("{magnitude:o}")),
            'O' => ("0o", format!("{magnitude:o}")),
            'x' => ("0x", format!("{magnitude:x}")),
            'X' => ("0X", format!("{magnitude:X}")),
            'c' | 'q' | 'U' => return self.code_point(out, value),
            _ => return out.push_str(&self.mistake(&Value::Int(value))),
        };
        let prefix = if self.verb == 'O' || (self.sharp && self.verb != 'v') {
            prefix
        } else {
            ""
        };
        let sign = self.sign(value < 0);
        let mut wanted = self.precision.unwrap_or(1);
        if self.precision == Some(0) && value == 0 {
            return self.pad(out, "");
        }
        if self.zero && !self.minus && self.precision.is_none() {
            wanted = self.width.unwrap_or(0).saturating_sub(sign.len());
        }
        let padded = format!("{sign}{prefix}{digits:0>wanted$}");
        self.pad(out, &padded);
    }

    fn code_point(&self, out: &mut String, value: i64) {
        let character = u32::try_from(value)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or(char::REPLACEMENT_CHARACTER);
        let shown = match self.verb {
            'c' => character.to_string(),
            'q' => quote_character(character, self.plus),
            _ if self.sharp => format!("U+{value:04X} '{character}'"),
            _ => format!("U+{value:04X}"),
        };
        self.pad(out, &shown);
    }

    fn sign(&self, negative: bool) -> &'static str {
        // With `v` the plus asks for names of fields, not for a sign.
        match (negative, self.plus && self.verb != 'v', self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        }
    }

    fn float(&self, out: &mut String, value: f64) {
        let precision = match self.verb {
            'v' | 'g' | 'G' => self.precision,
            'e' | 'E' | 'f' | 'F' => Some(self.precision.unwrap_or(6)),
            _ => return out.push_str(&self.mistake(&Value::Float(value))),
        };
        let verb = if self.verb == 'v' { 'g' } else { self.verb };
        let shown = format_float(value, verb, precision);
        let unsigned = shown.trim_start_matches(['-', '+']);
        // Go writes the sign of +Inf even without being asked to.
        let sign = if value == f64::INFINITY && !self.space {
            "+"
        } else {
            self.sign(shown.starts_with('-'))
        };
        let zero = self.zero && !self.minus && value.is_finite();
        let digits = if zero {
            let wanted = self.width.unwrap_or(0).saturating_sub(sign.len());
            format!("{unsigned:0>wanted$}")
        } else {
            unsigned.to_owned()
        };
        self.pad(out, &format!("{sign}{digits}"));
    }

    /// Fills up to the width, counted in characters.
    fn pad(&self, out: &mut String, text: &str) {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        let fill = if self.zero && !self.minus { '0' } else { ' ' };
        if self.minus {
            out.push_str(text);
            out.extend(std::iter::repeat_n(' ', missing));
        } else {
            out.extend(std::iter::repeat_n(fill, missing));
            out.push_str(text);
        }
    }
}
