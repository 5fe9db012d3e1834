//! Samples from elsewhere, straight into blocks.

use std::io;

use stonechat_model::{Columns, Labels};

use super::select::merge_columns;
use super::{Shared, Store};
use crate::block::{BlockWriter, block_order};

/// Samples that are collected before they become a block: about 128 MiB of memory.
const BLOCK_SAMPLES: usize = 8 << 20;

/// Takes whole series and writes them into blocks, past head and log. Nothing is judged by age or order.
#[derive(Debug)]
pub struct Importer<'a> {
    shared: &'a Shared,
    pending: Vec<(Labels, Columns)>,
    pending_samples: usize,
    imported: Imported,
}

/// What was imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Samples.
    pub samples: u64,
    /// Blocks that were made of them.
    pub blocks: u64,
    /// Bytes of those.
    pub bytes: u64,
}

impl Store {
    /// Begins to import.
    #[must_use]
    pub fn importer(&self) -> Importer<'_> {
        Importer {
            shared: &self.shared,
            pending: Vec::new(),
            pending_samples: 0,
            imported: Imported::default(),
        }
    }
}

impl Importer<'_> {
    /// Adds samples of a series, in any order.
    ///
    /// # Errors
    /// When a block cannot be written.
    pub fn push(&mut self, labels: &Labels, mut columns: Columns) -> io::Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        merge_columns(&mut columns, 0, 0);
        self.pending_samples += columns.len();
        self.pending.push((labels.clone(), columns));
        if self.pending_samples >= BLOCK_SAMPLES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes what is left. Without it, the samples since the last block are not imported.
    ///
    /// # Errors
    /// When the block cannot be written.
    pub fn finish(mut self) -> io::Result<Imported> {
        self.write()?;
        Ok(self.imported)
    }

    fn write(&mut self) -> io::Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        self.pending_samples = 0;
        pending.sort_by(|one, other| block_order(&one.0, &other.0));
        let shared = self.shared;
        let number = shared.blocks.next_number();
        // It may hold years of a few series; when it is merged with others, that is known.
        let span = u64::MAX;
        let dir = shared.blocks.dir();
        let mut writer = BlockWriter::create(&*shared.options.disk, dir, number, span)?;
        for same in pending.chunk_by_mut(|one, next| one.0 == next.0) {
            let (labels, mut columns) = std::mem::take(&mut same[0]);
            for (_, more) in &mut same[1..] {
                columns.timestamps.append(&mut more.timestamps);
                columns.values.append(&mut more.values);
                columns.histograms.append(&mut more.histograms);
            }
            merge_columns(&mut columns, 0, 0);
            if let Err(error) = writer.push(&labels, &columns) {
                writer.abandon();
                return Err(error);
            }
        }
        if let Some(written) = writer.finish(0, &[], 0)? {
            shared
                .blocks
                .install(written.number, &[])
                .map_err(io::Error::other)?;
            self.imported.samples += written.samples;
            self.imported.blocks += 1;
            self.imported.bytes += written.bytes;
        }
        Ok(())
    }
}
