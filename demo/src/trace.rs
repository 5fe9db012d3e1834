//! Which request of a user the current task works on, through all services: the trace of exemplars.
//!
//! A request without the header `traceparent` (W3C Trace Context) begins a trace, a call to another
//! service hands it on. It is kept where OpenTelemetry keeps it, so that a service with spans of its
//! own would have the same exemplars. There are none here: a slow bucket of a histogram leads to the
//! request.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, get_active_span,
};
use stonechat_metrics::{RegisterError, Registry, opentelemetry_trace_id};

use crate::secret::random_bytes;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A registry whose histograms keep the trace of an observation as the example of its bucket.
pub(crate) fn registry() -> Result<Registry, RegisterError> {
    Registry::builder()
        .trace_ids(opentelemetry_trace_id)
        .build()
}

/// Middleware: lets a request be worked on in its trace. It stands outside of the layer that
/// measures, so that what is measured belongs to the trace.
pub(crate) async fn follow(request: Request, next: Next) -> Response {
    let parent = read(request.headers()).or_else(begin);
    within(parent, next.run(request)).await
}

/// Works in a trace of its own, as for a message that comes over a WebSocket.
pub(crate) async fn begun<T>(work: impl Future<Output = T>) -> T {
    within(begin(), work).await
}

async fn within<T>(parent: Option<SpanContext>, work: impl Future<Output = T>) -> T {
    match parent {
        Some(parent) => {
            let context = Context::current().with_remote_span_context(parent);
            work.with_context(context).await
        }
        None => work.await,
    }
}

/// A new trace; none if the system has no random numbers, because a request is worth more.
fn begin() -> Option<SpanContext> {
    let trace = TraceId::from_bytes(random_bytes().ok()?);
    Some(span(
        trace,
        SpanId::from_bytes(random_bytes().ok()?),
        TraceFlags::SAMPLED,
    ))
}

fn span(trace: TraceId, part: SpanId, flags: TraceFlags) -> SpanContext {
    SpanContext::new(trace, part, flags, true, TraceState::default())
}

/// The trace that is worked on.
fn current() -> Option<SpanContext> {
    let span = get_active_span(|span| span.span_context().clone());
    (span.trace_id() != TraceId::INVALID).then_some(span)
}

/// Writes the current trace into the headers of a call, with any number for the part of the caller.
pub(crate) fn hand_on(headers: &mut HeaderMap) {
    if let Some(span) = current() {
        let part = random_bytes().map_or(span.span_id(), SpanId::from_bytes);
        let flags = span.trace_flags().to_u8();
        let value = format!("00-{}-{part}-{flags:02x}", span.trace_id());
        let value = HeaderValue::from_str(&value);
        headers.insert(TRACEPARENT, value.expect("digits and dashes are a header"));
    }
}

/// The trace of the header `traceparent`: version, trace, part and flags, with dashes in between.
fn read(headers: &HeaderMap) -> Option<SpanContext> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = value.split('-');
    let mut next = |length: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && part.len() == length).then_some(part)
    };
    let version = next(2)?;
    let trace = TraceId::from_hex(next(32)?).ok()?;
    let part = SpanId::from_hex(next(16)?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(next(2)?, 16).ok()?);
    let span = span(trace, part, flags);
    (version != "ff" && span.is_valid()).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_trace_is_read_from_its_header() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let span = read(&headers(good)).unwrap();
        assert_eq!(span.trace_id().to_string(), good[3..35]);
        assert!(span.is_sampled());
        let unsampled = read(&headers(&good.replace("b7-01", "b7-00"))).unwrap();
        assert!(
            !unsampled.is_sampled(),
            "nobody keeps it, so it is no example"
        );
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(&headers(bad)), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_trace_is_handed_on_as_it_is() {
        let mut outside = HeaderMap::new();
        hand_on(&mut outside);
        assert!(outside.is_empty(), "there is none");
        begun(async {
            let mut headers = HeaderMap::new();
            hand_on(&mut headers);
            let (read, current) = (read(&headers).unwrap(), current().unwrap());
            assert_eq!(read.trace_id(), current.trace_id());
            assert_ne!(read.span_id(), current.span_id());
        })
        .await;
    }
}
