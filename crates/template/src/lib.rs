//! Go's `text/template` language, as alerting rules and notifications use it.
//!
//! People bring rule files and notification templates that were written for Prometheus and Alertmanager, so the
//! language, the way values are printed and the error messages are Go's. Texts are read into [`Templates`],
//! executed on a [`Value`], and may call a set of [`Functions`]: those of [`prometheus`] for rules. An execution
//! knows no files, no sockets and no clock, and ends at its [`Limits`].
//!
//! ```
//! use stonechat_model::{Labels, Timestamp};
//! use stonechat_template::prometheus::{PrometheusFunctions, is_function};
//! use stonechat_template::{Limits, MissingKey, Templates, Value};
//!
//! let mut templates = Templates::new(MissingKey::Zero);
//! templates.add("summary", "{{ .Labels.job }} lost {{ .Value | humanizePercentage }}", is_function)?;
//!
//! let labels = Labels::from_pairs([("job", "gateway")])?;
//! let data = Value::map([("Labels", labels.into()), ("Value", Value::Float(0.052))]);
//! let functions = PrometheusFunctions {
//!     now: Timestamp::from_millis(0),
//!     external_url: "http://localhost:9090",
//!     query: &|_| Ok(Vec::new()),
//! };
//! let text = templates.execute("summary", &data, &functions, &Limits::default())?;
//! assert_eq!(text, "gateway lost 5.2%");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error; // what can be wrong, in Go's words
mod execute; // trees to text
mod functions; // what a template may call
mod lex; // text to tokens
mod limits; // how much it may do
mod parse; // tokens to trees
mod print; // values as Go prints them
mod templates; // named templates that may call one another
mod time; // Go's times and durations
mod tree; // a template after parsing
mod value; // what a template computes with

pub use error::{Error, Place};
pub use functions::{CallError, Functions, NoFunctions, Parameter, Signature, prometheus};
pub use limits::Limits;
pub use templates::{MissingKey, Templates};
pub use time::Time;
pub use value::{Element, List, Map, Object, Value};
