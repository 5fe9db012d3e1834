//! Warnings and infos, each once.

use hashbrown::HashSet;
use parking_lot::Mutex;

use crate::value::{Annotation, Severity};

/// The most remarks of one query; what is beyond them is counted.
const NOTES_MAX: usize = 100;

/// Collects remarks from any thread.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Collected>);

#[derive(Debug, Default)]
struct Collected {
    notes: HashSet<Annotation>,
    dropped: usize,
}

impl Notes {
    pub fn add(&self, note: Annotation) {
        let mut collected = self.0.lock();
        if collected.notes.len() < NOTES_MAX {
            collected.notes.insert(note);
        } else if !collected.notes.contains(&note) {
            collected.dropped += 1;
        }
    }

    /// Warnings and infos, in the order of the text.
    pub fn into_parts(self) -> (Vec<Annotation>, Vec<Annotation>) {
        let collected = self.0.into_inner();
        let mut notes: Vec<Annotation> = collected.notes.into_iter().collect();
        notes.sort_by(|a, b| (a.span.start, &a.message).cmp(&(b.span.start, &b.message)));
        if let Some(last) = notes.last().filter(|_| collected.dropped > 0) {
            notes.push(Annotation {
                message: format!("{} more remarks were left out", collected.dropped),
                ..last.clone()
            });
        }
        notes
            .into_iter()
            .partition(|note| note.severity == Severity::Warning)
    }
}
