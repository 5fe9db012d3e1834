//! Asking a source: one front for all kinds of databases and services.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::plan::Request;
use crate::rows::Rows;

/// One question to a source.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked.
    pub request: &'a Request,
    /// Values for its parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// How long the answer may take, from now; then it is cancelled, on the server too.
    pub timeout: Duration,
    /// Most rows that are taken; one more is an error.
    pub rows_max: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The server cannot be reached; the next query tries again.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The server refused the query; its own message.
    #[error("{0}")]
    Refused(String),
    /// Cancelled, here and on the server.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The answer was cut off: raise `rows_max`, or aggregate in the query.
    #[error("more than {0} rows")]
    TooManyRows(usize),
    /// A value of a type that cannot be read.
    #[error("column `{column}`: {reason}")]
    Decode {
        /// The column.
        column: String,
        /// What it is.
        reason: String,
    },
    /// The answer is not what was expected, such as text where JSON should be.
    #[error("{0}")]
    Answer(String),
}

/// The future of an answer.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Rows, SourceError>> + Send + 'a>>;

/// An open source. It connects when it is first asked, holds at most as many connections as its
/// [`PoolLimits`](crate::plan::PoolLimits) allow, and heals by itself.
pub trait Ask: Send + Sync {
    /// Asks.
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a>;
}
