use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The trace to which an observation belongs: 128 bits, as OpenTelemetry has them.
///
/// Its text is 32 hexadecimal digits, as in the label `trace_id` of an exemplar.
///
/// ```
/// let trace = stonechat_metrics::TraceId(0x4bf92f3577b34da6a3ce929d0e0e4736);
/// assert_eq!(trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One observation that stands for its bucket.
#[derive(Debug, Clone, Copy)]
pub struct Exemplar {
    pub trace: TraceId,
    pub value: f64,
    /// Seconds since 1970.
    pub at: f64,
}

impl Exemplar {
    pub fn now(trace: TraceId, value: f64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            trace,
            value,
            at: since.unwrap_or_default().as_secs_f64(),
        }
    }
}

/// Asks for the trace that the current task or thread works on.
#[derive(Clone)]
pub struct TraceSource(Arc<dyn Fn() -> Option<TraceId> + Send + Sync>);

impl TraceSource {
    pub fn new(source: impl Fn() -> Option<TraceId> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub fn current(&self) -> Option<TraceId> {
        (self.0)()
    }
}

impl fmt::Debug for TraceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceSource")
    }
}
