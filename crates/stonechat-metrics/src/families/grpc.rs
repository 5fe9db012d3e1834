use std::time::Instant;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::registry::Registry;

/// Calls to a gRPC server: `grpc_server_handled_total{service,method,code}`,
/// `grpc_server_handling_seconds{service,method}` and `grpc_server_in_flight`.
///
/// With the feature `tonic`, `GrpcServer::layer` does everything.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// # let registry = stonechat_metrics::Registry::bare();
/// use stonechat_metrics::{GrpcCode, GrpcServer};
///
/// let grpc = GrpcServer::register(&registry)?;
/// let call = grpc.start("/chat.Logic/SendMessage");
/// // The method runs.
/// call.finish(GrpcCode::OK);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct GrpcServer {
    handled: Part<Counter>,
    handling: Part<Histogram>,
    in_flight: Gauge,
}

/// The metrics of [`GrpcServer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrpcMetric {
    /// Counter of calls that ended, by `service`, `method` and `code`.
    Handled,
    /// Histogram of the time of a call, by `service` and `method`, and `code` if asked for.
    Handling,
    /// Gauge of calls that have not ended, without parts.
    InFlight,
}

impl Key for GrpcMetric {
    fn template(self) -> Template {
        const ALL: &[&str] = &["service", "method", "code"];
        match self {
            Self::Handled => Template::new(
                "grpc_server_handled_total",
                "Calls that ended, whatever their code.",
            )
            .labels(ALL),
            Self::Handling => Template::new(
                "grpc_server_handling_seconds",
                "Time from a call to its end, with the stream that it may answer with.",
            )
            .labels(&["service", "method"])
            .parts(ALL)
            .seconds(buckets::SECONDS),
            Self::InFlight => Template::new("grpc_server_in_flight", "Calls that have not ended."),
        }
    }
}

/// How a call ended; a number of the gRPC protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrpcCode(pub u8);

impl GrpcCode {
    /// It did what it was asked for.
    pub const OK: Self = Self(0);
    /// The caller went away.
    pub const CANCELLED: Self = Self(1);
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(2);
    /// The server is at fault.
    pub const INTERNAL: Self = Self(13);

    /// The name of the code, as in `DeadlineExceeded`; `Unknown` for one that does not exist.
    pub fn as_str(self) -> &'static str {
        const NAMES: [&str; 17] = [
            "OK",
            "Cancelled",
            "Unknown",
            "InvalidArgument",
            "DeadlineExceeded",
            "NotFound",
            "AlreadyExists",
            "PermissionDenied",
            "ResourceExhausted",
            "FailedPrecondition",
            "Aborted",
            "OutOfRange",
            "Unimplemented",
            "Internal",
            "Unavailable",
            "DataLoss",
            "Unauthenticated",
        ];
        NAMES.get(usize::from(self.0)).copied().unwrap_or("Unknown")
    }
}

impl GrpcServer {
    /// Registers the families.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names.
    #[track_caller]
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        use GrpcMetric::{Handled, Handling, InFlight};
        Self::register_as(registry, &standard([Handled, Handling, InFlight]))
    }

    /// Registers the metrics that are listed, under their names, and no others.
    ///
    /// # Errors
    ///
    /// A different metric has one of the names, or a name breaks a rule of the data model.
    #[track_caller]
    pub fn register_as(
        registry: &Registry,
        names: &[(GrpcMetric, Named)],
    ) -> Result<Self, RegisterError> {
        let chosen = Chosen::here(registry, names);
        Ok(Self {
            handled: chosen.part(GrpcMetric::Handled)?,
            handling: chosen.part(GrpcMetric::Handling)?,
            in_flight: chosen.part::<Gauge>(GrpcMetric::InFlight)?.with(&[]),
        })
    }

    /// Starts a call; `path` is that of its request, `/package.Service/Method`.
    pub fn start(&self, path: &str) -> GrpcCall {
        GrpcCall {
            server: self.clone(),
            _in_flight: self.in_flight.hold(),
            path: path.to_owned(),
            start: Instant::now(),
            code: None,
        }
    }
}

/// One call under way, made by [`GrpcServer::start`]. Dropped before [`finish`](Self::finish), it
/// counts as cancelled, or as internal if the method panicked.
#[derive(Debug)]
#[must_use = "the call counts as cancelled when it is dropped"]
pub struct GrpcCall {
    server: GrpcServer,
    _in_flight: GaugeGuard,
    path: String,
    start: Instant,
    code: Option<GrpcCode>,
}

impl GrpcCall {
    /// Ends the call.
    pub fn finish(mut self, code: GrpcCode) {
        self.code = Some(code);
    }
}

impl Drop for GrpcCall {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(if std::thread::panicking() {
            GrpcCode::INTERNAL
        } else {
            GrpcCode::CANCELLED
        });
        // A server answers unknown methods too, with any path that somebody may send.
        let unknown = code.as_str() == "Unimplemented";
        let path = if unknown {
            "/unknown/unknown"
        } else {
            &self.path
        };
        let (service, method) = path
            .trim_start_matches('/')
            .rsplit_once('/')
            .unwrap_or(("unknown", path));
        let parts = [service, method, code.as_str()];
        let GrpcServer {
            handled, handling, ..
        } = &self.server;
        handling.with(&parts).observe_duration(self.start.elapsed());
        handled.with(&parts).inc();
    }
}
