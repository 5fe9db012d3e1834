//! Why samples cannot be written, while that is so.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// The last failures. Each is forgotten when the same succeeds.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// False when there is none, so that a batch that is taken costs no lock.
    any: AtomicBool,
    reasons: Mutex<Reasons>,
}

#[derive(Debug, Default)]
struct Reasons {
    append: Option<String>,
    flush: Option<String>,
}

impl Trouble {
    /// A batch was taken, or could not be.
    pub fn appended(&self, error: Option<&(impl Error + 'static)>) {
        self.note(error.map(|error| whole(error)), |reasons| {
            &mut reasons.append
        });
    }

    /// The head was written into a block, or could not be.
    pub fn flushed(&self, error: Option<&std::io::Error>) {
        self.note(error.map(|error| whole(error)), |reasons| {
            &mut reasons.flush
        });
    }

    fn note(
        &self,
        reason: Option<String>,
        place: impl FnOnce(&mut Reasons) -> &mut Option<String>,
    ) {
        if reason.is_none() && !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut reasons = self.reasons.lock();
        *place(&mut reasons) = reason;
        let any = reasons.append.is_some() || reasons.flush.is_some();
        self.any.store(any, Ordering::Relaxed);
    }

    /// What is wrong, if anything is.
    pub fn reason(&self) -> Option<String> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let reasons = self.reasons.lock();
        let append = reasons.append.as_ref();
        let append = append.map(|reason| format!("samples are refused: {reason}"));
        let flush = reasons.flush.as_ref();
        append.or_else(|| {
            flush.map(|reason| format!("samples stay in memory and in the log: {reason}"))
        })
    }
}

/// An error with its causes.
fn whole(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
