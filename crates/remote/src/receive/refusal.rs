//! Why a request, or a part of it, is not taken.

use http::StatusCode;

use super::Written;

/// Why a request is not taken, or not as a whole.
///
/// Senders repeat what was answered with a 5xx or with 429, and give up what was answered with another 4xx. So a sample that
/// can never be stored is a 400, and only a store that cannot write just now is a 5xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// How to answer.
    pub status: StatusCode,
    /// What was wrong, for the people who run the sender.
    pub message: String,
    /// What was stored all the same.
    pub written: Written,
    /// For our own count.
    pub(crate) reason: Reason,
}

/// Reasons, as a metric names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Headers that do not announce remote write.
    Protocol,
    /// Not snappy, or not what it announces.
    Compression,
    /// Too many bytes.
    Size,
    /// Not a message.
    Message,
    /// Some samples or series were refused.
    Samples,
    /// The store cannot write.
    Store,
}

impl Reason {
    pub(crate) const ALL: [Self; 6] = [
        Self::Protocol,
        Self::Compression,
        Self::Size,
        Self::Message,
        Self::Samples,
        Self::Store,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Compression => "compression",
            Self::Size => "size",
            Self::Message => "message",
            Self::Samples => "samples",
            Self::Store => "store",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Protocol => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Size => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Compression | Self::Message | Self::Samples => StatusCode::BAD_REQUEST,
            Self::Store => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Refusal {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status: reason.status(),
            message: message.into(),
            written: Written::default(),
            reason,
        }
    }
}
