//! Metrics for Rust services that cannot make the classic mistakes.
//!
//! Services for messaging and media fail in the same places: a metric that is defined twice takes
//! the service down, user ids in labels explode, raw paths explode, a second registry loses the
//! metrics of the process, an early return forgets to decrement a gauge. Here
//!
//! - a [`Registry`] never panics. The same metric registered twice is the same handles; a different
//!   one under the same name is a [`RegisterError`] that names both places in the source, what
//!   differs, and what to do;
//! - every [`Family`] has a limit on its series; past it values go to one series, `other`, and
//!   `stonechat_series_limited_total` counts them;
//! - a value that cannot be recorded (NaN, a counter going down) is ignored, and counted;
//! - what begins and ends is a guard, which `?`, a panic or a client that goes away cannot forget;
//! - HTTP requests are counted under the template of their route, never under the path;
//! - the process and the tokio runtime are in every [`Registry::new`].
//!
//! A complete service, with the feature `axum`:
//!
//! ```no_run
//! use axum::{Router, extract::Path, routing::get};
//! use stonechat_metrics::{HttpServer, Registry, serve_admin};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let registry = Registry::new();
//!     let chat = registry.namespace("chat"); // chat_http_requests_total and so on
//!     let http = HttpServer::register(&chat)?;
//!     let logins = chat
//!         .counter("logins_total", "Logins.")
//!         .labels(["status"])
//!         .register()?;
//!
//!     let login = async move |Path(_user): Path<String>| {
//!         logins.with(["ok"]).inc();
//!         "welcome"
//!     };
//!     let app = Router::new().route("/login/{user}", get(login)).layer(http.layer());
//!
//!     let _admin = serve_admin("127.0.0.1:9100", registry).await?; // /metrics and /healthz
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//!     Ok(axum::serve(listener, app).await?)
//! }
//! ```
//!
//! # Families
//!
//! Ready families register what a backend needs in one line each: [`HttpServer`], [`HttpClient`],
//! [`GrpcServer`], [`WebSockets`], [`Messages`], [`WebRtc`] for what comes in and goes out;
//! [`Queues`], [`Database`], [`Redis`], [`Caches`], [`Resources`] and `SchedulerDelay` for what it
//! stands on. Each takes other names, labels, units and buckets by `register_as` and [`Named`], so
//! that dashboards which are there go on working; `examples/` has four systems done so.
//!
//! [`Registry::counter`], [`Registry::gauge`] and [`Registry::histogram`] make one's own. Handles are
//! pointers to atomics: look a series up once, keep the handle, and using it takes no lock.
//!
//! Series of a call or a user end with their [`Session`], after one more scrape. Registries can
//! [`include`](Registry::include) each other, and a [`bare`](Registry::bare) one for each test shares
//! nothing.
//!
//! # What it takes
//!
//! A handle is one pointer; its series, on a machine of 64 bits, 96 bytes for a counter and 368 for a histogram with
//! 11 buckets, beside its label values. The first thread that counts in a series does so without a lock, and all others
//! share a second place in it. Only a series in which threads are in each other's way all the time, at about a million
//! additions a second, gets more: twice as many places as there are processors, at most 32, of 128 bytes or more
//! each, until it ends. Each thread also remembers the 256 series of a kind that it used last, and as many routes of
//! [`HttpServer`].
//!
//! Counters and histograms are not for signal handlers; see [`Counter`].
//!
//! # Cargo features
//!
//! | feature | brings |
//! |---|---|
//! | `tracing` (default) | label values that look unbounded are reported in the log, once, with the place of the registration |
//! | `axum` | `HttpServer::layer`, `metrics_router`, `serve_admin`, `Admin`; and `tokio-runtime` |
//! | `tokio-runtime` | metrics of the tokio runtime in every [`Registry::new`], `SchedulerDelay` |
//! | `compression` | the admin server answers in gzip and zstd |
//! | `protobuf` | `Registry::encode_protobuf`, with native histograms; the admin server offers it |
//! | `tonic` | `GrpcServer::layer` |
//! | `sqlx` | `Database::watch_pool`, `Database::sqlx_layer` |
//! | `redis` | `Redis::observed`, for the crate of that name; `fred`, without a release since early 2025, has [`Redis::observe`] around a command, which needs no feature |
//! | `str0m` | `MediaSession::observe` |
//! | `metrics` | `MetricsRecorder`, for libraries that are instrumented with that crate |
//! | `opentelemetry` | `opentelemetry_trace_id`, for exemplars |
//! | `jemalloc` | [`Resources`] asks jemalloc |
//!
//! # What stands on `prometheus-client`, and what does not
//!
//! A [`Registry`] is a `prometheus_client::collector::Collector`: register it with a registry of that
//! crate, and its families are exposed there too. The rest is own code, each part for a reason:
//!
//! | part | what stands in the way |
//! |---|---|
//! | text formats | it writes only OpenMetrics and protobuf, and writes the labels of each series again at each scrape |
//! | registry | `register` takes `&mut self`, checks nothing and returns nothing: a name given twice is exposed twice, and the scraper refuses the whole answer |
//! | names and help | it adds a full stop to each help text, and writes a line break in one as it is |
//! | family | unlimited, in the random order of a `HashMap`, and iterated only by its own encoders; `get_or_create` returns a lock guard, two of which in one expression can deadlock |
//! | histogram | a mutex for each observation; its counts cannot be read, so no other encoder can be put beside its own; one NaN makes the sum NaN for good |
//! | counter | a float counter takes negative and NaN amounts |
//! | `EncodeLabelSet` | a label set knows its names only once there is a value, so a registry cannot compare them when a family is registered |

// A description, and what can be wrong with it.
mod desc; // name, help, type, labels, buckets, and the rules they keep
mod error; // why a metric was not registered

// What is counted with.
pub mod buckets; // bounds for histograms
mod family; // one name, many label values, one limit
mod metric; // counter, gauge, histogram, timer
mod session; // series that end

// All of them together.
mod builder; // from a name to a handle
mod collect; // process and runtime, read at each scrape
mod registry; // which families there are

// What a scraper sees.
#[cfg(feature = "axum")]
mod admin; // /metrics, /healthz and /readyz
mod encode; // the exposition formats
mod log; // what is said in the log

// Ready for use.
mod families; // HTTP, gRPC, WebSocket, messages, queues, databases, WebRTC, resources
mod integrations; // one line for the usual places
#[cfg(feature = "axum")]
mod layer; // HTTP in axum

#[cfg(feature = "axum")]
pub use admin::{Admin, AdminServer, metrics_router, serve_admin};
pub use builder::{FamilyBuilder, MetricBuilder};
pub use desc::TimeUnit;
pub use encode::{Format, negotiate};
pub use error::{Conflict, Difference, Place, Problem, RegisterError};
pub use families::{
    Cache, CacheMetric, Caches, ClientRequest, CloseReason, ConnectionGuard, ConsumeGuard,
    Database, DatabaseMetric, Direction, GrpcCall, GrpcCode, GrpcMetric, GrpcServer, HttpClient,
    HttpClientMetric, HttpMetric, HttpRequest, HttpServer, IceState, MediaSession, MessageMetric,
    MessageType, Messages, Named, Outcome, PushStatus, QueryGuard, Queue, QueueMetric, Queues,
    Redis, RedisCommand, RedisMetric, ResourceMetric, Resources, SendGuard, UNMATCHED, WebRtc,
    WebRtcMetric, WebSocketMetric, WebSockets,
};
#[cfg(feature = "tokio-runtime")]
pub use families::{SchedulerDelay, SchedulerMetric};
pub use family::{Family, LABEL_VALUE_BYTES_MAX, OTHER, SERIES_MAX};
#[cfg(feature = "metrics")]
pub use integrations::MetricsRecorder;
#[cfg(feature = "redis")]
pub use integrations::ObservedConnection;
#[cfg(feature = "sqlx")]
pub use integrations::SqlxLayer;
#[cfg(feature = "opentelemetry")]
pub use integrations::opentelemetry_trace_id;
#[cfg(feature = "tonic")]
pub use integrations::{GrpcBody, GrpcFuture, GrpcLayer, GrpcService};
#[cfg(feature = "axum")]
pub use layer::{HttpFuture, HttpLayer, HttpService};
pub use metric::{Counter, Gauge, GaugeGuard, Histogram, Metric, Timer, TraceId};
pub use registry::{Registry, RegistryBuilder};
pub use session::Session;
