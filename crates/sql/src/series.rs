//! From rows to samples. Pure: no clock, no source, no store.

mod collect; // the rows of one answer
mod distribution; // histograms and summaries
mod error; // what can be wrong with an answer

pub use collect::{Collected, Collector, Sample};
pub use error::SeriesError;

#[cfg(test)]
mod tests;
