//! How many samples a query holds.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::EvalError;

/// Counts the samples that a query holds, against the most that it may.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    max: usize,
}

impl Budget {
    pub const fn new(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            max,
        }
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Sets what is held now.
    pub fn set(&self, used: usize) -> Result<(), EvalError> {
        self.used.store(used, Ordering::Relaxed);
        self.check(0)
    }

    /// Holds some more.
    pub fn charge(&self, more: usize) -> Result<(), EvalError> {
        self.used.fetch_add(more, Ordering::Relaxed);
        self.check(0)
    }

    /// Fails when holding some more for a moment would be too much.
    pub fn check(&self, more: usize) -> Result<(), EvalError> {
        if self.used().saturating_add(more) > self.max {
            return Err(EvalError::TooManySamples);
        }
        Ok(())
    }
}
