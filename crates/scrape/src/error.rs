//! Why a scrape failed, in words for the page of targets.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use http::StatusCode;
use stonechat_exposition::FormatError;
use stonechat_model::{AppendError, duration};

use crate::metrics::Outcome;
use crate::page::PageError;

/// Why no page came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no complete answer within {}", duration::format(*.0))]
    Timeout(Duration),
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("the connection was closed in the middle of the answer")]
    Cut,
    #[error("the answer is no HTTP: {0}")]
    Http(String),
    #[error("the server answered with status {0}")]
    Status(StatusCode),
    #[error("the target redirects: {0}")]
    Redirect(String),
    #[error("the answer is larger than the limit of {limit} bytes")]
    BodySize { limit: u64 },
    #[error("the answers of all targets together are larger than the limit of {limit} bytes")]
    Budget { limit: usize },
    #[error("the compressed answer cannot be read: {0}")]
    Encoding(String),
}

impl FetchError {
    pub(crate) fn of_connect(error: &std::io::Error) -> Self {
        Self::Connect(innermost(error))
    }

    pub(crate) fn of_hyper(error: &hyper::Error) -> Self {
        let io = chain(error).find_map(|source| source.downcast_ref::<std::io::Error>());
        let kind = io.map(std::io::Error::kind);
        let cut = matches!(
            kind,
            Some(
                ErrorKind::UnexpectedEof
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
            )
        );
        if cut || error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
            Self::Cut
        } else {
            Self::Http(innermost(error))
        }
    }
}

/// An error and its causes, from the outside in.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of the first cause, which says most.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let Some(cause) = chain(error).last() else {
        return error.to_string();
    };
    let text = cause.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Why a scrape stored nothing but that it failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScrapeError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error(transparent)]
    Page(#[from] PageError),
    #[error("the samples cannot be stored: {0}")]
    Store(#[from] AppendError),
}

impl ScrapeError {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Fetch(error) => match error {
                FetchError::Timeout(_) => Outcome::Timeout,
                FetchError::Connect(_) => Outcome::Connect,
                FetchError::Cut => Outcome::Cut,
                FetchError::Http(_) => Outcome::Http,
                FetchError::Status(_) => Outcome::Status,
                FetchError::Redirect(_) => Outcome::Redirect,
                FetchError::BodySize { .. } => Outcome::BodySize,
                FetchError::Budget { .. } => Outcome::Budget,
                FetchError::Encoding(_) => Outcome::Encoding,
            },
            Self::Format(_) => Outcome::Format,
            Self::Page(_) => Outcome::Page,
            Self::Store(_) => Outcome::Store,
        }
    }
}
