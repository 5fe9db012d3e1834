//! Families that real-time backends need, each a small type that registers all of them at once.

mod database;
mod http;
mod messages;
mod queues;
mod websockets;

pub use database::Database;
pub use http::{HttpRequest, HttpServer, UNMATCHED};
pub use messages::{MessageType, Messages, PushStatus, SendGuard};
pub use queues::{Queue, Queues};
pub use websockets::{ConnectionGuard, Direction, WebSockets};

use crate::family::Family;
use crate::metric::Counter;

/// How an operation ended; the values of a label `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it was asked for.
    Ok,
    /// It did not.
    Error,
}

impl Outcome {
    /// The value of the label: `ok` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl<T, E> From<&Result<T, E>> for Outcome {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() {
            Self::Ok
        } else {
            Self::Error
        }
    }
}

/// The two counters behind a label `status`, looked up beforehand.
#[derive(Debug, Clone)]
struct Outcomes {
    ok: Counter,
    error: Counter,
}

impl Outcomes {
    /// Creates both series, so that a rate can be taken from the first error on.
    fn new(family: &Family<Counter, 2>, first_label: &str) -> Self {
        Self {
            ok: family.with([first_label, Outcome::Ok.as_str()]),
            error: family.with([first_label, Outcome::Error.as_str()]),
        }
    }

    fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Ok => self.ok.inc(),
            Outcome::Error => self.error.inc(),
        }
    }
}
