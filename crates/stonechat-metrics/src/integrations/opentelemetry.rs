use opentelemetry::trace::{TraceId as Id, get_active_span};

use crate::metric::TraceId;

/// The trace of the current OpenTelemetry context, if there is one and it is sampled: a function
/// for [`RegistryBuilder::trace_ids`](crate::RegistryBuilder::trace_ids). With `tracing` it is that
/// of the current span, as `tracing-opentelemetry` makes the context of a span the current one.
///
/// ```
/// # fn main() -> Result<(), stonechat_metrics::RegisterError> {
/// use stonechat_metrics::{Registry, opentelemetry_trace_id};
///
/// let registry = Registry::builder().trace_ids(opentelemetry_trace_id).build()?;
/// # Ok(())
/// # }
/// ```
pub fn opentelemetry_trace_id() -> Option<TraceId> {
    get_active_span(|span| {
        let context = span.span_context();
        let kept = context.is_sampled() && context.trace_id() != Id::INVALID;
        kept.then(|| TraceId(u128::from_be_bytes(context.trace_id().to_bytes())))
    })
}
