//! PromQL: text to tree to values.
