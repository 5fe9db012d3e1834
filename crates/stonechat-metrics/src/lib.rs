//! Metrics for Rust services that cannot make the classic mistakes.
