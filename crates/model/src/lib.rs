//! What every room speaks: labels, samples, matchers, durations, configuration problems, and the
//! two traits through which samples enter a store ([`Appender`]) and leave it ([`Queryable`]).
//!
//! This crate knows no files, no sockets and no clock. A room never talks to the store itself, only to
//! these traits, so that the store, a remote engine and a test's `Vec` are interchangeable.
//!
//! ```
//! use stonechat_model::{Labels, MatchOp, Matcher};
//!
//! let labels = Labels::from_pairs([("__name__", "up"), ("job", "gateway")])?;
//! let matcher = Matcher::new("job", MatchOp::Regex, "gate.*")?;
//! assert!(matcher.matches(labels.get("job").unwrap_or_default()));
//! assert_eq!(labels.to_string(), r#"up{job="gateway"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alert; // what a rule says to those who notify
mod append; // samples into a store
pub mod duration; // Prometheus durations: 1h30m
mod histogram; // one sample that holds a distribution
mod kahan; // sums that keep small terms
mod labels; // what a series is called
mod matcher; // which series are meant
mod metadata; // what families mean, and exemplars
mod number; // floats as Prometheus writes them
mod problem; // a mistake in a file, shown where it was written
mod query; // samples out of a store
mod sample; // stale markers, timestamps
mod secret; // values that are never printed
pub mod yaml; // the one reader of configuration files

pub use alert::{Alert, AlertSink};
pub use append::{AppendError, Appended, Appender, Batch, SeriesRef};
pub use histogram::{
    Addition, Bucket, BucketSpan, Buckets, CUSTOM_BUCKETS_SCHEMA, Histogram, HistogramError,
    HistogramSum, MixedSchemas, ResetHint, bucket_bound,
};
pub use kahan::Kahan;
pub use labels::{
    Labels, LabelsBuilder, LabelsError, METRIC_NAME, is_label_name, is_legacy_label_name,
};
pub use matcher::{MatchOp, Matcher, MatcherError};
pub use metadata::{Exemplar, Metadata, MetricType};
pub use number::{format_float, format_general, parse_float};
pub use problem::{Problem, Problems, nearest};
pub use query::{Columns, Queryable, QueryableError, Selection, SeriesReader, TimeRange};
pub use sample::{STALE_NAN, Timestamp, is_stale};
pub use secret::Secret;
