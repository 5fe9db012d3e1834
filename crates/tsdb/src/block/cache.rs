//! Decoded pieces of blocks, of bounded size.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::index::{LabelChunk, RowChunk};
use super::page::Page;
use super::references::References;

/// Timestamps by their place in a record.
pub(super) type GridChunk = Vec<Box<[i64]>>;

/// A decoded record.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Page(Arc<Page>),
    Grids(Arc<GridChunk>),
    Rows(Arc<RowChunk>),
    Labels(Arc<LabelChunk>),
    References(Arc<References>),
}

/// The block, and the offset of a record.
pub(super) type PieceKey = (u64, u64);

/// Decoded records of blocks. Pages, which are large, do not drive out what says which series there are, and labels do not drive out the
/// references that make it needless to read them.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) pages: Pieces,
    pub(super) index: Pieces,
    pub(super) references: Pieces,
}

impl Cache {
    /// Holds at most about so many bytes of pages, of the index, and of references.
    pub fn new(
        pages_bytes_max: usize,
        index_bytes_max: usize,
        references_bytes_max: usize,
    ) -> Self {
        Self {
            pages: Pieces::new(pages_bytes_max),
            index: Pieces::new(index_bytes_max),
            references: Pieces::new(references_bytes_max),
        }
    }

    /// Drops what nobody has wanted since the last call but one.
    pub fn age(&self) {
        self.pages.age();
        self.index.age();
        self.references.age();
    }
}

/// Keeps what was used last. Pieces live in two generations: when the young one is full, it becomes the old one, and what
/// was in the old one and not used since is dropped.
#[derive(Debug)]
pub(super) struct Pieces {
    bytes_max: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<PieceKey, (Piece, usize)>,
    old: HashMap<PieceKey, (Piece, usize)>,
    young_bytes: usize,
}

impl Pieces {
    fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            generations: Mutex::default(),
        }
    }

    /// The piece, if it is here.
    pub fn get(&self, key: PieceKey) -> Option<Piece> {
        let mut generations = self.generations.lock();
        if let Some((piece, _)) = generations.young.get(&key) {
            return Some(piece.clone());
        }
        let (piece, bytes) = generations.old.remove(&key)?;
        self.put(&mut generations, key, piece.clone(), bytes);
        Some(piece)
    }

    /// Keeps a piece of so many bytes.
    pub fn insert(&self, key: PieceKey, piece: Piece, bytes: usize) {
        self.put(&mut self.generations.lock(), key, piece, bytes);
    }

    fn age(&self) {
        let mut generations = self.generations.lock();
        generations.old = std::mem::take(&mut generations.young);
        generations.young_bytes = 0;
    }

    fn put(&self, generations: &mut Generations, key: PieceKey, piece: Piece, bytes: usize) {
        if generations.young_bytes + bytes > self.bytes_max / 2 {
            generations.old = std::mem::take(&mut generations.young);
            generations.young_bytes = 0;
        }
        generations.young_bytes += bytes;
        // Two may have unpacked it at the same time.
        if let Some((_, before)) = generations.young.insert(key, (piece, bytes)) {
            generations.young_bytes -= before;
        }
    }
}
