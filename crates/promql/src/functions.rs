//! The functions of the language: their names and types, and what they compute.

mod absent; // absent, absent_over_time, scalar
mod call; // which code serves which function
pub(crate) mod counters; // when counters begin to count
mod dates; // year, hour, days_in_month, ...
mod extremes; // the best value of windows that move
mod histogram; // quantiles and fractions of buckets
pub(crate) mod histogram_mean; // the mean of histograms
mod info; // labels of info metrics
mod labels; // label_replace, label_join
mod math; // value by value
pub(crate) mod mixed; // windows in which histograms stand
mod over_time; // *_over_time, changes, resets
mod quantile; // quantiles of plain values
mod rate; // rate, increase, delta, irate, idelta
mod regression; // deriv, predict_linear, double_exponential_smoothing
pub(crate) mod remarks; // what is remarked on samples
mod sort; // sort, sort_by_label
mod table; // names and types

pub(crate) use call::{OverWindows, WindowFunction};
pub(crate) use dates::rfc3339;
pub(crate) use quantile::{check_quantile, check_quantiles, quantile};
pub(crate) use rate::shown_samples;
pub(crate) use table::Arity;
pub use table::Function;
