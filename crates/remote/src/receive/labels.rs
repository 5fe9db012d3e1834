//! Labels of a series as they stand in a body: `0x0a`, length, and a message of name and value, again and again.

use stonechat_model::{Labels, LabelsError};

use crate::wire::{Reader, WireError};

/// Why a series is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadSeries {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("a label is not valid UTF-8")]
    Utf8,
    #[error("{0} has no metric name")]
    NoName(Labels),
    #[error(transparent)]
    Labels(#[from] LabelsError),
    #[error("the labels have {0} bytes; at most {LABELS_BYTES_MAX} are allowed")]
    TooLong(usize),
}

/// The most bytes that the labels of one series may have.
pub(super) const LABELS_BYTES_MAX: usize = 1 << 20;

/// The label set that stands in `bytes`.
pub(super) fn read_labels(bytes: &[u8]) -> Result<Labels, BadSeries> {
    if bytes.len() > LABELS_BYTES_MAX {
        return Err(BadSeries::TooLong(bytes.len()));
    }
    let mut pairs = Vec::with_capacity(16);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        let (name, value) = read_label(value.bytes(number)?)?;
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| BadSeries::Utf8);
        pairs.push((text(name)?, text(value)?));
    }
    let labels = Labels::from_pairs(pairs)?;
    match labels.metric_name() {
        "" => Err(BadSeries::NoName(labels)),
        _ => Ok(labels),
    }
}

/// Name and value of one label.
pub(super) fn read_label(label: &[u8]) -> Result<(&[u8], &[u8]), WireError> {
    let (mut name, mut value) = (&[][..], &[][..]);
    let mut reader = Reader::new(label);
    while let Some((number, field)) = reader.field()? {
        match number {
            1 => name = field.bytes(number)?,
            2 => value = field.bytes(number)?,
            _ => {}
        }
    }
    Ok((name, value))
}
