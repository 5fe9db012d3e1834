use std::sync::Arc;
use std::time::Instant;

use super::http::known_method;
use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::registry::Registry;

/// Requests to other services: `http_client_requests_total{method,host,status}`,
/// `http_client_request_duration_seconds{method,host}` and `http_client_requests_in_flight`.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// let client = stonechat_metrics::HttpClient::register(&registry)?;
/// let request = client.start("GET", "logic");
/// // The answer comes; an early return here counts with the status `error`.
/// request.finish(200);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HttpClient(Arc<Families>);

#[derive(Debug)]
struct Families {
    requests: Part<Counter>,
    duration: Part<Histogram>,
    in_flight: Gauge,
}

/// The metrics of [`HttpClient`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpClientMetric {
    /// Counter of requests that ended, by `method`, `host` and `status`.
    Requests,
    /// Histogram of the time to an answer, by `method` and `host`, and `status` if asked for.
    Duration,
    /// Gauge of requests without an answer yet, without parts.
    InFlight,
}

impl Key for HttpClientMetric {
    fn template(self) -> Template {
        const ALL: &[&str] = &["method", "host", "status"];
        match self {
            Self::Requests => Template::new(
                "http_client_requests_total",
                "Requests to other services; the status is `error` if there was no answer.",
            )
            .labels(ALL),
            Self::Duration => Template::new(
                "http_client_request_duration_seconds",
                "Time from a request to the head of its answer.",
            )
            .labels(&["method", "host"])
            .parts(ALL)
            .seconds(buckets::SECONDS),
            Self::InFlight => Template::new(
                "http_client_requests_in_flight",
                "Requests to other services that have no answer yet.",
            ),
        }
    }
}

impl HttpClient {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use HttpClientMetric::{Duration, InFlight, Requests};
        Self::register_as(registry, &standard([Requests, Duration, InFlight]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(HttpClientMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        Ok(Self(Arc::new(Families {
            requests: chosen.part(HttpClientMetric::Requests)?,
            duration: chosen.part(HttpClientMetric::Duration)?,
            in_flight: chosen.part::<Gauge>(HttpClientMetric::InFlight)?.with(&[]),
        })))
    }

    /// Starts a request to a service; `host` is its name, best one that the program knows.
    pub fn start(&self, method: &str, host: &'static str) -> ClientRequest {
        ClientRequest {
            _in_flight: self.0.in_flight.hold(),
            families: Arc::clone(&self.0),
            method: known_method(method),
            host,
            start: Instant::now(),
            status: None,
        }
    }
}

/// One request to another service, made by [`HttpClient::start`]. Dropped before
/// [`finish`](Self::finish), it counts with the status `error`.
#[derive(Debug)]
#[must_use = "the request counts as failed when it is dropped"]
pub struct ClientRequest {
    families: Arc<Families>,
    _in_flight: GaugeGuard,
    method: &'static str,
    host: &'static str,
    start: Instant,
    status: Option<u16>,
}

impl ClientRequest {
    /// Ends the request with the status of its answer.
    pub fn finish(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for ClientRequest {
    fn drop(&mut self) {
        let status = self.status.map(|status| status.to_string());
        let parts = [self.method, self.host, status.as_deref().unwrap_or("error")];
        let Families {
            requests, duration, ..
        } = &*self.families;
        duration.with(&parts).observe_duration(self.start.elapsed());
        requests.with(&parts).inc();
    }
}
