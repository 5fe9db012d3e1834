use std::sync::Arc;
use std::time::Instant;

use crate::buckets;
use crate::error::RegisterError;
use crate::family::{Family, OTHER};
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::Registry;

/// The label `path` of requests that no route matches.
pub const UNMATCHED: &str = "unmatched";

/// The label `status` of requests whose client went away before there was an answer.
const CLIENT_CLOSED: &str = "499";

/// The label `status` of requests whose handler panicked.
const HANDLER_PANICKED: &str = "500";

/// Requests to an HTTP server: `http_requests_total{method,path,status}`,
/// `http_request_duration_seconds{method,path}` and `http_requests_in_flight`.
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

#[derive(Debug)]
struct Families {
    requests: Family<Counter, 3>,
    duration: Family<Histogram, 2>,
    in_flight: Gauge,
}

impl HttpServer {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let requests = registry
            .counter(
                "http_requests_total",
                "Requests answered; 499 if the client did not wait.",
            )
            .labels(["method", "path", "status"])
            .register()?;
        let duration = registry
            .histogram(
                "http_request_duration_seconds",
                "Time from a request to the head of its answer.",
            )
            .unit("seconds")
            .buckets(buckets::SECONDS.iter().copied())
            .labels(["method", "path"])
            .register()?;
        let in_flight = registry
            .gauge(
                "http_requests_in_flight",
                "Requests that wait for an answer.",
            )
            .register()?;
        Ok(Self(Arc::new(Families {
            requests,
            duration,
            in_flight,
        })))
    }

    /// Starts a request. `route` is the template that matched it, never the path itself, or
    /// [`UNMATCHED`]. A method that HTTP does not define becomes `other`.
    pub fn start<R: AsRef<str>>(&self, method: &str, route: R) -> HttpRequest<R> {
        self.0.in_flight.inc();
        HttpRequest {
            families: Arc::clone(&self.0),
            method: known_method(method),
            route,
            start: Instant::now(),
            finished: false,
        }
    }
}

/// One request under way, made by [`HttpServer::start`]. Dropped before
/// [`finish`](Self::finish), it counts with the status 499, because the client went away, or with
/// 500, if the handler panicked.
#[derive(Debug)]
#[must_use = "the request counts as abandoned when it is dropped"]
pub struct HttpRequest<R: AsRef<str>> {
    families: Arc<Families>,
    method: &'static str,
    route: R,
    start: Instant,
    finished: bool,
}

impl<R: AsRef<str>> HttpRequest<R> {
    /// Ends the request with a status code, such as `200`.
    pub fn finish(mut self, status: &str) {
        self.finished = true;
        self.record(status);
    }

    fn record(&self, status: &str) {
        let (families, method, route) = (&*self.families, self.method, self.route.as_ref());
        let duration = families.duration.with([method, route]);
        duration.observe_duration(self.start.elapsed());
        families.requests.with([method, route, status]).inc();
        families.in_flight.dec();
    }
}

impl<R: AsRef<str>> Drop for HttpRequest<R> {
    fn drop(&mut self) {
        if !self.finished {
            let panicking = std::thread::panicking();
            self.record(if panicking {
                HANDLER_PANICKED
            } else {
                CLIENT_CLOSED
            });
        }
    }
}

/// A client may send any word as its method.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE",
    ];
    KNOWN
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or(OTHER)
}
