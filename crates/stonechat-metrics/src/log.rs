//! What is said in the log of the service; nothing without the feature `tracing`.

use crate::desc::Desc;

/// A label of a family seems to take ever more values.
#[cfg(feature = "tracing")]
pub fn unbounded_label(desc: &Desc, label: &str, value: &str, looks_like: &str) {
    tracing::warn!(
        family = %desc.name,
        label,
        value,
        registered_at = %desc.place,
        "a label value looks like {looks_like}, of which there will be ever more: give the label \
         values that are known beforehand, or let a session own the series"
    );
}

/// A label of a family seems to take ever more values.
#[cfg(not(feature = "tracing"))]
pub fn unbounded_label(_: &Desc, _: &str, _: &str, _: &str) {}

/// A library has recorded something that cannot be registered.
#[cfg(all(feature = "metrics", feature = "tracing"))]
pub fn refused(error: &crate::error::RegisterError) {
    tracing::warn!("a library's metric is dropped: {error}");
}

/// A library has recorded something that cannot be registered.
#[cfg(all(feature = "metrics", not(feature = "tracing")))]
pub fn refused(_: &crate::error::RegisterError) {}
