//! Reading the text formats in which applications expose metrics: Prometheus' text format 0.0.4 and OpenMetrics 1.0.
//!
//! A page is read in place: the iterator hands out pieces of it and builds nothing. A scraper that has seen a series
//! before knows it by its text ([`Sample::series`]) and never needs its labels again; only a new
//! series is taken apart ([`Sample::labels`]). What is good and what is bad is decided as Prometheus 3 decides it.
//!
//! ```
//! use stonechat_exposition::{Entries, Entry, Format};
//!
//! let page = b"# TYPE up gauge\nup{job=\"chat\"} 1\n";
//! let format = Format::of_content_type(Some("text/plain; version=0.0.4"))?;
//! let mut names = Vec::new();
//! for entry in Entries::new(page, format) {
//!     if let Entry::Sample(sample) = entry? {
//!         assert_eq!(sample.series, b"up{job=\"chat\"}");
//!         assert_eq!(sample.value, 1.0);
//!         names.push(sample.labels()?);
//!     }
//! }
//! assert_eq!(names[0][0].1, "up");
//!
//! let broken = Entries::new(b"up 1\nup{job=chat} 1\n", format).last().unwrap();
//! assert_eq!(
//!     broken.unwrap_err().to_string(),
//!     "line 2: expected a label value in double quotes, found \"chat}\""
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor; // what both formats look for
mod entries; // a page as a sequence of them
mod entry; // samples and metadata
mod error; // what is wrong, and in which line
mod format; // which format an answer has
mod number; // values, times, bucket bounds
mod openmetrics; // OpenMetrics
mod series; // from the text of a series to labels
mod text; // the text format

pub use entries::Entries;
pub use entry::{Entry, Exemplar, Sample};
pub use error::{ParseError, ParseErrorKind};
pub use format::{Format, FormatError};
pub use series::{Escaped, LabelPairs, read_labels};
pub use stonechat_model::MetricType;
