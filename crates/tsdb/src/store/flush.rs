//! The head into a block.
//!
//! 1. Under the writer's lock the segment of the log ends and what is in the head is sealed. So each sealed sample stands
//!    in a segment before number *N*, and every later one in *N* or behind.
//! 2. The sealed samples are written into a block that says so, while batches go on.
//! 3. The block is shown to queries, the sealed samples are dropped from the head, and the segments before *N* are removed.
//!
//! A crash before the block has its name leaves the log; one after it leaves segments that the next start removes.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use roaring::RoaringBitmap;
use stonechat_model::{Columns, SeriesRef, Timestamp};

use super::maintain::Maintenance;
use super::select::merge_columns;
use super::{LOG_DIR, Shared};
use crate::block::{BlockWriter, block_order, span_millis};
use crate::head::{Series, slot_of};
use crate::log::Segments;

impl Shared {
    /// Writes what is in the head into a block. The caller holds the maintenance, so no series is removed meanwhile.
    pub(super) fn write_head(&self, maintenance: &mut Maintenance) -> io::Result<()> {
        let begun = Instant::now();
        let written = self.try_write_head(maintenance);
        let mut report = self.report.lock();
        report.flush_last = begun.elapsed();
        match written {
            Ok(()) => {
                report.flushes += 1;
                self.trouble.flushed(None);
                maintenance.flush_wanted = false;
                maintenance.damaged.clear();
                Ok(())
            }
            Err(error) if self.is_closed() => Err(error),
            Err(error) => {
                report.flush_failures += 1;
                self.trouble.flushed(Some(&error));
                tracing::error!(%error, "the head could not be written into a block; it stays in memory and in the log");
                Err(error)
            }
        }
    }

    fn try_write_head(&self, maintenance: &mut Maintenance) -> io::Result<()> {
        let (until, bytes, segments, samples) = {
            let mut writer = self.writer.lock();
            let until = writer.end_segment();
            let registry = self.head.registry();
            registry.iter_series().for_each(|series| series.seal());
            let log = writer.log();
            (
                until,
                log.bytes(),
                log.segments(),
                self.gauges.head_samples(),
            )
        };
        let sealed = self.in_block_order(maintenance);
        let number = self.blocks.next_number();
        let starts = sealed.iter().filter_map(|(_, series)| series.start());
        let oldest = starts.min().map(Timestamp::from_millis);
        let millis = self
            .gauges
            .newest()
            .zip(oldest)
            .map(|(newest, oldest)| newest.since(oldest));
        let millis = millis.map_or(0, |millis| millis.as_millis() as u64);
        let span = span_millis(millis, samples, sealed.len() as u64);
        let dir = self.blocks.dir();
        let mut block = BlockWriter::create(&*self.options.disk, dir, number, span)?;
        let mut columns = Columns::default();
        for (_, series) in &sealed {
            // Who closes the store should not wait until gigabytes are written.
            let pushed = if self.is_closed() {
                Err(io::ErrorKind::Interrupted.into())
            } else {
                columns.clear();
                let read = series.read_sealed(&mut columns).map_err(io::Error::other);
                merge_columns(&mut columns, 0, 0);
                read.and_then(|()| block.push(series.labels(), &columns))
            };
            if let Err(error) = pushed {
                block.abandon();
                return Err(error);
            }
        }
        if let Some(written) = block.finish(until, &[], 0)? {
            self.blocks
                .install(written.number, &[])
                .map_err(io::Error::other)?;
            self.report.lock().blocks_written_bytes += written.bytes;
        }
        self.write_beside()?;
        for (_, series) in &sealed {
            series.drop_sealed();
        }
        {
            let mut writer = self.writer.lock();
            writer.log().forget(bytes, segments);
            self.gauges.set(&mut writer);
            self.gauges.forget_samples(samples);
        }
        // From here on the block counts, whatever becomes of the files it stands for.
        let dir = self.options.dir.join(LOG_DIR);
        match Segments::find(&*self.options.disk, &dir, until) {
            Ok(files) => files.remove_obsolete(&*self.options.disk, &dir, &maintenance.damaged),
            Err(error) => tracing::warn!(%error, "old segments of the log stay for now"),
        }
        Ok(())
    }

    /// All series in the order of a block. The order is kept from one time to the next, because sorting what is nearly
    /// sorted is cheap, and comparing label sets is not.
    fn in_block_order(&self, maintenance: &mut Maintenance) -> Vec<(SeriesRef, Arc<Series>)> {
        let mut ordered = Vec::new();
        {
            let registry = self.head.registry();
            ordered.reserve(registry.len());
            let known = maintenance.order.iter();
            ordered.extend(
                known.filter_map(|&reference| {
                    Some((reference, Arc::clone(registry.get(reference)?)))
                }),
            );
            let known = ordered.iter().map(|(reference, _)| slot_of(*reference));
            let known: RoaringBitmap = known.collect();
            let others = registry.iter();
            ordered.extend(others.filter(|(reference, _)| !known.contains(slot_of(*reference))));
        }
        ordered.sort_by(|one, other| block_order(one.1.labels(), other.1.labels()));
        maintenance.order.clear();
        maintenance
            .order
            .extend(ordered.iter().map(|(reference, _)| *reference));
        ordered
    }
}
