//! File headers and record frames.

use std::io::{self, ErrorKind};

/// First bytes of every file of the log.
const MAGIC: [u8; 8] = *b"STONELOG";

/// The version that this code writes. It reads those before it, too.
const VERSION: u8 = 2;

/// Length of a file header.
pub(crate) const HEADER_BYTES: usize = 24;

/// Beginning of a record. 0xF5 is in no UTF-8 text, so after damage the next record is soon found.
pub(crate) const MARKER: [u8; 2] = [0xF5, b'R'];

/// Bytes of a frame before the payload: marker, kind, length.
pub(crate) const FRAME_FRONT_BYTES: usize = 7;

/// Bytes of a frame behind the payload: the checksum.
pub(crate) const FRAME_BACK_BYTES: usize = 4;

/// The longest payload.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// What a file of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Records as they were acknowledged.
    Segment,
    /// What all segments before it amounted to; no longer written.
    Checkpoint,
    /// Compressed samples of all series of some time, with their index.
    Block,
}

impl FileKind {
    fn byte(self) -> u8 {
        match self {
            Self::Segment => b'L',
            Self::Checkpoint => b'C',
            Self::Block => b'B',
        }
    }
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Labels of series.
    Series,
    /// Samples of one batch.
    Samples,
    /// Compressed samples of one series.
    Chunks,
    /// The end of a checkpoint.
    End,
    /// Labels of series of a segment.
    Table,
    /// Samples of one batch, as changes.
    Batch,
    /// Native histograms of one batch.
    Histograms,
    /// Exemplars.
    Exemplars,
    /// What families mean.
    Metadata,
    /// Values of neighbouring series in a block.
    Page,
    /// Timestamps that series of a block share.
    Grids,
    /// Values of one label in a block, and the series that have them.
    LabelValues,
    /// Labels of neighbouring series in a block.
    Rows,
    /// Where everything stands in a block.
    Directory,
    /// What was deleted from a block.
    Tombstones,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Series,
        Self::Samples,
        Self::Chunks,
        Self::End,
        Self::Table,
        Self::Batch,
        Self::Histograms,
        Self::Exemplars,
        Self::Metadata,
        Self::Page,
        Self::Grids,
        Self::LabelValues,
        Self::Rows,
        Self::Directory,
        Self::Tombstones,
    ];

    fn byte(self) -> u8 {
        match self {
            Self::Series => b'S',
            Self::Samples => b'V',
            Self::Chunks => b'C',
            Self::End => b'E',
            Self::Table => b'T',
            Self::Batch => b'B',
            Self::Histograms => b'H',
            Self::Exemplars => b'X',
            Self::Metadata => b'M',
            Self::Page => b'P',
            Self::Grids => b'G',
            Self::LabelValues => b'N',
            Self::Rows => b'R',
            Self::Directory => b'D',
            Self::Tombstones => b'K',
        }
    }

    pub(super) fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    /// The file is of this version or of one before it.
    Current,
    /// The file is whole and of a later version.
    Foreign(u8),
    /// The header cannot be trusted; records may follow all the same.
    Damaged,
}

/// The header of a file.
pub(crate) fn header(kind: FileKind, number: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8] = VERSION;
    header[9] = kind.byte();
    header[12..20].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&header[..20]);
    header[20..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// Looks at a header.
pub(crate) fn check_header(bytes: &[u8; HEADER_BYTES]) -> Header {
    let checksum = crc32fast::hash(&bytes[..20]).to_le_bytes();
    if bytes[..8] != MAGIC || bytes[20..] != checksum {
        Header::Damaged
    } else if (1..=VERSION).contains(&bytes[8]) {
        Header::Current
    } else {
        Header::Foreign(bytes[8])
    }
}

/// Appends a record whose payload `fill` writes.
///
/// # Errors
/// When the payload is longer than [`PAYLOAD_BYTES_MAX`]; then nothing was appended.
pub(crate) fn put_record(
    bytes: &mut Vec<u8>,
    kind: Kind,
    fill: impl FnOnce(&mut Vec<u8>),
) -> io::Result<()> {
    let start = bytes.len();
    bytes.extend(MARKER);
    bytes.push(kind.byte());
    bytes.extend([0; 4]);
    fill(bytes);
    let length = bytes.len() - start - FRAME_FRONT_BYTES;
    let Some(length) = u32::try_from(length)
        .ok()
        .filter(|_| length <= PAYLOAD_BYTES_MAX)
    else {
        bytes.truncate(start);
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "the record is too long",
        ));
    };
    bytes[start + 3..start + FRAME_FRONT_BYTES].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[start..]);
    bytes.extend(checksum.to_le_bytes());
    Ok(())
}

/// The payload of a whole record of a kind, if `bytes` are one and nothing else.
pub(crate) fn open_record(bytes: &[u8], kind: Kind) -> Option<&[u8]> {
    let (checked, checksum) = bytes.split_last_chunk::<FRAME_BACK_BYTES>()?;
    let (front, payload) = checked.split_first_chunk::<FRAME_FRONT_BYTES>()?;
    let length = u32::from_le_bytes([front[3], front[4], front[5], front[6]]);
    let right = front[..2] == MARKER
        && front[2] == kind.byte()
        && length as usize == payload.len()
        && crc32fast::hash(checked).to_le_bytes() == *checksum;
    right.then_some(payload)
}
