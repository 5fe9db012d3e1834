//! Go's `fmt.Sprintf`.

mod verb; // one value with one verb

use crate::value::Value;
use verb::Directive;

/// The widest field and longest precision; Go's own limit.
const WIDTH_MAX: usize = 1_000_000;

/// `fmt.Sprintf`. Mistakes show in the output, as in Go: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`.
pub(crate) fn sprintf(format: &str, arguments: &[Value]) -> String {
    let mut formatter = Formatter {
        arguments,
        next: 0,
        reordered: false,
        out: String::new(),
    };
    let mut rest = format;
    while let Some(position) = rest.find('%') {
        formatter.out.push_str(&rest[..position]);
        rest = formatter.directive(&rest[position + 1..]);
    }
    formatter.out.push_str(rest);
    formatter.extra();
    formatter.out
}

struct Formatter<'a> {
    arguments: &'a [Value],
    next: usize,
    /// An index such as `%[1]s` was used, so surplus arguments are not reported.
    reordered: bool,
    out: String,
}

impl<'a> Formatter<'a> {
    /// One directive behind its `%`; returns what follows it.
    fn directive<'f>(&mut self, format: &'f str) -> &'f str {
        let mut directive = Directive::default();
        let flags = format
            .find(|letter| !directive.flag(letter))
            .unwrap_or(format.len());
        let mut rest = &format[flags..];
        let mut bad_index = self.index(&mut rest);
        match self.number(&mut rest) {
            Ok(Some(width)) => directive.set_width(width),
            Ok(None) => {}
            Err(()) => self.out.push_str("%!(BADWIDTH)"),
        }
        if let Some(behind) = rest.strip_prefix('.') {
            rest = behind;
            bad_index |= self.index(&mut rest);
            match self.number(&mut rest) {
                Ok(precision) => {
                    directive.precision =
                        Some(usize::try_from(precision.unwrap_or(0)).unwrap_or(0));
                }
                Err(()) => self.out.push_str("%!(BADPREC)"),
            }
        }
        bad_index |= self.index(&mut rest);
        let Some(verb) = rest.chars().next() else {
            self.out.push_str("%!(NOVERB)");
            return rest;
        };
        match self.arguments.get(self.next) {
            _ if verb == '%' => self.out.push('%'),
            _ if bad_index => self.push_mistake(verb, "BADINDEX"),
            None => self.push_mistake(verb, "MISSING"),
            Some(argument) => {
                self.next += 1;
                directive.verb = verb;
                directive.write(&mut self.out, argument);
            }
        }
        &rest[verb.len_utf8()..]
    }

    fn push_mistake(&mut self, verb: char, what: &str) {
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        self.out.push_str(what);
        self.out.push(')');
    }

    /// `[n]`, which chooses the next argument; true when it is wrong.
    fn index(&mut self, rest: &mut &str) -> bool {
        let Some(inner) = rest.strip_prefix('[') else {
            return false;
        };
        self.reordered = true;
        let Some((number, behind)) = inner.split_once(']') else {
            *rest = inner;
            return true;
        };
        *rest = behind;
        match number.parse::<usize>() {
            Ok(number) if (1..=self.arguments.len()).contains(&number) => {
                self.next = number - 1;
                false
            }
            _ => true,
        }
    }

    /// Digits, or `*` for the next argument. `Err` when that argument is no usable number.
    fn number(&mut self, rest: &mut &str) -> Result<Option<i64>, ()> {
        if let Some(behind) = rest.strip_prefix('*') {
            *rest = behind;
            let argument = self.arguments.get(self.next);
            self.next += 1;
            return match argument {
                Some(Value::Int(number)) if number.unsigned_abs() <= WIDTH_MAX as u64 => {
                    Ok(Some(*number))
                }
                _ => Err(()),
            };
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        *rest = behind;
        if digits == 0 {
            return Ok(None);
        }
        number
            .parse::<i64>()
            .ok()
            .filter(|&number| number <= WIDTH_MAX as i64)
            .map(Some)
            .ok_or(())
    }

    fn extra(&mut self) {
        if self.reordered || self.next >= self.arguments.len() {
            return;
        }
        let extra: Vec<String> = self.arguments[self.next..]
            .iter()
            .map(verb::typed)
            .collect();
        self.out.push_str("%!(EXTRA ");
        self.out.push_str(&extra.join(", "));
        self.out.push(')');
    }
}
