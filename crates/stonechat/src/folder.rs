//! The data folder of a server, for commands that work on it while no server does.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use stonechat_tsdb::{OpenError, Store, StoreOptions};

/// What a command does with the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Looks at them. Nothing in the folder is changed, and others may look too.
    Look,
    /// Changes what is there.
    Change,
    /// Brings samples in; the folder is made if there is none.
    Begin,
}

/// Where in a data folder the samples lie.
pub(crate) const STORE_DIR: &str = "tsdb";

/// Opens the samples of a data folder and reads the log back. Nothing in it is too old or too much.
pub(crate) fn open(data: &Path, what: Use) -> Result<Store> {
    let dir = data.join(STORE_DIR);
    if what != Use::Begin && !dir.is_dir() {
        bail!(
            "{} is no data folder of a server: it has no folder {STORE_DIR}; name one with --data",
            data.display()
        );
    }
    let options = StoreOptions {
        read_only: what == Use::Look,
        ..StoreOptions::read_only(&dir)
    };
    Store::open(options).map_err(|error| match error {
        OpenError::Locked(_) => anyhow!(
            "{} is in use: a server owns its data folder; stop it, or work on a snapshot of it",
            data.display()
        ),
        error => anyhow::Error::from(error),
    })
}
