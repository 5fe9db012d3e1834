//! What was deleted from a block that is still in its file.
//!
//! Beside a block lies a file that names series and times. It is written whole each time something is added.

use std::io;
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;
use stonechat_model::{Columns, TimeRange, Timestamp};

use super::index::{pack, unpack};
use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};
use crate::disk::{Disk, DiskRead};
use crate::log::{FileKind, HEADER_BYTES, Kind, header, open_record, put_record};

/// Ending of the file.
const ENDING: &str = "tombstones";

/// Longest such file.
const BYTES_MAX: u64 = 16 << 20;

/// Series and a time from which nothing is to be shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tombstone {
    pub range: TimeRange,
    pub series: RoaringBitmap,
}

/// Where the tombstones of a block lie.
pub(super) fn tombstones_path(block: &Path) -> PathBuf {
    block.with_extension(ENDING)
}

/// Writes all tombstones of a block.
pub(super) fn write_tombstones(
    disk: &dyn Disk,
    block: &Path,
    number: u64,
    tombstones: &[Tombstone],
) -> io::Result<()> {
    let mut bytes = Vec::new();
    for tombstone in tombstones {
        put_varint(&mut bytes, zigzag(tombstone.range.start.millis()));
        put_varint(&mut bytes, zigzag(tombstone.range.end.millis()));
        put_varint(&mut bytes, tombstone.series.len());
        let mut last = 0;
        for ordinal in &tombstone.series {
            put_varint(&mut bytes, (ordinal - last).into());
            last = ordinal;
        }
    }
    let mut file = header(FileKind::Block, number).to_vec();
    let packed = pack(&bytes)?;
    put_record(&mut file, Kind::Tombstones, |bytes| {
        bytes.extend_from_slice(&packed);
    })?;
    let unfinished = block.with_extension(format!("{ENDING}.{}", super::files::UNFINISHED));
    let written = disk.create(&unfinished).and_then(|out| {
        out.append(&file)?;
        out.sync()
    });
    if let Err(error) = written {
        let _ = disk.remove(&unfinished);
        return Err(error);
    }
    disk.rename(&unfinished, &tombstones_path(block))?;
    block.parent().map_or(Ok(()), |dir| disk.sync_dir(dir))
}

/// Reads the tombstones of a block. `None` when they are damaged.
pub(super) fn read_tombstones(file: &dyn DiskRead) -> io::Result<Option<Vec<Tombstone>>> {
    let length = file.length()?;
    if length < HEADER_BYTES as u64 || length > BYTES_MAX {
        return Ok(None);
    }
    let mut record = vec![0; length as usize - HEADER_BYTES];
    file.read_at(&mut record, HEADER_BYTES as u64)?;
    Ok(open_record(&record, Kind::Tombstones).and_then(|payload| take(&unpack(payload)?)))
}

fn take(bytes: &[u8]) -> Option<Vec<Tombstone>> {
    let (mut cursor, mut tombstones) = (Cursor(bytes), Vec::new());
    while !cursor.is_empty() {
        let start = Timestamp::from_millis(unzigzag(cursor.varint()?));
        let end = Timestamp::from_millis(unzigzag(cursor.varint()?));
        let mut series = RoaringBitmap::new();
        let mut last = 0_u64;
        for _ in 0..cursor.varint()? {
            last = last.checked_add(cursor.varint()?)?;
            series.insert(u32::try_from(last).ok()?);
        }
        tombstones.push(Tombstone {
            range: TimeRange { start, end },
            series,
        });
    }
    Some(tombstones)
}

/// Takes out of `columns`, behind so many floats and histograms, what was deleted of a series.
pub(super) fn bury(
    tombstones: &[Tombstone],
    ordinal: u32,
    columns: &mut Columns,
    (floats, histograms): (usize, usize),
) {
    for tombstone in tombstones
        .iter()
        .filter(|tombstone| tombstone.series.contains(ordinal))
    {
        let gone = |time: i64| tombstone.range.contains(Timestamp::from_millis(time));
        let mut kept = floats;
        for place in floats..columns.timestamps.len() {
            if !gone(columns.timestamps[place]) {
                columns.timestamps[kept] = columns.timestamps[place];
                columns.values[kept] = columns.values[place];
                kept += 1;
            }
        }
        columns.timestamps.truncate(kept);
        columns.values.truncate(kept);
        let mut own = columns.histograms.split_off(histograms);
        own.retain(|(time, _)| !gone(*time));
        columns.histograms.append(&mut own);
    }
}
