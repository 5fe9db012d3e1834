use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use parking_lot::Mutex;

use crate::encode::{self, Format, Wire, negotiate_wire};
use crate::registry::{Reader, Registry};

const VARY: &str = "accept, accept-encoding";

/// Buffers that are kept from one scrape for the next, so that a scrape does not have to find room
/// for all series again.
const BUFFERS_MAX: usize = 2;

/// From this size on an answer is written and compressed on a thread that may be kept busy, as
/// every other task of the worker would wait for it.
const HERE_BYTES_MAX: usize = 64 * 1024;

/// What the route `/metrics` answers with.
#[derive(Clone)]
pub struct Answers {
    registry: Registry,
    buffers: Arc<Mutex<Vec<String>>>,
    /// The size of the last answer, in bytes, from which that of the next is guessed.
    last_bytes: Arc<AtomicUsize>,
}

impl Answers {
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            buffers: Arc::default(),
            // Nothing is known of the first one, so it is taken for a large one.
            last_bytes: Arc::new(AtomicUsize::new(usize::MAX)),
        }
    }

    /// Writes an answer, elsewhere if it is likely to take long.
    async fn written(&self, write: impl Fn(&Self) -> Bytes + Clone + Send + 'static) -> Bytes {
        let body = if self.last_bytes.load(Ordering::Relaxed) <= HERE_BYTES_MAX {
            write(self)
        } else {
            let (answers, again) = (self.clone(), write.clone());
            let work = tokio::task::spawn_blocking(move || write(&answers));
            // The runtime may be ending.
            work.await.unwrap_or_else(|_| again(self))
        };
        self.last_bytes.store(body.len(), Ordering::Relaxed);
        body
    }

    #[cfg(feature = "protobuf")]
    fn protobuf(&self, reader: Reader) -> Bytes {
        let mut out = Vec::new();
        encode::encode_protobuf(&self.registry, reader, &mut out);
        out.into()
    }

    fn text(&self, reader: Reader, format: Format) -> Bytes {
        let mut text = self.buffers.lock().pop().unwrap_or_default();
        encode::encode(&self.registry, reader, format, &mut text);
        Bytes::from_owner(Lent {
            text,
            buffers: Arc::clone(&self.buffers),
        })
    }
}

/// A buffer that comes back once the answer is sent.
struct Lent {
    text: String,
    buffers: Arc<Mutex<Vec<String>>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let mut buffers = self.buffers.lock();
        if buffers.len() < BUFFERS_MAX {
            buffers.push(text);
        }
    }
}

/// What a `GET` would answer with, but for the bytes.
struct LengthUnknown;

impl http_body::Body for LengthUnknown {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

/// How long the scraper waits, which Prometheus, vmagent, Stonechat and OpenTelemetry's receiver say.
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// Scrapers say how long they wait; a person's browser or `curl` does not.
fn reader(headers: &HeaderMap) -> Reader {
    if headers.contains_key(SCRAPE_TIMEOUT) {
        Reader::Scraper
    } else {
        Reader::Person
    }
}

/// Answers `HEAD` without writing anything out: nobody would have seen it. The length is not known, so the answer has
/// none.
pub async fn head(headers: HeaderMap) -> Response {
    let content_type = match negotiate_wire(&list(&headers, &header::ACCEPT)) {
        Wire::Text(format) => format.content_type(),
        #[cfg(feature = "protobuf")]
        Wire::Protobuf => encode::PROTOBUF_CONTENT_TYPE,
        // It is not offered, so nobody gets here.
        #[cfg(not(feature = "protobuf"))]
        Wire::Protobuf => Format::Text.content_type(),
    };
    let fields = [(header::CONTENT_TYPE, content_type), (header::VARY, VARY)];
    (fields, Body::new(LengthUnknown)).into_response()
}

pub async fn metrics(State(answers): State<Answers>, headers: HeaderMap) -> Response {
    let reader = reader(&headers);
    let (content_type, body) = match negotiate_wire(&list(&headers, &header::ACCEPT)) {
        Wire::Text(format) => {
            let write = move |answers: &Answers| answers.text(reader, format);
            (format.content_type(), answers.written(write).await)
        }
        #[cfg(feature = "protobuf")]
        Wire::Protobuf => {
            let write = move |answers: &Answers| answers.protobuf(reader);
            (encode::PROTOBUF_CONTENT_TYPE, answers.written(write).await)
        }
        // It is not offered, so nobody gets here.
        #[cfg(not(feature = "protobuf"))]
        Wire::Protobuf => (
            Format::Text.content_type(),
            answers.text(reader, Format::Text),
        ),
    };
    let accepted = list(&headers, &header::ACCEPT_ENCODING);
    let (encoding, body) = compressed(&accepted, body).await;
    let mut answer = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    let fields = answer.headers_mut();
    fields.insert(header::VARY, HeaderValue::from_static(VARY));
    if let Some(encoding) = encoding {
        fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

/// A header that is given several times counts as one list.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

#[cfg(not(feature = "compression"))]
async fn compressed(_: &str, body: Bytes) -> (Option<&'static str>, Bytes) {
    (None, body)
}

/// The body in the best way that the scraper takes: zstd, gzip, or as it is.
#[cfg(feature = "compression")]
async fn compressed(accepted: &str, body: Bytes) -> (Option<&'static str>, Bytes) {
    let Some(encoding) = choose(accepted) else {
        return (None, body);
    };
    if body.len() <= HERE_BYTES_MAX {
        return encode(encoding, body);
    }
    let plain = body.clone();
    let work = tokio::task::spawn_blocking(move || encode(encoding, body));
    // The runtime may be ending.
    work.await.unwrap_or((None, plain))
}

#[cfg(feature = "compression")]
fn encode(encoding: &'static str, body: Bytes) -> (Option<&'static str>, Bytes) {
    use std::io::Write;

    const ZSTD_FAST: i32 = 1;
    let encoded = if encoding == "zstd" {
        zstd::bulk::compress(&body, ZSTD_FAST)
    } else {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&body).and_then(|()| encoder.finish())
    };
    match encoded {
        Ok(encoded) => (Some(encoding), encoded.into()),
        // Writing to memory does not fail; if it did, the answer goes as it is.
        Err(_) => (None, body),
    }
}

/// The first of our encodings that the header allows.
#[cfg(feature = "compression")]
fn choose(accepted: &str) -> Option<&'static str> {
    let allows = |encoding: &str| {
        accepted.split(',').any(|range| {
            let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
            let refused = parameters
                .trim()
                .strip_prefix("q=")
                .is_some_and(|quality| quality.trim().parse() == Ok(0.0_f64));
            name.trim().eq_ignore_ascii_case(encoding) && !refused
        })
    };
    ["zstd", "gzip"]
        .into_iter()
        .find(|encoding| allows(encoding))
}

#[cfg(all(test, feature = "compression"))]
mod tests {
    use super::choose;

    #[test]
    fn the_scraper_says_what_it_takes() {
        for (accepted, encoding) in [
            ("gzip", Some("gzip")),
            ("gzip, zstd", Some("zstd")),
            ("GZIP;q=0.5", Some("gzip")),
            ("zstd;q=0, gzip;q=1.0", Some("gzip")),
            ("gzip;q=0", None),
            ("deflate, br", None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(choose(accepted), encoding, "{accepted}");
        }
    }
}
