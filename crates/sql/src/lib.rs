//! Queries against databases, Redis and REST services as series.
//!
//! Business numbers live in databases. This room asks for them on a schedule of its own, off the scrape path, turns rows into series, and puts
//! these straight into the store; a page shows them to any other Prometheus.
//!
//! A [`plan::Plan`] is the checked configuration, a [`source::Ask`] answers one question of it with [`rows::Rows`].

pub mod config; // files of five formats, read into a plan
pub mod plan; // what is asked, checked
pub mod rows; // an answer
pub mod source; // who answers

mod number; // a value as a number
pub mod schedule; // when
pub mod series; // from rows to samples

mod board; // what is shown, exchanged as a whole
mod manager; // asks, and reloads
mod metrics; // what the room says about itself
mod page; // for any other Prometheus
mod report; // what there is to say about each query
mod round; // one round of a query

pub use manager::{QueryStatus, SqlManager};
pub use metrics::SqlMetrics;

#[cfg(test)]
mod testing;
