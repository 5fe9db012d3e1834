//! Finished chunks of one series.

use std::ops::{Deref, RangeTo};

use crate::chunk::Chunk;

/// Chunks in order of time, behind one pointer: most series have none, as what is open goes into a block before it is full.
#[derive(Debug, Default)]
#[expect(
    clippy::box_collection,
    reason = "sixteen bytes less in each of a million series"
)]
pub(super) struct Closed(Option<Box<Vec<Chunk>>>);

impl Closed {
    /// Adds a chunk behind the others. Doubling would leave half of the list of every long-lived series unused.
    pub fn push(&mut self, chunk: Chunk) {
        let chunks = self.0.get_or_insert_default();
        if chunks.len() == chunks.capacity() {
            chunks.reserve_exact(1 + chunks.len() / 8);
        }
        chunks.push(chunk);
    }

    /// Adds chunks before the others.
    pub fn prepend(&mut self, older: Self) {
        if let Some(mut older) = older.0 {
            if let Some(own) = &mut self.0 {
                older.append(own);
            }
            self.0 = Some(older);
        }
    }

    /// Drops the oldest chunks, and gives their memory back.
    pub fn forget(&mut self, oldest: RangeTo<usize>) {
        let Some(chunks) = &mut self.0 else {
            return;
        };
        chunks.drain(oldest);
        if chunks.is_empty() {
            self.0 = None;
        } else if chunks.capacity() > chunks.len() * 2 {
            chunks.shrink_to_fit();
        }
    }
}

impl Deref for Closed {
    type Target = [Chunk];

    fn deref(&self) -> &[Chunk] {
        self.0.as_ref().map_or(&[], |chunks| chunks)
    }
}
