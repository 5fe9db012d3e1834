//! Which request of a user the current task works on, through all services: the trace of exemplars.
//!
//! A request without the header `traceparent` (W3C Trace Context) begins a trace, a call to another
//! service hands it on. There are no spans: a slow bucket of a histogram leads to the request.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use stonechat_metrics::{RegisterError, Registry, TraceId};

use crate::secret::random_bytes;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    static CURRENT: TraceId;
}

/// The trace that the current task works on.
pub(crate) fn current() -> Option<TraceId> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// A registry whose histograms keep the trace of an observation as the example of its bucket.
pub(crate) fn registry() -> Result<Registry, RegisterError> {
    Registry::builder().trace_ids(current).build()
}

/// Middleware: lets a request be worked on in its trace. It stands outside of the layer that
/// measures, so that what is measured belongs to the trace.
pub(crate) async fn follow(request: Request, next: Next) -> Response {
    match read(request.headers()).or_else(begin) {
        Some(trace) => CURRENT.scope(trace, next.run(request)).await,
        None => next.run(request).await,
    }
}

/// Works in a trace of its own, as for a message that comes over a WebSocket.
pub(crate) async fn begun<T>(work: impl Future<Output = T>) -> T {
    match begin() {
        Some(trace) => CURRENT.scope(trace, work).await,
        None => work.await,
    }
}

/// A new trace; none if the system has no random numbers, because a request is worth more.
fn begin() -> Option<TraceId> {
    random_bytes()
        .ok()
        .map(|bytes| TraceId(u128::from_be_bytes(bytes)))
}

/// Writes the current trace into the headers of a call, with any number for the part of the caller.
pub(crate) fn hand_on(headers: &mut HeaderMap) {
    if let Some(trace) = current() {
        let part = random_bytes::<8>().map_or(1, u64::from_be_bytes).max(1);
        let value = HeaderValue::from_str(&format!("00-{trace}-{part:016x}-01"));
        headers.insert(TRACEPARENT, value.expect("digits and dashes are a header"));
    }
}

/// The trace of the header `traceparent`: version, trace, part and flags, with dashes in between.
fn read(headers: &HeaderMap) -> Option<TraceId> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = value.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let is_hex = trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = version.len() == 2 && version != "ff" && trace.len() == 32 && is_hex;
    let number = u128::from_str_radix(trace, 16).ok()?;
    (known && number != 0 && parts.count() >= 2).then_some(TraceId(number))
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
        let trace = TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!(read(&headers(good)), Some(trace));
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
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
            assert_eq!(read(&headers), current());
            assert!(current().is_some());
        })
        .await;
    }
}
