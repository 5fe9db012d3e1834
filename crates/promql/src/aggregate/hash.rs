//! The hash by which `limit_ratio` decides. It is Prometheus' own (xxHash over its packed label sets), so that the same series are
//! sampled by both.

use stonechat_model::Labels;
use twox_hash::XxHash64;

/// Where a series stands between 0 and 1.
#[expect(
    clippy::cast_precision_loss,
    reason = "a position between 0 and 1 is all that is wanted"
)]
pub(super) fn position(labels: &Labels) -> f64 {
    let mut packed = Vec::with_capacity(labels.heap_bytes() + 8);
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        push_length(&mut packed, text.len());
        packed.extend_from_slice(text.as_bytes());
    }
    XxHash64::oneshot(0, &packed) as f64 / u64::MAX as f64
}

/// One byte for short texts; else 255 and three bytes, the least first.
fn push_length(packed: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < u8::MAX => packed.push(short),
        _ => {
            packed.push(u8::MAX);
            packed.extend_from_slice(&length.to_le_bytes()[..3]);
        }
    }
}
