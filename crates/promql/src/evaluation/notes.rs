//! Warnings and infos, each once.

use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::ast::Span;
use crate::value::{Annotation, Severity};

/// The most remarks of one query; what is beyond them is counted.
const NOTES_MAX: usize = 100;

/// Collects remarks from any thread.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Collected>);

#[derive(Debug, Default)]
struct Collected {
    /// As in Prometheus, the same remark on several places is one, on the place of the last.
    notes: HashMap<(Severity, String), Span>,
    dropped: usize,
}

impl Notes {
    pub fn add(&self, severity: Severity, message: String, span: Span) {
        let mut collected = self.0.lock();
        let full = collected.notes.len() >= NOTES_MAX;
        let note = (severity, message);
        if full && !collected.notes.contains_key(&note) {
            collected.dropped += 1;
        } else {
            collected.notes.insert(note, span);
        }
    }

    /// Warnings and infos, in the order of the text.
    pub fn into_parts(self) -> (Vec<Annotation>, Vec<Annotation>) {
        let Collected { notes, dropped } = self.0.into_inner();
        let mut notes: Vec<Annotation> = notes
            .into_iter()
            .map(|((severity, message), span)| Annotation {
                severity,
                message,
                span,
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
