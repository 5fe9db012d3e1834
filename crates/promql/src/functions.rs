//! The functions of the language: their names and types, and what they compute.

mod absent; // absent, absent_over_time, scalar
mod call; // which code serves which function
mod dates; // year, hour, days_in_month, ...
mod histogram; // quantiles and fractions of classic buckets
mod info; // labels of info metrics
mod labels; // label_replace, label_join
mod math; // value by value
mod over_time; // *_over_time, changes, resets
mod quantile; // quantiles of plain values
mod rate; // rate, increase, delta, irate, idelta
mod regression; // deriv, predict_linear, double_exponential_smoothing
mod sort; // sort, sort_by_label
mod table; // names and types

pub(crate) use quantile::{check_quantile, check_quantiles, quantile};
pub(crate) use table::Arity;
pub use table::Function;
