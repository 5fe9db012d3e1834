//! Where everything stands in a block.

use std::io;

use crate::bytes::{Cursor, put_text, put_varint, unzigzag, zigzag};
use crate::packing;

/// Last bytes of a block.
pub(super) const TRAILER_MAGIC: [u8; 4] = *b"ENDB";

/// Bytes behind the directory: its offset, its length, the checksum of both, and [`TRAILER_MAGIC`].
pub(super) const TRAILER_BYTES: usize = 20;

/// Longest directory, unpacked.
const DIRECTORY_BYTES_MAX: u64 = 256 << 20;

/// A record of the block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where it begins.
    pub offset: u64,
    /// Its length with its frame.
    pub length: u32,
}

/// A page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PageSpot {
    pub spot: Spot,
    pub ordinal_first: u32,
    pub ordinal_last: u32,
    /// Times of the first and the last sample.
    pub start: i64,
    pub end: i64,
}

/// Values of a label from some value on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LabelSpot {
    pub spot: Spot,
    /// The first value.
    pub value: Box<str>,
    /// Its number.
    pub number: u32,
}

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Directory {
    /// Time of the first sample.
    pub start: i64,
    /// Time of the last sample.
    pub end: i64,
    pub series: u32,
    pub samples: u64,
    /// Segments of the log before this number are in this block or in older ones.
    pub log_until: u64,
    /// How often its samples were merged.
    pub level: u8,
    /// Numbers of the blocks it stands for.
    pub replaces: Vec<u64>,
    pub pages: Vec<PageSpot>,
    /// With the number of the first grid in each.
    pub grids: Vec<(u32, Spot)>,
    /// With the first series in each.
    pub rows: Vec<(u32, Spot)>,
    /// Label names, sorted, with their values.
    pub labels: Vec<(Box<str>, Vec<LabelSpot>)>,
}

fn put_spot(bytes: &mut Vec<u8>, spot: Spot) {
    put_varint(bytes, spot.offset);
    put_varint(bytes, spot.length.into());
}

fn take_spot(cursor: &mut Cursor<'_>) -> Option<Spot> {
    Some(Spot {
        offset: cursor.varint()?,
        length: take_u32(cursor)?,
    })
}

fn take_u32(cursor: &mut Cursor<'_>) -> Option<u32> {
    u32::try_from(cursor.varint()?).ok()
}

impl Directory {
    /// Appends the payload of the directory's record.
    pub fn put(&self, payload: &mut Vec<u8>) -> io::Result<()> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, zigzag(self.start));
        put_varint(&mut bytes, zigzag(self.end));
        put_varint(&mut bytes, self.series.into());
        put_varint(&mut bytes, self.samples);
        put_varint(&mut bytes, self.log_until);
        bytes.push(self.level);
        put_varint(&mut bytes, self.replaces.len() as u64);
        for number in &self.replaces {
            put_varint(&mut bytes, *number);
        }
        put_varint(&mut bytes, self.pages.len() as u64);
        for page in &self.pages {
            put_spot(&mut bytes, page.spot);
            put_varint(&mut bytes, page.ordinal_first.into());
            put_varint(&mut bytes, (page.ordinal_last - page.ordinal_first).into());
            put_varint(&mut bytes, zigzag(page.start.wrapping_sub(self.start)));
            put_varint(&mut bytes, zigzag(self.end.wrapping_sub(page.end)));
        }
        for list in [&self.grids, &self.rows] {
            put_varint(&mut bytes, list.len() as u64);
            for (first, spot) in list {
                put_varint(&mut bytes, (*first).into());
                put_spot(&mut bytes, *spot);
            }
        }
        put_varint(&mut bytes, self.labels.len() as u64);
        for (name, values) in &self.labels {
            put_text(&mut bytes, name);
            put_varint(&mut bytes, values.len() as u64);
            for chunk in values {
                put_spot(&mut bytes, chunk.spot);
                put_text(&mut bytes, &chunk.value);
                put_varint(&mut bytes, chunk.number.into());
            }
        }
        put_varint(payload, bytes.len() as u64);
        payload.extend(packing::compress(&bytes, 3)?);
        Ok(())
    }

    /// Reads the payload of the directory's record.
    pub fn take(payload: &[u8]) -> Option<Self> {
        let mut payload = Cursor(payload);
        let length = payload
            .varint()
            .filter(|&length| length <= DIRECTORY_BYTES_MAX)?;
        let bytes = packing::decompress(payload.0, length)?;
        let mut cursor = Cursor(&bytes);
        let mut directory = Self {
            start: unzigzag(cursor.varint()?),
            end: unzigzag(cursor.varint()?),
            series: take_u32(&mut cursor)?,
            samples: cursor.varint()?,
            log_until: cursor.varint()?,
            level: cursor.byte()?,
            ..Self::default()
        };
        for _ in 0..cursor.varint()? {
            directory.replaces.push(cursor.varint()?);
        }
        for _ in 0..cursor.varint()? {
            let spot = take_spot(&mut cursor)?;
            let ordinal_first = take_u32(&mut cursor)?;
            directory.pages.push(PageSpot {
                spot,
                ordinal_first,
                ordinal_last: ordinal_first.checked_add(take_u32(&mut cursor)?)?,
                start: directory.start.wrapping_add(unzigzag(cursor.varint()?)),
                end: directory.end.wrapping_sub(unzigzag(cursor.varint()?)),
            });
        }
        for list in [&mut directory.grids, &mut directory.rows] {
            for _ in 0..cursor.varint()? {
                list.push((take_u32(&mut cursor)?, take_spot(&mut cursor)?));
            }
        }
        for _ in 0..cursor.varint()? {
            let name = cursor.text()?.into();
            let mut values = Vec::new();
            for _ in 0..cursor.varint()? {
                values.push(LabelSpot {
                    spot: take_spot(&mut cursor)?,
                    value: cursor.text()?.into(),
                    number: take_u32(&mut cursor)?,
                });
            }
            directory.labels.push((name, values));
        }
        cursor.is_empty().then_some(directory)
    }
}

/// The last bytes of a block whose directory has this spot.
pub(super) fn trailer(spot: Spot) -> [u8; TRAILER_BYTES] {
    let mut trailer = [0; TRAILER_BYTES];
    trailer[..8].copy_from_slice(&spot.offset.to_le_bytes());
    trailer[8..12].copy_from_slice(&spot.length.to_le_bytes());
    let checksum = crc32fast::hash(&trailer[..12]);
    trailer[12..16].copy_from_slice(&checksum.to_le_bytes());
    trailer[16..].copy_from_slice(&TRAILER_MAGIC);
    trailer
}

/// Where the directory is, if the trailer is whole.
pub(super) fn read_trailer(trailer: &[u8; TRAILER_BYTES]) -> Option<Spot> {
    let mut cursor = Cursor(trailer);
    let offset = cursor.i64()?.cast_unsigned();
    let lengths: [u8; 4] = cursor.take(4)?.try_into().ok()?;
    let whole = crc32fast::hash(&trailer[..12]).to_le_bytes() == trailer[12..16]
        && trailer[16..] == TRAILER_MAGIC;
    whole.then_some(Spot {
        offset,
        length: u32::from_le_bytes(lengths),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_back() {
        let spot = |offset| Spot { offset, length: 77 };
        let directory = Directory {
            start: -5,
            end: i64::MAX,
            series: 3,
            samples: 99,
            log_until: 12,
            level: 2,
            replaces: vec![4, 5],
            pages: vec![PageSpot {
                spot: spot(24),
                ordinal_first: 0,
                ordinal_last: 2,
                start: -5,
                end: 1 << 40,
            }],
            grids: vec![(0, spot(1 << 40))],
            rows: vec![(0, spot(9)), (2, spot(8))],
            labels: vec![(
                "job".into(),
                vec![LabelSpot {
                    spot: spot(1),
                    value: "gateway".into(),
                    number: 0,
                }],
            )],
        };
        let mut payload = Vec::new();
        directory.put(&mut payload).unwrap();
        assert_eq!(Directory::take(&payload).unwrap(), directory);
        for length in 0..payload.len() {
            assert_eq!(Directory::take(&payload[..length]), None);
        }
        assert_eq!(read_trailer(&trailer(spot(1 << 33))), Some(spot(1 << 33)));
    }
}
