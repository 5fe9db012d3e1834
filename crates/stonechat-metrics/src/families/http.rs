mod route; // what a thread looks up once

use std::sync::Arc;

use super::in_flight::InFlight;
use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::family::OTHER;
use crate::metric::{Counter, Histogram, Stopwatch};
use crate::registry::Registry;
use route::Route;

/// The label `path` of requests that no route matches.
pub const UNMATCHED: &str = "unmatched";

/// The label `status` of requests whose client went away before there was an answer.
const CLIENT_CLOSED: u16 = 499;

/// The label `status` of requests whose handler panicked.
const HANDLER_PANICKED: u16 = 500;

/// The size of a body that nobody has told.
const UNKNOWN: u64 = u64::MAX;

/// Buckets for the sizes of requests and answers: 64 B to 16 MiB.
const SIZES: &[f64] = &[
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// Requests to an HTTP server: `http_requests_total{method,path,status}`,
/// `http_request_duration_seconds{method,path}` and `http_requests_in_flight`; sizes and other names
/// by [`register_as`](Self::register_as).
///
/// With the feature `axum`, `HttpServer::layer` does everything; [`HttpServer::start`] serves
/// other frameworks.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// let http = stonechat_metrics::HttpServer::register(&registry)?;
/// let request = http.start("GET", "/users/{id}");
/// // The handler runs.
/// request.finish("200");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HttpServer(Arc<Families>);

/// The metrics of [`HttpServer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpMetric {
    /// Counter of answers, by `method`, `path` and `status`.
    Requests,
    /// Histogram of the time to an answer, by `method` and `path`, and `status` if it is asked for.
    Duration,
    /// Gauge of requests that wait for an answer, without parts.
    InFlight,
    /// Histogram of the sizes of requests, by `method`, `path` and `status` if asked for. The layer
    /// counts the bytes that are read until the answer begins, as what a client says about its
    /// request may be anything; of bodies that are not axum's it observes nothing.
    RequestSize,
    /// Histogram of the sizes of answers, by `method`, `path` and `status` if asked for. The layer
    /// observes a body of known size at once, and counts the bytes of an axum body that is a stream
    /// until it ends or is dropped.
    ResponseSize,
}

impl Key for HttpMetric {
    fn template(self) -> Template {
        const ALL: &[&str] = &["method", "path", "status"];
        match self {
            Self::Requests => Template::new(
                "http_requests_total",
                "Requests answered; 499 if the client did not wait.",
            )
            .labels(ALL),
            Self::Duration => Template::new(
                "http_request_duration_seconds",
                "Time from a request to the head of its answer.",
            )
            .labels(&["method", "path"])
            .parts(ALL)
            .seconds(buckets::SECONDS),
            Self::InFlight => Template::new(
                "http_requests_in_flight",
                "Requests that wait for an answer.",
            ),
            Self::RequestSize => {
                Template::new("http_request_size_bytes", "Size of the bodies of requests.")
                    .parts(ALL)
                    .bytes(SIZES)
            }
            Self::ResponseSize => {
                Template::new("http_response_size_bytes", "Size of the bodies of answers.")
                    .parts(ALL)
                    .bytes(SIZES)
            }
        }
    }
}

#[derive(Debug)]
struct Families {
    requests: Part<Counter>,
    duration: Part<Histogram>,
    in_flight: Option<Arc<InFlight>>,
    request_size: Part<Histogram>,
    response_size: Part<Histogram>,
    wants_sizes: bool,
}

impl HttpServer {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let usual = [
            HttpMetric::Requests,
            HttpMetric::Duration,
            HttpMetric::InFlight,
        ];
        Self::register_as(registry, &standard(usual))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(HttpMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        let request_size: Part<Histogram> = chosen.part(HttpMetric::RequestSize)?;
        let response_size: Part<Histogram> = chosen.part(HttpMetric::ResponseSize)?;
        Ok(Self(Arc::new(Families {
            wants_sizes: !request_size.is_absent() || !response_size.is_absent(),
            requests: chosen.part(HttpMetric::Requests)?,
            duration: chosen.part(HttpMetric::Duration)?,
            in_flight: InFlight::register(&chosen.part(HttpMetric::InFlight)?, registry),
            request_size,
            response_size,
        })))
    }

    /// Whether somebody wants to know how large bodies are.
    #[cfg(feature = "axum")]
    pub(crate) fn wants_sizes(&self) -> bool {
        self.0.wants_sizes
    }

    /// Starts a request. `route` is the template that matched it, never the path itself, or
    /// [`UNMATCHED`]. A method that HTTP does not define becomes `other`.
    pub fn start(&self, method: &str, route: &str) -> HttpRequest {
        if let Some(in_flight) = &self.0.in_flight {
            in_flight.begin();
        }
        HttpRequest {
            route: Route::find(&self.0, known_method(method), route),
            start: Stopwatch::start(),
            sizes: [UNKNOWN; 2],
            finished: false,
            running: false,
        }
    }
}

impl Families {
    /// How many series of a request were removed so far.
    #[inline]
    fn removals(&self) -> u64 {
        self.requests.removals() + self.duration.removals()
    }
}

/// One request under way, made by [`HttpServer::start`]. Dropped before
/// [`finish`](Self::finish), it counts with the status 499, because the client went away, or with
/// 500, if the handler panicked.
#[derive(Debug)]
#[must_use = "the request counts as abandoned when it is dropped"]
pub struct HttpRequest {
    route: Arc<Route>,
    start: Stopwatch,
    /// Of the request and of its answer, or [`UNKNOWN`]. A request under way is moved about, so that it is kept small.
    sizes: [u64; 2],
    finished: bool,
    /// Whether the handler is being polled: one that panics does not come back from there.
    running: bool,
}

impl HttpRequest {
    #[cfg(feature = "axum")]
    pub(crate) fn wants_sizes(&self) -> bool {
        self.route.families().wants_sizes
    }

    /// Notes whether the handler is being polled.
    #[cfg(feature = "axum")]
    pub(crate) fn set_running(&mut self, running: bool) {
        self.running = running;
    }

    /// Where the size of an answer is observed whose end has not been seen yet.
    #[cfg(feature = "axum")]
    pub(crate) fn response_sizes(&self, status: u16) -> Histogram {
        let sizes = &self.route.families().response_size;
        self.route.with_parts(status, |parts| sizes.with(parts))
    }

    /// Notes the size of the request's body, in bytes.
    pub fn request_size(&mut self, bytes: u64) {
        self.sizes[0] = bytes;
    }

    /// Notes the size of the answer's body, in bytes.
    pub fn response_size(&mut self, bytes: u64) {
        self.sizes[1] = bytes;
    }

    /// Ends the request with a status code, such as `200`.
    pub fn finish(self, status: &str) {
        match status.parse() {
            Ok(code) => self.finish_with(code),
            Err(_) => self.finish_with(0),
        }
    }

    /// Ends the request with a status code.
    pub fn finish_with(mut self, status: u16) {
        self.end(status);
    }

    /// The same, where the request is, so that it is not moved.
    pub(crate) fn end(&mut self, status: u16) {
        if !self.finished {
            self.finished = true;
            self.record(status);
        }
    }

    fn record(&self, status: u16) {
        self.route.count(status, self.start.seconds());
        let families = self.route.families();
        if families.wants_sizes {
            self.record_sizes(status);
        }
        if let Some(in_flight) = &families.in_flight {
            in_flight.end();
        }
    }

    #[inline(never)]
    fn record_sizes(&self, status: u16) {
        let families = self.route.families();
        let sizes = [&families.request_size, &families.response_size];
        self.route.with_parts(status, |parts| {
            for (size, bytes) in sizes.into_iter().zip(self.sizes) {
                if bytes != UNKNOWN {
                    size.apply(parts, |size: &Histogram| size.observe(bytes as f64));
                }
            }
        });
    }
}

impl Drop for HttpRequest {
    fn drop(&mut self) {
        let panicked = self.running || std::thread::panicking();
        self.end(if panicked {
            HANDLER_PANICKED
        } else {
            CLIENT_CLOSED
        });
    }
}

/// A client may send any word as its method.
pub fn known_method(method: &str) -> &'static str {
    match method {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        _ => OTHER,
    }
}
