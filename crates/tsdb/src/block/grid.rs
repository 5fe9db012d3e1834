//! Timestamps that series share.
//!
//! What a target exposes is scraped at once, so nearly all of its series have the same timestamps. They are kept once
//! for all of them, as the changes of their distances.

use hashbrown::HashMap;

use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};

/// The most timestamps of one grid.
const TIMESTAMPS_MAX: u64 = 1 << 20;

/// Gives every sequence of timestamps a number, equal ones the same.
#[derive(Debug, Default)]
pub(super) struct GridWriter {
    known: HashMap<Box<[u8]>, u32>,
    scratch: Vec<u8>,
    /// Grids that are not written yet.
    pub pending: Vec<u8>,
    /// The first of them.
    pub pending_first: u32,
}

impl GridWriter {
    /// The number of these timestamps.
    pub fn number(&mut self, timestamps: &[i64]) -> u32 {
        self.scratch.clear();
        put_grid(&mut self.scratch, timestamps);
        if let Some(&number) = self.known.get(self.scratch.as_slice()) {
            return number;
        }
        // A block has at most as many grids as parts of series, which are counted in 32 bits.
        let number = self.known.len() as u32;
        self.known.insert(self.scratch.as_slice().into(), number);
        self.pending.extend_from_slice(&self.scratch);
        number
    }

    /// Numbers given so far.
    pub fn count(&self) -> u32 {
        self.known.len() as u32
    }
}

/// Appends a grid: number of timestamps, the first, the first distance, and changes of the distance.
fn put_grid(bytes: &mut Vec<u8>, timestamps: &[i64]) {
    put_varint(bytes, timestamps.len() as u64);
    let (mut last, mut distance) = (0_i64, 0_i64);
    for (place, &timestamp) in timestamps.iter().enumerate() {
        let own = timestamp.wrapping_sub(last);
        put_varint(bytes, zigzag(own.wrapping_sub(distance)));
        // The distance of the first to the epoch says nothing of the next.
        distance = if place == 0 { 0 } else { own };
        last = timestamp;
    }
}

/// Takes all grids.
pub(super) fn take_grids(bytes: &[u8]) -> Option<Vec<Box<[i64]>>> {
    let mut cursor = Cursor(bytes);
    let mut grids = Vec::new();
    while !cursor.is_empty() {
        // Every timestamp takes a byte at least.
        let count = cursor.varint()?;
        if count > TIMESTAMPS_MAX || count > cursor.0.len() as u64 {
            return None;
        }
        let (mut last, mut distance) = (0_i64, 0_i64);
        let mut timestamps = Vec::with_capacity(count as usize);
        for place in 0..count {
            let own = distance.wrapping_add(unzigzag(cursor.varint()?));
            last = last.wrapping_add(own);
            distance = if place == 0 { 0 } else { own };
            timestamps.push(last);
        }
        grids.push(timestamps.into());
    }
    Some(grids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn grids_come_back(grids in proptest::collection::vec(proptest::collection::vec(any::<i64>(), 0..20), 0..8)) {
            let mut writer = GridWriter::default();
            let numbers: Vec<u32> = grids.iter().map(|grid| writer.number(grid)).collect();
            let read = take_grids(&writer.pending).unwrap();
            prop_assert_eq!(read.len(), writer.count() as usize);
            for (grid, number) in grids.iter().zip(numbers) {
                prop_assert_eq!(&*read[number as usize], grid.as_slice());
            }
        }

        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = take_grids(&bytes);
        }
    }
}
