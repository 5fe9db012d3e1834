//! The chat as its users, its operators and a scraper see it, over real sockets.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are outside `#[test]` functions"
)]

mod api; // calling an API
mod backend; // a chat on SQLite and memory, or on MariaDB and Redis
mod exposition; // reading /metrics
mod user; // a user with a WebSocket

mod calls; // phones, lines, offers
mod conversation; // accounts, sessions, messages, pushes, history
mod ending; // close frames, signals, standard input
mod faults; // each fault changes what it should
mod limits; // bad frames, full queues, slow clients
mod load; // the load delivers, and comes back
mod push; // what task asks of the gateway
mod shown; // what each service shows of itself
