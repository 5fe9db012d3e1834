//! What is said in the log of the service; nothing without the feature `tracing`.

use crate::desc::Desc;

/// A label of a family seems to take ever more values.
#[cfg(feature = "tracing")]
pub fn unbounded_label(desc: &Desc, label: &str, value: &str, looks_like: &str) {
    let value = masked(value);
    tracing::warn!(
        family = %desc.name,
        label,
        value,
        registered_at = %desc.place,
        "a label value looks like {looks_like}, of which there will be ever more: give the label \
         values that are known beforehand, or let a session own the series"
    );
}

/// The beginning of a value, by which whoever wrote the code knows it: the whole may be somebody's
/// telephone number, or a key.
#[cfg(feature = "tracing")]
fn masked(value: &str) -> String {
    const SHOWN_MAX: usize = 8;
    let shown = (value.chars().count() / 2).min(SHOWN_MAX);
    let start: String = value.chars().take(shown).collect();
    format!("{start}…")
}

/// A label of a family seems to take ever more values.
#[cfg(not(feature = "tracing"))]
pub fn unbounded_label(_: &Desc, _: &str, _: &str, _: &str) {}

/// A library has recorded something that cannot be registered; `last` of what is said about that.
#[cfg(all(feature = "metrics", feature = "tracing"))]
pub fn refused(name: &str, why: &dyn std::fmt::Display, last: bool) {
    let more = if last {
        "; further names are not reported"
    } else {
        ""
    };
    tracing::warn!("the metric `{name}` of a library is dropped{more}: {why}");
}

/// A library has recorded something that cannot be registered.
#[cfg(all(feature = "metrics", not(feature = "tracing")))]
pub fn refused(_: &str, _: &dyn std::fmt::Display, _: bool) {}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::masked;

    #[test]
    fn no_value_is_told_whole() {
        for (value, expected) in [
            ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b…"),
            ("+4915112345678", "+491511…"),
            ("123456", "123…"),
            ("größe", "gr…"),
            ("x", "…"),
        ] {
            assert_eq!(masked(value), expected);
        }
    }
}
