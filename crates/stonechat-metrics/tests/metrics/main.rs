//! What the crate promises, seen from outside. One binary, because each takes a while to link.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
#![allow(
    clippy::duplicate_mod,
    reason = "each example brings what the examples share"
)]

mod admin;
mod allocations;
mod composition;
mod exposition;
mod facade;
mod families;
mod http;
mod integrations;
mod limits;
mod prometheus;
mod protobuf;
mod recent;
mod redis_connection;
mod refresh;
mod registration;
mod scheduler;
mod sessions;
mod systems;

use std::path::PathBuf;

use stonechat_metrics::{Format, Registry};

/// The lines of the text format that begin with `start`.
fn lines(registry: &Registry, start: &str) -> Vec<String> {
    let text = registry.encode(Format::Text);
    text.lines()
        .filter(|line| line.starts_with(start))
        .map(str::to_owned)
        .collect()
}

/// The whole answer to one request on a connection of its own.
fn get_blocking(addr: &str, path: &str) -> std::io::Result<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(addr)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Whether a future panics. Like a layer that catches panics, this drops it only afterwards, when
/// the thread is no longer panicking; so it must not be an `async fn`, whose own locals would be
/// dropped before.
async fn panics_inside(future: impl Future) -> bool {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(polled) => polled.map(|_| false),
            Err(_) => std::task::Poll::Ready(true),
        }
    })
    .await
}

/// A program of Prometheus, where it is installed; otherwise the test says that it was skipped.
fn peer(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PEERS_DIR").map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".cache/peers")));
    let unpacked = folder.map(|folder| folder.join("root/usr/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = unpacked
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}
