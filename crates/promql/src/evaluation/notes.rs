//! Warnings and infos, each once.

use hashbrown::HashMap;
use parking_lot::Mutex;
use stonechat_model::format_general;

use crate::ast::Span;
use crate::functions::rfc3339;
use crate::value::{Annotation, Severity};

/// The most remarks of one query; what is beyond them is counted.
const NOTES_MAX: usize = 100;

/// Collects remarks from any thread.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Collected>);

#[derive(Debug, Default)]
struct Collected {
    notes: HashMap<(Severity, String), Note>,
    dropped: usize,
}

/// Where a remark belongs, and what is known of how often it was made.
#[derive(Debug, Clone, Copy)]
struct Note {
    span: Span,
    detail: Detail,
}

#[derive(Debug, Clone, Copy)]
enum Detail {
    None,
    Count(usize),
    Raised(Raised),
}

/// Which cumulative buckets had to be raised to be no less than the one before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Raised {
    /// The least and the greatest bound of a bucket that was raised.
    pub buckets: (f64, f64),
    /// The most that a bucket was raised by.
    pub most: f64,
    /// First and last time, in milliseconds.
    pub times: (i64, i64),
    /// How many samples were mended.
    pub samples: usize,
}

impl Raised {
    fn join(self, other: Self) -> Self {
        Self {
            buckets: (
                self.buckets.0.min(other.buckets.0),
                self.buckets.1.max(other.buckets.1),
            ),
            most: self.most.max(other.most),
            times: (
                self.times.0.min(other.times.0),
                self.times.1.max(other.times.1),
            ),
            samples: self.samples + other.samples,
        }
    }
}

impl Notes {
    /// A plain remark. As in Prometheus, the same one on several places is one, on the place of the last.
    pub fn add(&self, severity: Severity, message: String, span: Span) {
        self.insert((severity, message), span, Detail::None);
    }

    /// A remark that says how often it was made, on the place of the first.
    pub fn add_counted(&self, severity: Severity, message: String, span: Span) {
        self.insert((severity, message), span, Detail::Count(1));
    }

    /// A remark on buckets that were raised, on the place of the first.
    pub fn add_raised(&self, message: String, span: Span, raised: Raised) {
        self.insert((Severity::Info, message), span, Detail::Raised(raised));
    }

    fn insert(&self, key: (Severity, String), span: Span, detail: Detail) {
        let mut collected = self.0.lock();
        if let Some(note) = collected.notes.get_mut(&key) {
            match (&mut note.detail, detail) {
                (Detail::Count(count), Detail::Count(more)) => *count += more,
                (Detail::Raised(raised), Detail::Raised(more)) => *raised = raised.join(more),
                _ => note.span = span,
            }
        } else if collected.notes.len() < NOTES_MAX {
            collected.notes.insert(key, Note { span, detail });
        } else {
            collected.dropped += 1;
        }
    }

    /// Warnings and infos, in the order of the text.
    pub fn into_parts(self) -> (Vec<Annotation>, Vec<Annotation>) {
        let Collected { notes, dropped } = self.0.into_inner();
        let mut notes: Vec<Annotation> = notes
            .into_iter()
            .map(|((severity, message), note)| Annotation {
                severity,
                message: message + &note.detail.text(),
                span: note.span,
            })
            .collect();
        notes.sort_by(|a, b| (a.span.start, &a.message).cmp(&(b.span.start, &b.message)));
        if let Some(last) = notes.last().filter(|_| dropped > 0) {
            notes.push(Annotation {
                message: format!("{dropped} more remarks were left out"),
                ..last.clone()
            });
        }
        notes
            .into_iter()
            .partition(|note| note.severity == Severity::Warning)
    }
}

impl Detail {
    fn text(self) -> String {
        match self {
            Self::None | Self::Count(..=1) => String::new(),
            Self::Count(count) => format!(" ({count} occurrences)"),
            Self::Raised(raised) => format!(
                ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
                format_general(raised.buckets.0),
                format_general(raised.buckets.1),
                two_digits(raised.most),
                raised.samples,
                rfc3339(raised.times.0),
                rfc3339(raised.times.1),
            ),
        }
    }
}

/// A float with at most two significant digits, as Go's `%.2g` writes it.
fn two_digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
    let general = format_general(rounded);
    if rounded.abs() < 100.0 || general.contains(['e', 'I', 'N']) {
        return general;
    }
    let scientific = format!("{rounded:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    format!("{digits}e+{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_are_enough() {
        for (value, text) in [
            (0.1234, "0.12"),
            (1.0, "1"),
            (15.4, "15"),
            (150.0, "1.5e+02"),
            (99.9, "1e+02"),
            (0.000_012_34, "1.2e-05"),
        ] {
            assert_eq!(two_digits(value), text);
        }
    }
}
