use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;

use super::named::{Chosen, Key, Named, Part, Template, standard};
use crate::buckets;
use crate::error::RegisterError;
use crate::family::SERIES_MAX;
use crate::metric::{Counter, Gauge, GaugeGuard, Histogram};
use crate::registry::Registry;

/// Calls to a gRPC server: `grpc_server_handled_total{service,method,code}`,
/// `grpc_server_handling_seconds{service,method}` and `grpc_server_in_flight`.
///
/// With the feature `tonic`, `GrpcServer::layer` does everything.
///
/// Callers may send any path, and whoever stands before the methods, such as one who asks for a
/// password, answers them all. So a path has a series of its own only once a method has answered
/// there, or if it is among [`known_methods`](Self::known_methods); the others are `unknown`. That a
/// method has answered is taken from the code: `Cancelled`, `DeadlineExceeded`, `PermissionDenied`,
/// `ResourceExhausted`, `Unimplemented`, `Unavailable` and `Unauthenticated` come from others too.
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
pub struct GrpcServer(Arc<Families>);

#[derive(Debug)]
struct Families {
    handled: Part<Counter>,
    handling: Part<Histogram>,
    in_flight: Gauge,
    /// Paths where there is a method, up to [`SERIES_MAX`].
    methods: RwLock<BTreeSet<Box<str>>>,
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
        Ok(Self(Arc::new(Families {
            handled: chosen.part(GrpcMetric::Handled)?,
            handling: chosen.part(GrpcMetric::Handling)?,
            in_flight: chosen.part::<Gauge>(GrpcMetric::InFlight)?.with(&[]),
            methods: RwLock::default(),
        })))
    }

    /// Names methods, each as the path of its requests, `/package.Service/Method`, whose calls have
    /// series of their own from the first one on, however that ends.
    pub fn known_methods<P: AsRef<str>>(&self, paths: impl IntoIterator<Item = P>) {
        for path in paths {
            self.0.learn(path.as_ref());
        }
    }

    /// Starts a call; `path` is that of its request, `/package.Service/Method`.
    pub fn start(&self, path: &str) -> GrpcCall {
        GrpcCall {
            _in_flight: self.0.in_flight.hold(),
            families: Arc::clone(&self.0),
            path: path.to_owned(),
            start: Instant::now(),
            code: None,
            answered: false,
            running: false,
        }
    }
}

/// One call under way, made by [`GrpcServer::start`]. Dropped before [`finish`](Self::finish), it
/// counts as cancelled, or as internal if the method panicked.
#[derive(Debug)]
#[must_use = "the call counts as cancelled when it is dropped"]
pub struct GrpcCall {
    families: Arc<Families>,
    _in_flight: GaugeGuard,
    path: String,
    start: Instant,
    code: Option<GrpcCode>,
    /// Whether the code was told, instead of being concluded from how the call ended.
    answered: bool,
    /// Whether the method is being polled: one that panics does not come back from there.
    running: bool,
}

impl GrpcCall {
    /// Ends the call.
    pub fn finish(mut self, code: GrpcCode) {
        self.code = Some(code);
        self.answered = true;
    }

    /// Ends a call whose answer had no code.
    #[cfg(feature = "tonic")]
    pub(crate) fn conclude(mut self, code: GrpcCode) {
        self.code = Some(code);
    }

    /// Notes whether the method is being polled.
    #[cfg(feature = "tonic")]
    pub(crate) fn set_running(&mut self, running: bool) {
        self.running = running;
    }
}

impl Drop for GrpcCall {
    fn drop(&mut self) {
        let panicked = self.running || std::thread::panicking();
        let code = self.code.unwrap_or(if panicked {
            GrpcCode::INTERNAL
        } else {
            GrpcCode::CANCELLED
        });
        let families = &*self.families;
        let from_method = self.answered && code.is_from_method();
        let path = if families.is_method(&self.path, from_method) {
            &self.path
        } else {
            "/unknown/unknown"
        };
        let (service, method) = path
            .trim_start_matches('/')
            .rsplit_once('/')
            .unwrap_or(("unknown", path));
        let parts = [service, method, code.as_str()];
        let Families {
            handled, handling, ..
        } = families;
        handling.with(&parts).observe_duration(self.start.elapsed());
        handled.with(&parts).inc();
    }
}

impl GrpcCode {
    /// Whether only a method answers so: not a router, a gatekeeper or a time limit before it.
    fn is_from_method(self) -> bool {
        const CANCELLED: u8 = 1;
        const DEADLINE_EXCEEDED: u8 = 4;
        const PERMISSION_DENIED: u8 = 7;
        const RESOURCE_EXHAUSTED: u8 = 8;
        const UNIMPLEMENTED: u8 = 12;
        const UNAVAILABLE: u8 = 14;
        const UNAUTHENTICATED: u8 = 16;
        !matches!(
            self.0,
            CANCELLED
                | DEADLINE_EXCEEDED
                | PERMISSION_DENIED
                | RESOURCE_EXHAUSTED
                | UNIMPLEMENTED
                | UNAVAILABLE
                | UNAUTHENTICATED..
        )
    }
}

impl Families {
    /// Whether there is a method at this path, which may be learnt from this call.
    fn is_method(&self, path: &str, from_method: bool) -> bool {
        if self.methods.read().contains(path) {
            return true;
        }
        from_method && self.learn(path)
    }

    /// Returns whether the path is among the methods now.
    fn learn(&self, path: &str) -> bool {
        let mut methods = self.methods.write();
        if methods.len() < SERIES_MAX {
            methods.insert(path.into());
        }
        methods.contains(path)
    }
}
