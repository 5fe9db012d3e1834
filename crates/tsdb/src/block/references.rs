//! Under which references the head knows the series of a block, so that a query need not build the labels of a series that
//! is in memory anyway, only to find out which one it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stonechat_model::SeriesRef;

use super::BlockError;
use super::cache::Piece;
use super::read::Block;

/// The references of the series of one record of rows.
#[derive(Debug)]
pub(crate) struct References {
    first: u32,
    known: Box<[AtomicU64]>,
}

/// The series was not asked for, or the head does not have it.
const UNKNOWN: u64 = u64::MAX;

impl References {
    /// The reference of a series, if it was noted. Whether it still holds, the head knows.
    pub fn get(&self, ordinal: u32) -> Option<SeriesRef> {
        let known = self.known.get(ordinal.wrapping_sub(self.first) as usize)?;
        let known = known.load(Ordering::Relaxed);
        (known != UNKNOWN).then_some(SeriesRef(known))
    }

    /// Notes the reference of a series.
    pub fn set(&self, ordinal: u32, series: SeriesRef) {
        if let Some(known) = self.known.get(ordinal.wrapping_sub(self.first) as usize) {
            known.store(series.0, Ordering::Relaxed);
        }
    }

    /// True when a series is one of these.
    pub fn has(&self, ordinal: u32) -> bool {
        (ordinal.wrapping_sub(self.first) as usize) < self.known.len()
    }
}

impl Block {
    /// What is noted of a series and its neighbours; kept for as long as the cache has room.
    pub fn references(&self, ordinal: u32) -> Result<Arc<References>, BlockError> {
        let (first, behind, spot) = self.rows_of(ordinal)?;
        let key = (self.number(), spot.offset);
        if let Some(Piece::References(references)) = self.cache.references.get(key) {
            return Ok(references);
        }
        let known = (first..behind).map(|_| AtomicU64::new(UNKNOWN)).collect();
        let references = Arc::new(References { first, known });
        let bytes = references.known.len() * size_of::<AtomicU64>();
        self.cache
            .references
            .insert(key, Piece::References(Arc::clone(&references)), bytes);
        Ok(references)
    }
}
