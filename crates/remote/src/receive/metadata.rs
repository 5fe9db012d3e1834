//! What families mean: `prometheus.MetricMetadata`.

use stonechat_model::{Metadata, MetricType};

use crate::wire::{Reader, WireError};

/// A family and what it means; none when its texts are no UTF-8.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(&str, Metadata)>, WireError> {
    let (mut kind, mut family) = (MetricType::Unknown, &[][..]);
    let (mut help, mut unit) = (&[][..], &[][..]);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => kind = metric_type(value.unsigned(number)?),
            2 => family = value.bytes(number)?,
            4 => help = value.bytes(number)?,
            5 => unit = value.bytes(number)?,
            _ => {}
        }
    }
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let texts = text(family).zip(text(help)).zip(text(unit));
    let described = texts.filter(|((family, _), _)| !family.is_empty());
    Ok(described.map(|((family, help), unit)| {
        let metadata = Metadata {
            kind,
            help: help.to_owned(),
            unit: unit.to_owned(),
        };
        (family, metadata)
    }))
}

/// The kinds of remote write.
const fn metric_type(number: u64) -> MetricType {
    match number {
        1 => MetricType::Counter,
        2 => MetricType::Gauge,
        3 => MetricType::Histogram,
        4 => MetricType::GaugeHistogram,
        5 => MetricType::Summary,
        6 => MetricType::Info,
        7 => MetricType::StateSet,
        _ => MetricType::Unknown,
    }
}
