//! Records out of a file, past damage.

use std::io::{self, ErrorKind, Read};

use super::frame::{
    FRAME_BACK_BYTES, FRAME_FRONT_BYTES, HEADER_BYTES, Header, Kind, MARKER, PAYLOAD_BYTES_MAX,
    check_header,
};

/// What stands next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A record with a right checksum.
    Record {
        /// Where it begins.
        offset: u64,
        /// What it holds.
        kind: Kind,
        /// Its payload.
        payload: &'a [u8],
    },
    /// Bytes that are no record.
    Damage {
        /// Where they begin.
        offset: u64,
        /// How many they are.
        bytes: u64,
        /// True when nothing follows them.
        at_end: bool,
    },
}

/// A whole record at the front of the window.
struct Frame {
    kind: Kind,
    payload_bytes: usize,
}

/// Reads a file record by record in a window of memory that is never larger than two records.
pub(crate) struct RecordReader {
    source: Box<dyn Read>,
    window: Vec<u8>,
    /// How far the window is used up.
    used: usize,
    /// Offset in the file of the window's first byte.
    offset: u64,
    /// The source has no more bytes.
    ended: bool,
    /// Why it ended early.
    failure: Option<io::Error>,
    header: Header,
}

impl RecordReader {
    const READ_BYTES: usize = 256 << 10;

    /// Looks at the header of a file.
    pub fn new(source: Box<dyn Read>) -> Self {
        let mut reader = Self {
            source,
            window: Vec::new(),
            used: 0,
            offset: 0,
            ended: false,
            failure: None,
            header: Header::Damaged,
        };
        if reader.fill(HEADER_BYTES)
            && let Some(header) = reader.window.first_chunk()
        {
            reader.header = check_header(header);
        }
        if reader.header == Header::Current {
            reader.used = HEADER_BYTES;
        }
        reader
    }

    /// What the header says.
    pub fn header(&self) -> Header {
        self.header
    }

    /// Why the file could not be read to its end. What could not be read counts as cut off.
    pub fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// The next record or damage; nothing at the end.
    pub fn next(&mut self) -> Option<Item<'_>> {
        if !self.fill(1) {
            return None;
        }
        let Some(frame) = self.frame() else {
            return Some(self.skip_damage());
        };
        let offset = self.position();
        let from = self.used + FRAME_FRONT_BYTES;
        let to = from + frame.payload_bytes;
        self.used = to + FRAME_BACK_BYTES;
        Some(Item::Record {
            offset,
            kind: frame.kind,
            payload: &self.window[from..to],
        })
    }

    /// Offset of what stands next.
    pub fn position(&self) -> u64 {
        self.offset + self.used as u64
    }

    /// The record that begins here, if a whole one does.
    fn frame(&mut self) -> Option<Frame> {
        if !self.fill(FRAME_FRONT_BYTES) {
            return None;
        }
        let front = &self.window[self.used..];
        if front[..2] != MARKER {
            return None;
        }
        let kind = Kind::of(front[2])?;
        let length = u32::from_le_bytes([front[3], front[4], front[5], front[6]]);
        let payload_bytes = usize::try_from(length)
            .ok()
            .filter(|&length| length <= PAYLOAD_BYTES_MAX)?;
        let checked = FRAME_FRONT_BYTES + payload_bytes;
        if !self.fill(checked + FRAME_BACK_BYTES) {
            return None;
        }
        let (record, rest) = self.window[self.used..].split_at(checked);
        let right = rest.starts_with(&crc32fast::hash(record).to_le_bytes());
        right.then_some(Frame {
            kind,
            payload_bytes,
        })
    }

    /// Goes to the next whole record, or to the end.
    fn skip_damage(&mut self) -> Item<'static> {
        let offset = self.position();
        let mut found = false;
        while !found && self.fill(1) {
            self.used += 1;
            found = self.seek_marker() && self.frame().is_some();
        }
        Item::Damage {
            offset,
            bytes: self.position() - offset,
            at_end: !found,
        }
    }

    /// Goes to the next byte with which a record could begin.
    fn seek_marker(&mut self) -> bool {
        while self.fill(1) {
            let rest = &self.window[self.used..];
            match rest.iter().position(|byte| *byte == MARKER[0]) {
                Some(place) => {
                    self.used += place;
                    return true;
                }
                None => self.used = self.window.len(),
            }
        }
        false
    }

    /// Loads the window until `count` unused bytes are in it; false when the file has fewer.
    fn fill(&mut self, count: usize) -> bool {
        while self.window.len() - self.used < count {
            if self.ended {
                return false;
            }
            self.offset += self.used as u64;
            self.window.drain(..self.used);
            self.used = 0;
            let filled = self.window.len();
            self.window.resize(filled + Self::READ_BYTES, 0);
            let read = match self.source.read(&mut self.window[filled..]) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    self.window.truncate(filled);
                    continue;
                }
                Err(error) => {
                    self.failure = Some(error);
                    0
                }
            };
            self.window.truncate(filled + read);
            self.ended = read == 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::{FileKind, header, put_record};
    use super::*;

    /// Returns one byte or many, as real reads do.
    struct Drops(Vec<u8>, usize);

    impl Read for Drops {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    fn file(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = header(FileKind::Segment, 1).to_vec();
        for payload in payloads {
            put_record(&mut bytes, Kind::Samples, |bytes| bytes.extend(*payload)).unwrap();
        }
        bytes
    }

    /// Offset, length, and whether nothing follows.
    type Damages = Vec<(u64, u64, bool)>;

    /// Payloads and damage.
    fn read(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, Damages) {
        let mut reader = RecordReader::new(Box::new(Drops(bytes.to_vec(), step)));
        let (mut payloads, mut damage) = (Vec::new(), Vec::new());
        while let Some(item) = reader.next() {
            match item {
                Item::Record { payload, .. } => payloads.push(payload.to_vec()),
                Item::Damage {
                    offset,
                    bytes,
                    at_end,
                } => damage.push((offset, bytes, at_end)),
            }
        }
        (payloads, damage)
    }

    const PAYLOADS: [&[u8]; 4] = [b"one", b"", b"\xF5R\xF5", b"four"];

    #[test]
    fn whole_files_are_read_whole() {
        for step in [1, 2, 7, 1000] {
            assert_eq!(
                read(&file(&PAYLOADS), step),
                (PAYLOADS.map(<[u8]>::to_vec).to_vec(), vec![])
            );
        }
    }

    #[test]
    fn a_cut_at_any_byte_loses_only_the_cut_record() {
        let bytes = file(&PAYLOADS);
        let ends: Vec<usize> = (0..=PAYLOADS.len())
            .map(|count| file(&PAYLOADS[..count]).len())
            .collect();
        for length in 0..bytes.len() {
            let whole = ends
                .iter()
                .filter(|&&end| end <= length)
                .count()
                .saturating_sub(1);
            let (payloads, damage) = read(&bytes[..length], 1000);
            assert_eq!(payloads, PAYLOADS[..whole], "{length}");
            let torn = !ends.contains(&length) && length > 0;
            assert_eq!(damage.len(), usize::from(torn), "{length}");
            assert!(damage.iter().all(|(_, _, at_end)| *at_end));
        }
    }

    #[test]
    fn a_changed_byte_loses_only_its_record() {
        let bytes = file(&PAYLOADS);
        for place in HEADER_BYTES..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            let (payloads, damage) = read(&changed, 1000);
            assert_eq!(payloads.len(), PAYLOADS.len() - 1, "{place}");
            assert_eq!(damage.len(), 1, "{place}");
        }
    }

    #[test]
    fn a_damaged_header_costs_no_record() {
        let mut bytes = file(&PAYLOADS);
        bytes[3] = b'x';
        let (payloads, damage) = read(&bytes, 1000);
        assert_eq!(payloads.len(), PAYLOADS.len());
        assert_eq!(damage, [(0, HEADER_BYTES as u64, false)]);
    }

    #[test]
    fn zeros_at_the_end_are_damage_at_the_end() {
        let mut bytes = file(&PAYLOADS);
        let end = bytes.len() as u64;
        bytes.resize(bytes.len() + 4096, 0);
        assert_eq!(read(&bytes, 1000).1, [(end, 4096, true)]);
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let (payloads, damage) = read(&bytes, 100);
            prop_assert!(payloads.is_empty());
            prop_assert_eq!(damage.iter().map(|(_, bytes, _)| bytes).sum::<u64>(), bytes.len() as u64);
        }
    }
}
