//! A copy of everything.

use std::io;
use std::path::Path;

use super::{BLOCKS_DIR, Shared};

impl Shared {
    /// See [`Store::snapshot`](super::Store::snapshot).
    pub(super) fn snapshot(&self, dir: &Path) -> io::Result<()> {
        self.recovery.wait();
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        self.write_head(&mut maintenance)?;
        let disk = &*self.options.disk;
        let blocks = dir.join(BLOCKS_DIR);
        disk.create_dir(&blocks)?;
        if !disk.list(&blocks)?.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the directory has blocks already",
            ));
        }
        for block in self.blocks.current().iter() {
            if let Some(name) = block.path().file_name() {
                disk.link(block.path(), &blocks.join(name))?;
            }
            if block.has_tombstones()
                && let Some(name) = block.tombstones_path().file_name()
            {
                disk.link(&block.tombstones_path(), &blocks.join(name))?;
            }
        }
        disk.sync_dir(&blocks)?;
        disk.sync_dir(dir)
    }
}
