//! Certificates from files, read whenever a connection is opened: one that was renewed is taken up without a reload.

use std::path::Path;

use super::SourceError;
use crate::plan::Tls;

/// What the files say, in PEM.
#[derive(Default)]
pub(super) struct Certificates {
    /// Authorities that are trusted in the place of the system's.
    pub(super) authorities: Option<Vec<u8>>,
    /// Who we are: certificate and key.
    pub(super) own: Option<(Vec<u8>, Vec<u8>)>,
}

/// Reads the files.
///
/// # Errors
/// Which file cannot be read, and why.
pub(super) fn certificates(tls: &Tls) -> Result<Certificates, SourceError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| {
            let path = path.display();
            SourceError::Connect(format!("the certificate file {path}: {error}"))
        })
    };
    Ok(Certificates {
        authorities: tls.ca_file.as_deref().map(read).transpose()?,
        own: match &tls.client {
            Some(client) => Some((read(&client.cert_file)?, read(&client.key_file)?)),
            None => None,
        },
    })
}
