//! What the crate promises, seen from outside. One binary, because each takes a while to link.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod admin;
mod composition;
mod exposition;
mod families;
mod http;
mod limits;
mod registration;
mod sessions;

use stonechat_metrics::{Format, Registry};

/// The lines of the text format that begin with `start`.
fn lines(registry: &Registry, start: &str) -> Vec<String> {
    let text = registry.encode(Format::Text);
    text.lines()
        .filter(|line| line.starts_with(start))
        .map(str::to_owned)
        .collect()
}
