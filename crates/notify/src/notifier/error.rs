//! Why a notifier cannot begin or go on with another configuration.

use std::path::PathBuf;

use crate::channel::IntegrationKey;
use crate::http::ClientError;
use crate::nflog::NflogError;
use crate::silence::SilenceFileError;

/// Why a notifier cannot begin, or cannot take a configuration. Holds nothing secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifyError {
    /// The notification log or the silences cannot be used: check the directory's owner and the space on the disk.
    #[error("{} cannot be used", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer version of the program has written the notification log or the silences: use that one, or move the file
    /// away, after which receivers may be told again what they know.
    #[error("{} has version {version}, which is newer than this program", path.display())]
    NewerLog {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A receiver's certificate, key or proxy cannot be used.
    #[error("the receiver {receiver} cannot be used")]
    Receiver {
        /// Name, kind and number of the receiver.
        receiver: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl NotifyError {
    pub(super) fn client(key: &IntegrationKey, error: ClientError) -> Self {
        Self::Receiver {
            receiver: key.to_string(),
            source: Box::new(error),
        }
    }
}

impl From<NflogError> for NotifyError {
    fn from(error: NflogError) -> Self {
        match error {
            NflogError::Io { path, source } => Self::Log { path, source },
            NflogError::Newer { path, version } => Self::NewerLog {
                path,
                version: version.into(),
            },
        }
    }
}

impl From<SilenceFileError> for NotifyError {
    fn from(error: SilenceFileError) -> Self {
        match error {
            SilenceFileError::Io { path, source } => Self::Log { path, source },
            SilenceFileError::Newer { path, version } => Self::NewerLog { path, version },
        }
    }
}
