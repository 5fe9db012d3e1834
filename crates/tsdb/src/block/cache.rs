//! Decoded pieces of blocks, of bounded size.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::index::{LabelChunk, RowChunk};
use super::page::Page;

/// Timestamps by their place in a record.
pub(super) type GridChunk = Vec<Box<[i64]>>;

/// A decoded record.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Page(Arc<Page>),
    Grids(Arc<GridChunk>),
    Rows(Arc<RowChunk>),
    Labels(Arc<LabelChunk>),
}

/// The block and the offset of a record.
pub(super) type PieceKey = (u64, u64);

/// Keeps what was used last. Pieces live in two generations: when the young one is full, it becomes the old one, and what
/// was in the old one and not used since is dropped.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<PieceKey, (Piece, usize)>,
    old: HashMap<PieceKey, (Piece, usize)>,
    young_bytes: usize,
}

impl Cache {
    /// Holds at most about so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            generations: Mutex::default(),
        }
    }

    /// The piece, if it is here.
    pub(super) fn get(&self, key: PieceKey) -> Option<Piece> {
        let mut generations = self.generations.lock();
        if let Some((piece, _)) = generations.young.get(&key) {
            return Some(piece.clone());
        }
        let (piece, bytes) = generations.old.remove(&key)?;
        self.put(&mut generations, key, piece.clone(), bytes);
        Some(piece)
    }

    /// Keeps a piece of so many bytes.
    pub(super) fn insert(&self, key: PieceKey, piece: Piece, bytes: usize) {
        self.put(&mut self.generations.lock(), key, piece, bytes);
    }

    fn put(&self, generations: &mut Generations, key: PieceKey, piece: Piece, bytes: usize) {
        if generations.young_bytes + bytes > self.bytes_max / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        generations.young_bytes += bytes;
        generations.young.insert(key, (piece, bytes));
    }
}
