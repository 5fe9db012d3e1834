//! What the head of a request announces, and its body out of the compression.

use http::{HeaderMap, header};

use super::refusal::{Reason, Refusal};

/// A message of remote write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// `prometheus.WriteRequest`, remote write 1.0.
    Version1,
    /// `io.prometheus.write.v2.Request`, remote write 2.0.
    Version2,
}

/// No snappy body grows by more: three bytes at least stand for 64.
const GROWTH_MAX: usize = 22;

/// The message that headers announce. As in Prometheus, what says nothing is version 1 in snappy.
pub(super) fn announced(headers: &HeaderMap) -> Result<Message, Refusal> {
    let refused = |message: String| Err(Refusal::new(Reason::Protocol, message));
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(header::CONTENT_ENCODING).unwrap_or_default() {
        "" | "snappy" => {}
        other => {
            return refused(format!(
                "{other} encoding (compression) is not accepted by this server; only snappy is acceptable"
            ));
        }
    }
    let kind = text(header::CONTENT_TYPE).unwrap_or("application/x-protobuf");
    let mut parts = kind.split(';').map(str::trim);
    if parts.next() != Some("application/x-protobuf") {
        return refused(format!(
            "expected application/x-protobuf as the first (media) part, got {kind:?} content-type"
        ));
    }
    match parts.find_map(|part| part.strip_prefix("proto=")) {
        None | Some("prometheus.WriteRequest") => Ok(Message::Version1),
        Some("io.prometheus.write.v2.Request") => Ok(Message::Version2),
        Some(other) => refused(format!(
            "{other:?} protobuf message is not accepted by this server; accepted are prometheus.WriteRequest and io.prometheus.write.v2.Request"
        )),
    }
}

/// Takes `body` out of its compression into `decoded`, whose memory is used again.
pub(super) fn decompress(
    body: &[u8],
    bytes_max: usize,
    decoded: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let refused = |reason: &str| {
        let message = format!("the body is no snappy block: {reason}");
        Refusal::new(Reason::Compression, message)
    };
    let length = snap::raw::decompress_len(body).map_err(|error| refused(&error.to_string()))?;
    if length > bytes_max {
        let message = format!("the body has {length} bytes; at most {bytes_max} are allowed");
        return Err(Refusal::new(Reason::Size, message));
    }
    // Before memory is taken for it.
    if length > body.len().saturating_mul(GROWTH_MAX) {
        return Err(refused("it announces more than it can hold"));
    }
    decoded.resize(length, 0);
    let written = snap::raw::Decoder::new()
        .decompress(body, decoded)
        .map_err(|error| refused(&error.to_string()))?;
    decoded.truncate(written);
    Ok(())
}
