//! A file layer that changes nothing.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use super::{Disk, DiskFile, DiskLock, DiskRead};

/// Another file layer, of which only reading is left. What would only tidy up (removing, renaming and cutting files, making
/// directories) does nothing and succeeds, so that a store opens over whatever lies there; what would bring something in fails.
#[derive(Debug, Clone)]
pub struct ReadOnly(pub Arc<dyn Disk>);

impl Disk for ReadOnly {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<DiskLock> {
        self.0.lock_shared(path)
    }

    fn lock_shared(&self, path: &Path) -> io::Result<DiskLock> {
        self.0.lock_shared(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<(String, u64)>> {
        match self.0.list(dir) {
            // It was not made, see above.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed,
        }
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        self.0.open(path)
    }

    fn open_at(&self, path: &Path) -> io::Result<Arc<dyn DiskRead>> {
        self.0.open_at(path)
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn cut(&self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn link(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
