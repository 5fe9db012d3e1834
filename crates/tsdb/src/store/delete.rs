//! Samples that are deleted before their time.

use std::io;

use stonechat_model::{Matcher, TimeRange};

use super::Shared;

impl Shared {
    /// See [`Store::delete`](super::Store::delete).
    pub(super) fn delete(
        &self,
        matcher_sets: &[Vec<Matcher>],
        range: TimeRange,
    ) -> io::Result<u64> {
        self.recovery.wait();
        let mut maintenance = self.maintenance.lock();
        if self.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        // What is in memory is deleted as what is on disk is.
        self.write_head(&mut maintenance)?;
        let mut deleted = 0;
        for block in self
            .blocks
            .current()
            .iter()
            .filter(|block| block.overlaps(range))
        {
            let series = block.resolve_any(matcher_sets).map_err(io::Error::other)?;
            if !series.is_empty() {
                deleted += series.len();
                block.delete(series, range)?;
            }
        }
        Ok(deleted)
    }

    /// See [`Store::clean_tombstones`](super::Store::clean_tombstones).
    pub(super) fn clean_tombstones(&self) -> io::Result<()> {
        self.recovery.wait();
        let _maintenance = self.maintenance.lock();
        if self.is_closed() {
            return Err(io::Error::other("the store is closed"));
        }
        for block in self
            .blocks
            .current()
            .iter()
            .filter(|block| block.has_tombstones())
        {
            self.merge(std::slice::from_ref(block), block.level())?;
        }
        Ok(())
    }
}
