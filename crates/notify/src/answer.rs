//! What came of one attempt to send.

use std::time::Duration;

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// For people; holds nothing secret.
    pub(crate) text: String,
}

/// What an answer means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has arrived.
    Delivered,
    /// It will not be taken, however often it is sent.
    Refused,
    /// It may be taken later; not before the wait is over, if the receiver named one.
    Retry(Option<Duration>),
}

impl Answer {
    pub(crate) fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            verdict,
            text: text.into(),
        }
    }
}
